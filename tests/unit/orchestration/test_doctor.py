from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.doctor import locked_versions


def test_no_lock_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        locked_versions(tmp_path / "requirements.lock")


def test_only_what_this_machine_needs(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# by a tool\n"
        "alpha==1.0 ; python_full_version >= '3' \\\n"
        "    --hash=sha256:00 \\\n"
        "    --hash=sha256:01\n"
        "    # via beta\n"
        "beta==2.0.1\n"
        "gamma==1.0 ; python_full_version < '3'\n"
        "gamma==3.1 ; python_full_version >= '3' \\\n"
        "    --hash=sha256:02\n"
        "delta[extra]==4.0 ; sys_platform == 'plan9'\n"
    )
    assert locked_versions(lock) == {"alpha": "1.0", "beta": "2.0.1", "gamma": "3.1"}

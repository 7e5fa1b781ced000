"""Keeps the dbt manifest, from which the assets are made, as new as the models."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
MANIFEST = DBT_PROJECT / "target" / "manifest.json"

_SOURCES = ("*.sql", "*.yml", "*.csv")
_BUILT = ("target", "logs", "dbt_packages")


class ManifestError(Exception):
    """The dbt project can't be parsed; the message is dbt's."""


def ensure_manifest(environment: Mapping[str, str]) -> None:
    """Parses the dbt project unless its manifest is newer than every file of it.

    Args:
        environment: Variables for dbt (orchestration/environment.py).

    Raises:
        ManifestError: dbt refuses the project.
    """
    if MANIFEST.exists() and MANIFEST.stat().st_mtime > _newest_source():
        return
    MANIFEST.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MANIFEST.parent, prefix=".parse-") as folder:
        parsed = subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                "--quiet",
                "parse",
                "--project-dir",
                str(DBT_PROJECT),
                "--profiles-dir",
                str(DBT_PROJECT),
                "--target-path",
                folder,
                "--log-path",
                folder,
            ],
            env={**environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if parsed.returncode:
            raise ManifestError(
                f"dbt can't parse {DBT_PROJECT}:\n{parsed.stdout.strip()}\n{parsed.stderr.strip()}"
            )
        # Moved into place whole: a killed parse must not leave half a manifest that looks new.
        for name in ("partial_parse.msgpack", "manifest.json"):
            (Path(folder) / name).replace(MANIFEST.with_name(name))


def _newest_source() -> float:
    """Returns when a file of the project was last changed."""
    return max(
        path.stat().st_mtime
        for pattern in _SOURCES
        for path in DBT_PROJECT.rglob(pattern)
        if path.relative_to(DBT_PROJECT).parts[0] not in _BUILT
    )

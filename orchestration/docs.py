"""The documentation of the tables, as one file that needs neither a server nor the web.

Belongs here: calling dbt and sealing what it writes. Does not belong here: the words; they stand
beside the models.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestration.environment import SILENCED, runtime_environment
from orchestration.manifest import DBT_PROJECT
from warehouse.connection import ConnectionFailedError, connect
from warehouse.embedded import EmbeddedServerError
from warehouse.settings import Settings

# What the page may load: nothing but what is in it. dbt's own page knows an address that counts
# visits, which our project switches off; the browser holds to this whatever the page wants.
SEAL = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'\">"
    '<meta name="referrer" content="no-referrer">'
)
_HEAD = "<head>"


class DocsError(Exception):
    """The documentation can't be written; the message says why."""


def write_docs(settings: Settings, target: Path) -> bool:
    """Writes the documentation of models, columns, lineage and tests.

    Args:
        settings: Those of the installation.
        target: The file, which is replaced as a whole; its folder is made.

    Returns:
        Whether the tables' types and sizes are in it, which only a running warehouse knows.

    Raises:
        DocsError: dbt refuses the project, or the file can't be written.
    """
    environment = _warehouse_environment(settings)
    with tempfile.TemporaryDirectory(prefix="clv-docs-") as folder:
        if environment is None:
            offline = {**os.environ, **SILENCED}
            _dbt(["parse"], folder, offline)
            without = ["--no-compile", "--empty-catalog"]
            _dbt(["docs", "generate", "--static", *without], folder, offline)
        else:
            _dbt(["docs", "generate", "--static"], folder, environment)
        page = Path(folder) / "static_index.html"
        before, head, after = page.read_text(encoding="utf-8").partition(_HEAD)
    # dbt writes down where the project stands on this machine.
    here = json.dumps(str(DBT_PROJECT.parent) + os.sep)[1:-1]
    before, after = before.replace(here, ""), after.replace(here, "")
    if not head:
        raise DocsError("dbt's page has no head to seal: this version of dbt isn't known here.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.new")
        draft.write_text(f"{before}{head}{SEAL}{after}", encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise DocsError(f"{target} can't be written: {error.strerror}") from None
    return environment is not None


def _dbt(command: list[str], folder: str, environment: dict[str, str]) -> None:
    """Runs dbt with its artifacts in a folder of their own."""
    project = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    artifacts = ["--target-path", folder, "--log-path", folder]
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *command, *project, *artifacts],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise DocsError(f"dbt can't write the documentation:\n{ended.stdout.strip()[-3000:]}")


def _warehouse_environment(settings: Settings) -> dict[str, str] | None:
    """Returns dbt's environment; None where no warehouse answers."""
    try:
        connect(settings=settings).close()
        return runtime_environment(settings)
    except (EmbeddedServerError, ConnectionFailedError):
        return None

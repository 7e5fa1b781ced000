"""What runs say, as lines of JSON with the ids of run and company, in <home>/logs/runs.jsonl.

Bound by orchestration/dagster.yaml. Belongs here: what of Dagster's records a line holds. Does not
belong here: what is said (assets), and the receiver's lines (`ingestion/receiver/logs.py`).
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import dagster as dg

from warehouse.settings import get_settings

FILE = "runs.jsonl"

#: Of Dagster's own events those by which a run can be followed; the rest is for its UI.
_FOLLOWED = frozenset(
    {
        dg.DagsterEventType.RUN_START,
        dg.DagsterEventType.RUN_SUCCESS,
        dg.DagsterEventType.RUN_FAILURE,
        dg.DagsterEventType.STEP_START,
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
    }
)

# It says with each run that handlers of the instance's file are beta.
warnings.filterwarnings("ignore", message="Handling yaml-defined logging", category=dg.BetaWarning)


class RunLog(logging.Handler):
    """Appends what a run says to a file; several runs may write to it."""

    def __init__(self, folder: str | None = None) -> None:
        super().__init__()
        self._path = (Path(folder) if folder else get_settings().log_folder) / FILE

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line; a disk that is full stops no run."""
        try:
            line = described(record)
            if line is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                # One write a line: lines of several processes don't mix.
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
        except OSError:
            self.handleError(record)


def described(record: logging.LogRecord) -> str | None:
    """Returns a record as JSON; None for one that nobody follows."""
    import structlog

    about: dict[str, Any] = getattr(record, "dagster_meta", {})
    event = about.get("dagster_event")
    kind = event.event_type if event is not None else None
    if kind is not None and kind not in _FOLLOWED:
        return None
    if kind is None and record.levelno < logging.INFO:
        return None
    fields = {
        "timestamp": about.get("log_timestamp"),
        "level": record.levelname.lower(),
        "event": kind.value.lower() if kind is not None else "message",
        "run_id": about.get("run_id"),
        "job": about.get("job_name"),
        "company_id": (about.get("job_tags") or {}).get("dagster/partition"),
        "step": about.get("step_key"),
        "message": about.get("orig_message") or record.getMessage(),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return str(structlog.processors.JSONRenderer(ensure_ascii=False)(None, "", known))

"""The alerts that there are, each with its words.

Belongs here: what is said. Does not belong here: when (`orchestration/lib/alerts.py`) and how it is
sent (`outbox.py`, `channels.py`). docs/alerts.md lists them for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Alert:
    """Something that people should know.

    Attributes:
        kind: One of those below.
        company_id: Whose; None where it concerns all.
        key: Tells two alerts of a kind apart: one of the same kind, company and key is the same
            alert, and told once.
        happened: What happened, in one line.
        means: What it means for the numbers that people read.
        to_do: What to do now.
    """

    kind: str
    company_id: str | None
    key: str
    happened: str
    means: str
    to_do: str

    @property
    def text(self) -> str:
        """The whole message."""
        return f"{self.happened}\n\nWhat it means: {self.means}\nWhat to do: {self.to_do}"


def run_failed(job: str, company_id: str | None, run_id: str, causes: Sequence[str]) -> Alert:
    """A run ended badly."""
    return Alert(
        "run_failed",
        company_id,
        run_id,
        f"{job} failed for {company_id or 'all companies'}: " + "; ".join(causes),
        "The tables keep their last good state; other companies go on.",
        f"Run {run_id} in the Dagster UI has the log; mend the cause, then re-execute it there.",
    )


def run_stuck(job: str, company_id: str | None, run_id: str, said: str) -> Alert:
    """A run took longer than its longest time, and was ended."""
    return Alert(
        "run_stuck",
        company_id,
        run_id,
        f"{job} of {company_id or 'all companies'} hung and was ended: {said}",
        "The tables keep their last good state; whatever waited for it goes on.",
        f"Run {run_id} in the Dagster UI shows the step that hung. Look whether the source or the "
        "database answers, then re-execute it; if it only takes long, raise dagster/max_runtime.",
    )


def credentials_refused(
    source: str, company_id: str | None, day: date, run_id: str, cause: str
) -> Alert:
    """A source doesn't let the platform in. It fails each night in the same way, so once a day."""
    return Alert(
        "credentials_refused",
        company_id,
        f"{source} {day}",
        f"{source} refuses the credentials of {company_id}: {cause}",
        "Nothing new of this source lands until that is mended; nothing is lost, the next landing "
        "takes what came meanwhile.",
        f"Renew the token where docs of the source say, then re-execute run {run_id}.",
    )


def check_failed(check: str, asset: str, company_id: str | None, run_id: str, said: str) -> Alert:
    """A blocking check found something."""
    return Alert(
        "check_failed",
        company_id,
        f"{asset} {check} {run_id}",
        f"The check {check} of {asset} failed for {company_id or 'all companies'}: {said}",
        "What depends on it is left at its last good state.",
        f"Look at the check in the Dagster UI (run {run_id}); rows that are wrong are named there.",
    )


def stale(company_id: str, source: str, day: date, said: str) -> Alert:
    """Nothing has landed for too long; once a day."""
    return Alert(
        "stale",
        company_id,
        f"{source} {day}",
        f"{source} of {company_id} is not up to date: {said}",
        "Its customers' values are those of the last landing.",
        "Look whether the nightly landing ran and why it stopped: clv status, clv doctor.",
    )


def champion_changed(
    company_id: str, model: str, version: str, before: str | None, reason: str
) -> Alert:
    """Another model serves from now on."""
    return Alert(
        "champion_changed",
        company_id,
        f"{model} {version}",
        f"{model} (version {version}) predicts the customers of {company_id} from now on"
        + (f", instead of {before}" if before else ""),
        f"Predictions may move without a change of the customers. Why: {reason}",
        "Nothing; the scorecard in the report and in MLflow has the figures.",
    )


#: Its mail carries the report itself.
WEEKLY_REPORT = "weekly_report"


def weekly_report(company_id: str, week: str, headline: str, address: str) -> Alert:
    """The first report of a week is there."""
    return Alert(
        WEEKLY_REPORT,
        company_id,
        week,
        f"Weekly report of {company_id}, {week}: {headline}",
        "This is what the last night found; the page has the figures, what they are worth and how "
        "they were reached.",
        f"Open the attached page in a browser, or {address}",
    )


def at_risk(company_id: str, day: date, customers: int, value: str) -> Alert:
    """Good customers may be lost; once for a calculation. Who they are is not for a message."""
    return Alert(
        "customers_at_risk",
        company_id,
        str(day),
        f"{customers} customers of {company_id} are at risk, with {value} expected of them in 12 "
        "months",
        "They have ordered repeatedly and are later than usual.",
        "The report, the dashboard and reporting.at_risk_customers say whom to write to and how.",
    )

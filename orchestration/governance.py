"""The governance report: what a quarter's models were, how good, and who did what.

A Markdown file for whoever answers for the numbers: exports/<company>/governance/<quarter>.md under
CLV_HOME, and beside the contest in MLflow. It names readers and programs, never customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from psycopg import Connection

from warehouse.companies import Company
from warehouse.connection import connect
from warehouse.settings import Settings

_IN_SERVICE: LiteralString = """
    select champion, model_version, as_of, decision, asked_by, reason
    from ml.contests
    where company_id = %(company)s
    order by number desc
    limit 1
"""

_SCORES: LiteralString = """
    select model, horizon, cutoff, rows, mae, spearman, normalised_gini, decile_mape, total_ratio
    from ml.clv_model_scores
    where company_id = %(company)s and segment = 'all' and (is_champion or model = 'naive')
    order by horizon_days, cutoff desc, is_champion desc
"""

_REALISED: LiteralString = """
    select calculation_date, horizon_months, basis, customers, mae, mae_expected, change, is_alarm
    from ml.realised_accuracy
    where company_id = %(company)s
    order by calculation_date desc, horizon_months
    limit 20
"""

_DRIFT: LiteralString = """
    select kind, name, psi, psi_bound, is_drifted
    from ml.drift_metrics
    where
        company_id = %(company)s
        and calculation_date = (
            select max(calculation_date) from ml.drift_metrics where company_id = %(company)s
        )
    order by is_drifted desc, psi desc
"""

_ACTIONS: LiteralString = """
    select at_time, actor, action, object, detail
    from access.audit_log
    where
        (company_id = %(company)s or company_id is null)
        and at_time >= %(first)s
        and at_time < %(end)s
        and action <> 'ran'
    order by number
"""

_RUNS: LiteralString = """
    select object, detail ->> 'status', count(*)
    from access.audit_log
    where
        (company_id = %(company)s or company_id is null)
        and at_time >= %(first)s
        and at_time < %(end)s
        and action = 'ran'
    group by object, detail ->> 'status'
    order by object, detail ->> 'status'
"""

_READERS: LiteralString = """
    select role_name, personal_data, granted_at::date
    from access.reader_companies
    where company_id = %(company)s
    order by role_name
"""


@dataclass(frozen=True)
class Quarter:
    """Three months, as a company's days have them."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """Returns the quarter of a day."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def before(self) -> Quarter:
        """The quarter before."""
        return (
            Quarter(self.year - 1, 4) if self.number == 1 else Quarter(self.year, self.number - 1)
        )

    @property
    def after(self) -> Quarter:
        """The quarter after."""
        return (
            Quarter(self.year + 1, 1) if self.number == 4 else Quarter(self.year, self.number + 1)
        )

    def __str__(self) -> str:
        """Returns it as 2026-Q3."""
        return f"{self.year}-Q{self.number}"

    def begins(self, timezone: str) -> datetime:
        """Returns its first moment in a time zone."""
        return datetime(self.year, 3 * self.number - 2, 1, tzinfo=ZoneInfo(timezone))


def write_governance_report(settings: Settings, company: Company, quarter: Quarter) -> Path:
    """Writes the report of a company.

    Args:
        settings: Those of the installation.
        company: Whose.
        quarter: Whose actions and runs are listed; models and figures are as they stand now.

    Returns:
        The file.

    Raises:
        OSError: It can't be written.
        EmbeddedServerError, ConnectionFailedError: The warehouse can't be used.
    """
    file = settings.home / "exports" / company.id / "governance" / f"{quarter}.md"
    with connect(settings=settings) as connection:
        connection.execute("set transaction isolation level repeatable read read only")
        text = governance_report(connection, company, quarter)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file


def governance_report(connection: Connection[Any], company: Company, quarter: Quarter) -> str:
    """Returns the report as Markdown."""
    asked = {
        "company": company.id,
        "first": quarter.begins(company.timezone),
        "end": quarter.after.begins(company.timezone),
    }

    def rows(query: LiteralString) -> list[tuple[Any, ...]]:
        return connection.execute(query, asked).fetchall()

    parts = [
        f"# Governance of {company.name}, {quarter}",
        f"Days are those of {company.timezone}; money is in {company.base_currency}.",
        "## The model in service",
        _table(
            ("model", "version", "fitted to", "decision", "asked for by", "why"), rows(_IN_SERVICE)
        ),
        "## How good it was on held-back spend, beside the naive baseline",
        _table(
            ("model", "horizon", "cutoff", "customers", "error a customer", "Spearman", "Gini",
             "decile error", "total ratio"),
            rows(_SCORES),
        ),
        "## What came of earlier predictions",
        _table(
            ("from", "months", "basis", "customers", "error", "expected", "change", "alarm"),
            rows(_REALISED),
        ),
        "## Drift at the latest calculation",
        _table(("kind", "name", "PSI", "bound", "drifted"), rows(_DRIFT)),
        "## Who reads this company",
        _table(("reader", "personal data", "since"), rows(_READERS)),
        "## What was promoted, granted, exported, erased, uploaded and restored",
        _table(("when", "who", "what", "object", "detail"), rows(_ACTIONS)),
        "## Runs",
        _table(("job", "ended", "runs"), rows(_RUNS)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "None."
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M %Z}"
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {each}" for name, each in value.items() if each is not None)
    return str(value).replace("|", "\\|").replace("\n", " ")

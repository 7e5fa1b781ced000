"""The governance report says what the tables hold, and of the quarter alone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from orchestration.governance import Quarter, governance_report, write_governance_report
from orchestration.resources.contests import Contests
from warehouse.audit import record
from warehouse.companies import Company
from warehouse.settings import Settings

COMPANY = Company.model_validate(
    {
        "id": "governed",
        "name": "Governed | Ltd",
        "base_currency": "EUR",
        "timezone": "Europe/Berlin",
        "margin_rate": 0.3,
        "sources": {},
    }
)
NOW = Quarter.of(datetime.now(UTC).date())


@pytest.fixture
def held(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """A warehouse in which a contest was held and something was exported."""
    row = {
        "as_of": date(2026, 6, 30),
        "settings": "s",
        "asked_by": "7 days of new data since the last contest",
        "decision": "promoted",
        "champion": "blend",
        "champion_before": "mbg_nbd",
        "reason": "best mean rank",
        "model_version": "2",
    }
    for _ in range(2):
        Contests().keep("governed", "run", row)
    record(connection, "nora", "exported", "customers", "governed", {"rows": 7})
    record(connection, "otto", "exported", "customers", "somebody_else", {"rows": 8})
    connection.execute(
        "insert into access.reader_companies values ('nora', 'governed', true, now())"
    )
    yield connection
    connection.rollback()
    connection.execute("delete from ml.contests where company_id = 'governed'")
    connection.commit()


def test_it_names_model_decision_readers_and_actions_of_the_company_alone(
    held: psycopg.Connection,
) -> None:
    text = governance_report(held, COMPANY, NOW)
    assert "# Governance of Governed | Ltd" in text
    assert (
        "| blend | 2 | 2026-06-30 | promoted | 7 days of new data since the last contest |" in text
    )
    assert "| nora | yes |" in text
    assert "nora | exported | customers | rows: 7 |" in text
    assert "otto" not in text
    # A contest that is kept twice is one, and so is what the gate decided.
    assert text.count("model promoted") == 1


def test_another_quarter_has_the_model_and_none_of_these_actions(held: psycopg.Connection) -> None:
    text = governance_report(held, COMPANY, NOW.before)
    assert "| blend | 2 |" in text
    assert "rows: 7" not in text


def test_it_is_a_file_a_quarter(held: psycopg.Connection, warehouse_settings: Settings) -> None:
    held.commit()
    file = write_governance_report(warehouse_settings, COMPANY, NOW)
    assert file.relative_to(warehouse_settings.home).as_posix() == (
        f"exports/governed/governance/{NOW}.md"
    )
    assert "blend" in file.read_text()


@pytest.mark.parametrize(
    ("day", "quarter"),
    [
        (date(2026, 1, 1), "2026-Q1"),
        (date(2026, 6, 30), "2026-Q2"),
        (date(2026, 12, 31), "2026-Q4"),
    ],
)
def test_quarters_follow_one_another(day: date, quarter: str) -> None:
    found = Quarter.of(day)
    assert str(found) == quarter
    assert found.before.after == found.after.before == found
    assert found.begins("Europe/Berlin") < found.after.begins("Europe/Berlin")

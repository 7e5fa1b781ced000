"""Whoever is erased is found nowhere any more, and the money stays."""

from __future__ import annotations

import json
from importlib import import_module

import psycopg
import pytest

from ingestion.errors import SourceError
from ingestion.locks import lock_key
from ingestion.sources.files.reconciliation import compare_feed
from tests.integration.erasure.conftest import (
    APIS,
    DELIVERED,
    ERASES,
    Story,
    of_this_process,
)
from tests.integration.reference.conftest import transform
from warehouse.companies import load_companies
from warehouse.quality.validation import validate
from warehouse.settings import get_settings


def test_the_person_was_everywhere_before(story: Story) -> None:
    assert {
        "raw_files.order_lines",
        "raw_shopify.customers",
        "raw_shopify.orders",
        "raw_woocommerce.customers",
        "raw_woocommerce.orders",
        "quarantine.rejected_rows",
        "marts.customer_pii",
        "ml.clv_predictions",
        "logs/refresh.log",
        "public.noted",
        *(f"{folder}/clv_predictions.csv" for folder in DELIVERED),
    } <= set(story.traces["before"])


def test_no_trace_is_left(story: Story) -> None:
    assert story.afterwards[:2] == ["erased", "landed again"]
    assert {stage: story.traces[stage] for stage in story.afterwards} == {
        stage: [] for stage in story.afterwards
    }


def test_customers_orders_and_money_stay(story: Story) -> None:
    assert all(story.totals["before"])
    assert {story.totals[stage] for stage in story.afterwards} == {story.totals["before"]}


def test_the_same_person_of_another_company_stays(story: Story) -> None:
    rows = story.others["before"]
    assert any(story.email in row for row in rows["raw_files.order_lines"])
    for stage in story.afterwards:
        assert story.others[stage] == rows, stage


def test_a_rebuild_finds_the_marts_as_the_command_left_them(story: Story) -> None:
    """But for what is made of an id that was an address."""
    if "rebuilt" not in story.afterwards:
        pytest.skip("built anew with the faults")
    erased, rebuilt = (
        {
            table: [row for row in rows if "erased.invalid" not in row]
            for table, rows in story.marts[stage].items()
            if table != "marts.fct_order_lines"
        }
        for stage in ("erased", "rebuilt")
    )
    assert erased == rebuilt


def test_an_export_gives_all_before_and_nothing_that_tells_after(story: Story) -> None:
    before, after = story.exports["before"], story.exports["after"]
    assert before["erased_at"] is None
    assert after["erased_at"] is not None
    named = {table for table, rows in before["tables"].items() if rows}
    assert {
        "raw_files.order_lines",
        "raw_shopify.orders",
        "raw_shopify.order_lines",
        "raw_woocommerce.orders",
        "marts.fct_orders",
        "marts.customer_pii",
        "ml.clv_predictions",
        "quarantine.rejected_rows",
    } <= named
    text = json.dumps(after).lower()
    assert not [word for word in story.words if word.lower() in text]
    # What is kept is given, too.
    assert len(after["tables"]["marts.fct_orders"]) == len(before["tables"]["marts.fct_orders"])


def test_an_audit_row_tells_when_by_whom_and_how_much(story: Story) -> None:
    with psycopg.connect(story.url) as connection:
        rows = connection.execute(
            "select company_id, erased_by, changed, email_hash from access.erasures"
            " order by erased_at"
        ).fetchall()
    assert [(company, bool(by)) for company, by, _, _ in rows] == [(ERASES, True)] * 2
    first, again = (changed for _, _, changed, _ in rows)
    assert first["raw_shopify.customers"] >= 1
    assert sum(again.values()) == 0
    assert "Erased" in story.said["first"]
    # The one that was killed has left nothing.
    files = {f"{folder}/clv_predictions.csv" for folder in DELIVERED}
    logs = {"logs/refresh.log", "public.noted"}
    assert set(story.traces["killed"]) == set(story.traces["before"]) - logs - files
    assert story.marts["killed"] == story.marts["before"]
    assert "erased before" in story.said["again"]


def test_whoever_only_has_a_similar_address_stays(story: Story) -> None:
    with psycopg.connect(story.url) as connection:
        ((email, remark),) = connection.execute(
            "select email, extra ->> 'remark' from raw_files.order_lines"
            " where company_id = %s and customer_id = '88'",
            (ERASES,),
        ).fetchall()
    assert email == f"jo{story.email}"
    assert remark.startswith("ask erased-")


@pytest.mark.parametrize("source", APIS)
def test_what_is_left_still_reconciles_with_the_source(story: Story, source: str) -> None:
    reconciliation = import_module(f"ingestion.sources.{source}.reconciliation")
    with of_this_process(story.installation):
        compared = reconciliation.reconcile(load_companies(get_settings().companies_file)[ERASES])
    assert compared
    assert [str(each) for each in compared if not each.agrees] == []


def test_the_files_reconcile_too(story: Story) -> None:
    with of_this_process(story.installation):
        company = load_companies(get_settings().companies_file)[ERASES]
        (feed,) = company.sources.files
        found = compare_feed(company, feed, story.installation.folder, "order_lines")
    assert found.differences == ()


@pytest.mark.faults
@pytest.mark.parametrize("source", APIS)
def test_what_is_left_is_as_expected_of_the_source(story: Story, source: str) -> None:
    suite = import_module(f"warehouse.quality.raw_{source}")
    with of_this_process(story.installation):
        for table in suite.KEYS:
            found = validate(f"raw_{source}.{table}", ERASES, suite.expectations(table))
            assert found.success, (table, found)


@pytest.mark.faults
def test_the_models_tests_hold(story: Story) -> None:
    transform(story.installation, "test")


@pytest.mark.parametrize(
    ("command", "company", "email", "says"),
    [
        ("erase", "nobodys", "ann@example.com", "is not in"),
        ("erase", ERASES, "unknown.person@example.com", "Nobody in company erases"),
        ("export-person", ERASES, "no address", "no e-mail address"),
    ],
)
def test_wrong_input_is_told_without_the_address(
    story: Story, command: str, company: str, email: str, says: str
) -> None:
    ended = story.installation.clv(command, "--company", company, "--email", email, check=False)
    assert ended.returncode == 1
    assert says in ended.stderr
    assert email not in ended.stdout + ended.stderr
    assert erasures(story) == 2


def test_the_command_and_its_file(story: Story) -> None:
    out = story.installation.folder / "person.json"
    given = ("--company", ERASES, "--email", story.email)
    story.installation.clv("export-person", *given, "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    written = out.read_text()
    assert json.loads(written)["tables"]
    again = story.installation.clv("export-person", *given, "--out", str(out), check=False)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert out.read_text() == written


def test_nobody_is_erased_while_a_load_is_under_way(story: Story) -> None:
    with psycopg.connect(story.url, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(%s)", (lock_key(f"load stripe {ERASES}"),))
        with of_this_process(story.installation), pytest.raises(SourceError, match="loaded"):
            story.erase()
    assert erasures(story) == 2


def erasures(story: Story) -> int:
    with psycopg.connect(story.url) as connection:
        return connection.execute("select * from access.erasures").rowcount

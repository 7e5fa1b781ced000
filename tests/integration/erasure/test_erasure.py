"""Whoever is erased is found nowhere any more, and the money stays."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.integration.erasure.conftest import ERASES, Story

AFTERWARDS = ["erased", "landed again", "backfilled", "rebuilt"]


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
    } <= set(story.traces["before"])


@pytest.mark.parametrize("stage", AFTERWARDS)
def test_no_trace_is_left(story: Story, stage: str) -> None:
    assert story.traces[stage] == []


@pytest.mark.parametrize("stage", AFTERWARDS)
def test_customers_orders_and_money_stay(story: Story, stage: str) -> None:
    assert all(story.totals["before"])
    assert story.totals[stage] == story.totals["before"]


@pytest.mark.parametrize("stage", AFTERWARDS)
def test_the_same_person_of_another_company_stays(story: Story, stage: str) -> None:
    rows = story.others["before"]
    assert any(story.email in row for row in rows["raw_shopify.customers"])
    assert story.others[stage] == rows


def test_a_rebuild_finds_the_marts_as_the_command_left_them(story: Story) -> None:
    """But for what is made of an id that was an address."""
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
    rows = story.installation.query(
        "select company_id, erased_by, changed, email_hash from access.erasures order by erased_at"
    )
    assert [(company, bool(by)) for company, by, _, _ in rows] == [(ERASES, True)] * 2
    first, again = (changed for _, _, changed, _ in rows)
    assert first["raw_shopify.customers"] >= 1
    assert sum(again.values()) == 0
    assert "Erased" in story.said["first"]
    assert "erased before" in story.said["again"]


def test_whoever_only_has_a_similar_address_stays(story: Story) -> None:
    rows = story.installation.query(
        "select email, extra ->> 'remark' from raw_files.order_lines"
        " where company_id = %s and customer_id = '88'",
        ERASES,
    )
    ((email, remark),) = rows
    assert email == f"jo{story.email}"
    assert remark.startswith("ask erased-")


@pytest.mark.parametrize(
    ("company", "email", "says"),
    [
        ("nobodys", "ann@example.com", "is not in"),
        (ERASES, "unknown.person@example.com", "Nobody in company erases"),
        (ERASES, "no address", "no e-mail address"),
    ],
)
@pytest.mark.parametrize("command", ["erase", "export-person"])
def test_wrong_input_is_told_without_the_address(
    story: Story, command: str, company: str, email: str, says: str
) -> None:
    before = story.installation.query("select count(*) from access.erasures")
    ended = story.installation.clv(command, "--company", company, "--email", email, check=False)
    assert ended.returncode == 1
    assert says in ended.stderr
    assert email not in ended.stdout + ended.stderr
    assert story.installation.query("select count(*) from access.erasures") == before


def test_a_load_under_way_is_waited_for_by_hand(story: Story) -> None:
    from ingestion.locks import lock_key

    with psycopg.connect(story.installation.url(), autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(%s)", (lock_key(f"load stripe {ERASES}"),))
        ended = story.erase(check=False)
    assert ended.returncode == 1
    assert "is being loaded already" in ended.stderr

"""What comes after a day changes nothing that is said of that day, but by the survivor rule."""

from __future__ import annotations

from datetime import date
from typing import Any, LiteralString

import pytest

from tests.integration.reference.conftest import Built, transform
from tests.integration.reference.landed import Kept, Postgres, put

#: Orders after the day lose every third, and the others move on by days.
_LATER_ORDERS: tuple[LiteralString, ...] = (
    "delete from raw_shopify.orders where {later} and hashtext(id) %% 3 = 0",
    "update raw_shopify.orders set processed_at = processed_at + interval '3 days',"
    " created_at = created_at + interval '3 days' where {later} and hashtext(id) %% 2 = 0",
    "delete from raw_woocommerce.orders where {later} and hashtext(id) %% 3 = 0",
    "update raw_woocommerce.orders set created_at = created_at + interval '3 days',"
    " paid_at = paid_at + interval '3 days' where {later} and hashtext(id) %% 2 = 0",
)
#: Orders that were there come a second time, after the day.
_MORE_ORDERS: tuple[LiteralString, ...] = (
    "insert into raw_shopify.orders select (jsonb_populate_record(orders, jsonb_build_object("
    " 'id', 'more-' || id, 'processed_at', %(after)s::timestamptz,"
    " 'created_at', %(after)s::timestamptz))).* from raw_shopify.orders as orders"
    " where not {later} and hashtext(id) %% 4 = 0",
    "insert into raw_shopify.order_lines select (jsonb_populate_record(lines, jsonb_build_object("
    " 'id', 'more-' || id, 'order_id', 'more-' || order_id))).* from raw_shopify.order_lines"
    " as lines where 'more-' || order_id in (select id from raw_shopify.orders)",
    "insert into raw_woocommerce.orders select (jsonb_populate_record(orders, jsonb_build_object("
    " 'id', '99' || id, 'created_at', %(after)s::timestamptz,"
    " 'paid_at', %(after)s::timestamptz))).* from raw_woocommerce.orders as orders"
    " where not {later} and hashtext(id) %% 4 = 0",
    "insert into raw_woocommerce.order_lines select (jsonb_populate_record(lines,"
    " jsonb_build_object('id', '99' || id, 'order_id', '99' || order_id))).*"
    " from raw_woocommerce.order_lines as lines"
    " where '99' || order_id in (select id from raw_woocommerce.orders)",
)
#: Refunds after the day move on or are gone; what came back once comes back again; and of every
#: fifth order that was there something does for the first time.
_LATER_REFUNDS: tuple[LiteralString, ...] = (
    "update raw_shopify.refunds set processed_at = processed_at + interval '5 days'"
    " where {later} and hashtext(id) %% 2 = 0",
    "delete from raw_shopify.refunds where {later} and hashtext(id) %% 2 <> 0",
    "update raw_woocommerce.refunds set created_at = created_at + interval '5 days'"
    " where {later} and hashtext(id) %% 2 = 0",
    "delete from raw_woocommerce.refunds where {later} and hashtext(id) %% 2 <> 0",
    "insert into raw_shopify.refunds select (jsonb_populate_record(refunds, jsonb_build_object("
    " 'id', 'again-' || id, 'processed_at', %(after)s::timestamptz))).*"
    " from raw_shopify.refunds as refunds where not {later}",
    "insert into raw_shopify.refund_lines select (jsonb_populate_record(lines, jsonb_build_object("
    " 'id', 'again-' || id, 'refund_id', 'again-' || refund_id))).*"
    " from raw_shopify.refund_lines as lines"
    " where 'again-' || refund_id in (select id from raw_shopify.refunds)",
    "insert into raw_shopify.refunds select (jsonb_populate_record(refunds, jsonb_build_object("
    " 'id', 'first-' || orders.id, 'order_id', orders.id,"
    " 'processed_at', %(after)s::timestamptz))).* from raw_shopify.orders as orders"
    " cross join (select * from raw_shopify.refunds order by id limit 1) as refunds"
    " where hashtext(orders.id) %% 5 = 0",
    "insert into raw_woocommerce.refunds select (jsonb_populate_record(refunds,"
    " jsonb_build_object('id', '98' || orders.id, 'order_id', orders.id,"
    " 'created_at', %(after)s::timestamptz))).* from raw_woocommerce.orders as orders"
    " cross join (select * from raw_woocommerce.refunds order by id limit 1) as refunds"
    " where hashtext(orders.id) %% 5 = 0",
)
_TIMES = {
    "raw_shopify.orders": "coalesce(processed_at, created_at)",
    "raw_shopify.refunds": "coalesce(processed_at, created_at)",
    "raw_woocommerce.orders": "created_at",
    "raw_woocommerce.refunds": "created_at",
}

Person = frozenset[tuple[str, str]]


def later(statement: str) -> str:
    """The statement with its condition on what is dated after the day."""
    for table, moment in _TIMES.items():
        if f" {table} " in statement:
            condition = f"cast({moment} at time zone 'America/New_York' as date) > %(day)s"
            return statement.replace("{later}", condition)
    return statement


def people(built: Built) -> dict[str, Person]:
    """Who is who: by customer, the names under which sources know them."""
    found: dict[str, set[tuple[str, str]]] = {}
    for customer_id, source, name in built.query(
        "select customer_id, source, source_customer_id from marts.bridge_customer_identities"
    ):
        found.setdefault(customer_id, set()).add((source, name))
    return {customer_id: frozenset(names) for customer_id, names in found.items()}


def known(built: Built, day: date) -> dict[tuple[str, date], dict[str, Any]]:
    """The features of days up to the day, by customer and day."""
    rows = built.query(
        "select to_jsonb(features) from marts.customer_features as features where as_of_date <= %s",
        day,
    )
    return {(row.pop("customer_id"), date.fromisoformat(row["as_of_date"])): row for (row,) in rows}


def mergers(built: Built, day: date) -> list[tuple[str, str]]:
    """Pairs of the shop's customers of whom something is known on the day: gone, and into whom."""
    found = built.query(
        "select features.customer_id from marts.customer_features as features"
        " inner join marts.bridge_customer_identities as names"
        "   on names.customer_id = features.customer_id and names.source = 'shopify'"
        "   and names.source_customer_id = features.customer_id"
        " where features.as_of_date = %s and features.customer_id not in"
        "   (select id from raw_shopify.deletions)"
        " order by features.customer_id limit 6",
        day,
    )
    names = [name for (name,) in found]
    return list(zip(names[:3], names[3:], strict=True))


def test_what_is_dated_later_changes_no_feature(
    built: Built, warehouse: Postgres, kept: list[Kept]
) -> None:
    days = [
        day
        for (day,) in built.query(
            "select distinct as_of_date from marts.customer_features order by 1"
        )
    ]
    day = days[len(days) * 2 // 3]
    before, names = known(built, day), people(built)
    merged = mergers(built, day)
    bound = {"day": day, "after": f"{days[-2]} 12:00+00"}
    moved = 0
    for statement in (*_LATER_REFUNDS, *_MORE_ORDERS, *_LATER_ORDERS):
        moved += warehouse.execute(later(statement), bound).rowcount  # type: ignore[arg-type]
    assert moved > 200
    for gone, into in merged:
        warehouse.execute(
            "insert into raw_shopify.deletions (company_id, entity, id, deleted_at, merged_into)"
            " values ('acme', 'customers', %s, %s, %s)",
            (gone, bound["after"], into),
        )
    transform(built.installation, "run")
    after, names_after = known(built, day), people(built)

    # Of somebody who is the same person in both, under whichever name.
    common = frozenset().union(*names.values()) & frozenset().union(*names_after.values())
    renamed = {each & common: customer_id for customer_id, each in names_after.items()}
    pairs = {name for pair in merged for name in pair}
    compared = 0
    for (customer_id, as_of), features in before.items():
        same = renamed.get(names[customer_id] & common)
        if same is None:
            continue
        assert after[same, as_of] == features, (customer_id, as_of)
        compared += 1
    assert compared > 0.9 * len(before)
    assert pairs

    # A merger moves the history to the survivor at every day.
    for gone, into in merged:
        for as_of in {as_of for _, as_of in before}:
            parts = [before[name, as_of] for name in (gone, into) if (name, as_of) in before]
            assert (gone, as_of) not in after
            for column in ("orders", "revenue_sum", "net_revenue_sum"):
                assert after.get((into, as_of), {}).get(column, 0) == pytest.approx(
                    sum(part[column] for part in parts)
                ), (gone, into, as_of)
    # Other tests read the marts too.
    for table, copy, *_ in kept:
        put(warehouse, table, copy, 1)
    transform(built.installation, "run")

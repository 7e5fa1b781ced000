"""The marts against a reference that was written apart from them, for randomised businesses."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.reference import money
from tests.integration.reference.business import Order, Rates, cohorts
from tests.integration.reference.conftest import RATES, Built
from tests.integration.reference.customers import Line, features, rfm


def expected(built: Built) -> dict[str, Order]:
    return {order.order_id: order for order in built.business.orders()}


def test_every_order_stands_in_the_marts_or_in_quarantine_once(built: Built) -> None:
    found = built.query(
        "select source, order_id from marts.fct_orders"
        " union all select source, order_id from quarantine.orders_without_rate"
    )
    real = [(each.source, each.order_id) for each in expected(built).values()]
    assert sorted(found) == sorted(real)


def test_orders_have_their_day_their_status_and_their_money_in_two_currencies(
    built: Built,
) -> None:
    rates, orders = Rates(RATES), expected(built)
    rows = built.query(
        "select order_id, order_date, status = 'completed', currency, gross_revenue - discount,"
        " refunded, gross_revenue_base - discount_base, source from marts.fct_orders"
    )
    foreign = 0
    for order_id, day, counted, currency, bought, back, base, source in rows:
        order = orders[order_id]
        assert (day, counted, currency) == (order.day, order.counted, order.currency), order_id
        assert bought == order.bought, order_id
        if source == "shopify":
            continue  # it converts itself, and its refunds have tests of their own
        assert back == order.back, order_id
        converted = rates.convert(order.bought, currency, "USD", day)
        assert converted is not None, order_id
        # Line by line it is rounded more often than here.
        assert abs(base - converted) <= Decimal("0.01"), order_id
        foreign += currency != "USD"
    assert foreign > 5
    for order_id, day, currency in built.query(
        "select order_id, order_date, currency from quarantine.orders_without_rate"
    ):
        assert rates.convert(Decimal(1), currency, "USD", day) is None, order_id


def test_the_same_people_are_one_customer(built: Built) -> None:
    people, names = built.business.people()
    groups: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for source, name, customer_id in built.query(
        "select source, source_customer_id, customer_id from marts.bridge_customer_identities"
    ):
        if (source, name) in names:
            groups[customer_id].add((source, name))
    assert {frozenset(group) for group in groups.values()} == people.groups(names)
    assert any(len({source for source, _ in group}) > 1 for group in groups.values())


def test_orders_are_their_persons(built: Built) -> None:
    people, _ = built.business.people()
    orders = expected(built)
    customers: dict[Any, set[str]] = defaultdict(set)
    for order_id, customer_id in built.query("select order_id, customer_id from marts.fct_orders"):
        name = orders[order_id].name
        if name is None:
            assert customer_id is None
        else:
            customers[people.find(name)].add(customer_id)
    assert all(len(each) == 1 for each in customers.values())
    assert len(set.union(*customers.values())) == len(customers)


def test_cohorts_are_counted_alike(built: Built) -> None:
    people, _ = built.business.people()
    there = {order_id for (order_id,) in built.query("select order_id from marts.fct_orders")}
    orders = [each for each in built.business.orders() if each.order_id in there]
    ((last_day,),) = built.query("select as_of_date from marts.dim_companies")
    sizes, active = cohorts(orders, people, last_day)
    rows = built.query(
        "select cohort_month, months_since, cohort_size, active_customers, is_right_censored"
        " from marts.cohort_retention where dimension = 'all'"
    )
    assert {month: size for month, _, size, _, _ in rows} == sizes
    shown: dict[tuple[date, int], int] = {}
    for month, since, _, customers, censored in rows:
        if censored:
            assert customers is None
        elif customers:
            shown[month, since] = customers
    assert shown == active


def test_stripe_money_is_a_shops_or_its_own_and_never_both(built: Built) -> None:
    keys = {
        each["order_key"]: f"woocommerce-{each['id']}" for each in built.business.site["orders"]
    }
    intents = {each["id"]: each for each in built.business.stripe["payment_intents"]}
    paid = {
        each["id"]: keys.get(intents[each["intent"]]["metadata"].get("order_key"))
        for each in built.business.stripe["charges"]
        if Decimal(each["captured"]) > 0
    }
    rows = built.query(
        "select transaction_id, order_id, match_rule from marts.fct_transactions"
        " where source = 'stripe' and type in ('purchase', 'subscription')"
    )
    assert {transaction for transaction, _, _ in rows} == set(paid)
    quarantined = built.query("select order_id from quarantine.orders_without_rate")
    without_rate = {order_id for (order_id,) in quarantined}
    for transaction, order_id, rule in rows:
        shop_order = paid[transaction]
        assert (rule is not None) == (shop_order is not None)
        if shop_order is not None and shop_order not in without_rate:
            assert order_id == shop_order
    assert any(each is not None for each in paid.values())
    assert any(each is None for each in paid.values())


def test_orders_bear_their_fees_and_earn_what_is_left(built: Built) -> None:
    stripe, shopify = money.stripe_fees(built.business), money.shopify_fees(built.business)
    margins = money.gross_margins(built.business, Rates(RATES), "USD")
    compared = 0
    for order_id, fees, net, cost, margin, lines in built.query(
        "select order_id, fees_base, net_revenue_base, cost_base, contribution_margin_base,"
        " order_lines from marts.fct_orders"
    ):
        assert fees == stripe.get(order_id, 0) + shopify.get(order_id, 0), order_id
        assert margin == net - cost - fees, order_id
        if lines and order_id in margins:
            # It is rounded line by line.
            assert abs(margin - (margins[order_id] - fees)) <= Decimal("0.01"), order_id
            compared += 1
    assert compared > 300
    assert sum(stripe.values()) > 0
    assert sum(shopify.values()) > 0


def test_no_fee_of_stripes_is_lost(built: Built) -> None:
    orders = {order_id for (order_id,) in built.query("select order_id from marts.fct_orders")}
    fees = money.stripe_fees(built.business)
    ((found, unmatched),) = built.query(
        "select sum(fees_base), sum(unmatched_fees_base) from marts.payment_fees_monthly"
        " where source = 'stripe'"
    )
    assert found == sum(fees.values())
    assert unmatched == sum(fee for order_id, fee in fees.items() if order_id not in orders)


def test_disputes_are_what_they_moved(built: Built) -> None:
    found = dict(
        built.query(
            "select transaction_id, amount from marts.fct_transactions where type = 'dispute'"
        )
    )
    assert found == money.disputed(built.business)
    assert found


def lines_of(built: Built) -> list[Line]:
    rows = built.query(
        "select lines.customer_id, lines.order_id, lines.order_date, lines.product,"
        " lines.gross_revenue_base, lines.discount_base, lines.refunded_base,"
        " lines.net_revenue_base, lines.gross_revenue - lines.discount, lines.refunded"
        " from marts.fct_order_lines as lines where lines.customer_id is not null"
    )
    return [Line(*row) for row in rows]


def test_customers_are_scored_alike(built: Built) -> None:
    ((as_of,),) = built.query("select as_of_date from marts.dim_companies")
    found = built.query(
        "select customer_id, recency_days, frequency, cast(monetary * 10000 as bigint), r_score,"
        " f_score, m_score from marts.customer_rfm"
    )
    assert {name: tuple(rest) for name, *rest in found} == rfm(lines_of(built), as_of)


def test_features_are_those_of_their_day(built: Built) -> None:
    lines = lines_of(built)
    days = [
        day for (day,) in built.query("select distinct as_of_date from marts.customer_features")
    ]
    names = list(next(iter(features(lines, max(days)).values())))
    for day in days:
        expected = features(lines, day)
        rows = built.query(
            f"select customer_id, {', '.join(names)} from marts.customer_features"
            " where as_of_date = %s",
            day,
        )
        assert {name for name, *_ in rows} == set(expected)
        for name, *values in rows:
            assert values == pytest.approx(list(expected[name].values())), (day, name)
    assert len(days) > 12

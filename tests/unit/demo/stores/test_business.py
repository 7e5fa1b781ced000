"""The shops add up, hold every case, and come out the same each time."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from demo.stores.business import changes
from demo.stores.business.model import Order, Shop
from demo.stores.business.money import ZERO, Currencies, Money, total
from demo.stores.business.orders import refund
from demo.stores.business.profiles import ACME, BOLT, PROFILES
from demo.stores.business.rhythm import rhythm
from demo.stores.business.shop import DATA_END, HUGE_ORDER_LINES, build


def test_the_same_seed_makes_the_same_shop(built: Shop) -> None:
    again = build(ACME, seed=3, scale=0.1)
    assert list(map(asdict, again.orders.values())) == list(map(asdict, built.orders.values()))
    assert list(map(asdict, again.customers.values())) == list(
        map(asdict, built.customers.values())
    )
    other = build(ACME, seed=4, scale=0.1)
    assert list(map(asdict, other.orders.values())) != list(map(asdict, built.orders.values()))


_DIGEST = """
import hashlib
from demo.stores.business.profiles import ACME
from demo.stores.business.shop import build
shop = build(ACME, seed=3, scale=0.1)
parts = (shop.products, shop.customers, shop.discounts, shop.orders, shop.disputes, shop.deletions)
print(hashlib.sha256(repr(parts).encode()).hexdigest())
"""


def test_another_process_makes_the_same_shop() -> None:
    root = str(Path(__file__).parents[4])
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            cwd=root,
            env={**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.fixture(scope="module", params=sorted(PROFILES))
def whole(request: pytest.FixtureRequest) -> Shop:
    return build(PROFILES[request.param])


def test_a_shop_has_the_promised_size(whole: Shop) -> None:
    assert 900 <= len(whole.customers) <= 1_010
    assert 2_500 <= len(whole.orders) <= 3_500


def test_the_shops_draw_from_different_customers_of_cdnow() -> None:
    keys = [{each.key for each in rhythm(profile, "1", 1.0)} for profile in (ACME, BOLT)]
    assert len(keys[0]) == len(keys[1]) == 1_000
    assert keys[0].isdisjoint(keys[1])


def test_a_scale_beyond_cdnow_takes_its_customers_again() -> None:
    found = rhythm(ACME, "1", 12.0)
    assert len({each.key for each in found}) == 12_000
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_nothing_is_later_than_the_data(whole: Shop) -> None:
    for order in whole.orders.values():
        moments = [
            order.created_at,
            order.updated_at,
            *(each.created_at for each in order.transactions),
            *(each.created_at for each in order.refunds),
        ]
        assert max(moments) <= DATA_END
        assert all(each.microsecond == 0 for each in moments)
        assert order.updated_at >= max(each.created_at for each in [order, *order.refunds])


def test_every_order_adds_up_in_both_currencies(whole: Shop) -> None:
    for order in whole.orders.values():
        assert order.subtotal == order.original - total(line.discount for line in order.lines)
        assert order.price == order.subtotal + order.shipping_price + (
            ZERO if whole.profile.taxes_included else order.tax
        )
        if order.currencies.presentment == order.currencies.shop:
            for amount in (order.price, order.tax, order.discount, order.received, order.refunded):
                assert amount.shop == amount.presentment
        else:
            assert order.currencies.rate != 1
        assert min(order.price.shop, order.price.presentment, order.tax.shop) >= 0
        assert order.received.presentment in (0, order.price.presentment)
        assert order.refunded.presentment <= order.received.presentment
        assert order.current_price.presentment >= 0


def test_every_refund_is_the_sum_of_its_parts(whole: Shop) -> None:
    for order in whole.orders.values():
        for made in order.refunds:
            moved = total(
                each.amount
                for each in order.transactions
                if each.refund_id == made.id and each.status == "SUCCESS"
            )
            due = made.subtotal - total(each.amount for each in made.adjustments)
            if not order.taxes_included:
                due += made.tax
            assert moved == due
        for line in order.lines:
            back = sum(
                each.quantity
                for made in order.refunds
                for each in made.lines
                if each.line_id == line.id
            )
            assert line.current_quantity == line.quantity - back >= 0


def test_money_comes_back_over_the_payment_that_brought_it(whole: Shop) -> None:
    for order in whole.orders.values():
        payments = {each.id: each for each in order.transactions}
        for each in order.transactions:
            if each.parent_id is not None:
                parent = payments[each.parent_id]
                assert parent.gateway == each.gateway
                assert parent.created_at <= each.created_at
            if each.fees:
                assert each.kind in {"SALE", "CAPTURE"}
                assert not each.test


def test_every_case_is_there(whole: Shop) -> None:
    orders = list(whole.orders.values())
    kinds = {(each.kind, each.status) for order in orders for each in order.transactions}
    assert kinds >= {
        ("SALE", "SUCCESS"),
        ("SALE", "FAILURE"),
        ("SALE", "PENDING"),
        ("AUTHORIZATION", "SUCCESS"),
        ("CAPTURE", "SUCCESS"),
        ("REFUND", "SUCCESS"),
        ("REFUND", "FAILURE"),
        ("VOID", "SUCCESS"),
    }
    assert {each.financial_status for each in orders} >= {
        "PAID",
        "PENDING",
        "REFUNDED",
        "PARTIALLY_REFUNDED",
        "VOIDED",
    }
    assert {each.currencies.presentment for each in orders} == {
        whole.profile.currency,
        *whole.profile.rates,
    }
    assert {each.channel for each in orders} >= {"web", "pos", "marketplace"}
    restocks = {line.restock for order in orders for made in order.refunds for line in made.lines}
    assert restocks == {"RETURN", "NO_RESTOCK", "CANCEL"}
    applied = {each.kind for order in orders for each in order.applications}
    assert applied == {"code", "automatic"}
    assert {each.status for each in whole.disputes.values()} >= {"WON", "LOST"}
    assert any(len(each.refunds) > 1 for each in orders)
    assert any(not made.lines and made.adjustments for each in orders for made in each.refunds)
    assert any(each.customer_id is None and each.email for each in orders)
    assert any(each.customer_id is None and not each.email for each in orders)
    assert any(each.test for each in orders)
    assert any(each.cancelled_at for each in orders)
    assert any(each.created_at > each.processed_at for each in orders)
    assert any(each.subtotal == ZERO for each in orders)
    assert max(len(each.lines) for each in orders) == HUGE_ORDER_LINES > 250
    assert max(len(made.lines) for each in orders for made in each.refunds) > 250
    assert any(each.unit_cost is None for p in whole.products.values() for each in p.variants)
    assert {each.entity for each in whole.deletions} == {"order", "customer", "product"}
    assert len(whole.merges) == 5
    stamps = [each.updated_at for each in orders]
    assert max(stamps.count(each) for each in set(stamps)) >= 50
    emails = {each.email.lower() for each in whole.customers.values() if each.email}
    guests = [each.email for each in orders if each.customer_id is None and each.email]
    assert any(each not in emails and each.lower() in emails for each in guests)


def test_currencies_without_cents_and_with_three_decimals_are_rounded_so() -> None:
    yen = Currencies("USD", "JPY", Decimal("149.31"))
    assert yen.of(Decimal("4.95")) == Money(Decimal("4.95"), Decimal(739))
    dinar = Currencies("USD", "KWD", Decimal("0.30712"))
    assert dinar.of(Decimal("4.95")) == Money(Decimal("4.95"), Decimal("1.520"))


def _paid(shop: Shop, pieces: int) -> Order:
    return next(
        each
        for each in shop.orders.values()
        if each.financial_status == "PAID"
        and not each.refunds
        and each.price.shop > 0
        and any(line.quantity >= pieces for line in each.lines)
    )


def test_refunding_piece_by_piece_gives_back_the_line_to_the_cent(shop: Shop) -> None:
    order = _paid(shop, 3)
    line = max(order.lines, key=lambda each: each.quantity)
    for _ in range(line.quantity):
        refund(shop, order, shop.now, {line.id: 1})
    assert order.refunded_lines == line.discounted
    assert order.refunded_tax == line.tax
    with pytest.raises(ValueError, match="0 pieces left"):
        refund(shop, order, shop.now, {line.id: 1})


def test_a_change_moves_the_clock_and_marks_what_it_touched(shop: Shop) -> None:
    order = _paid(shop, 1)
    before, old = shop.now, order.updated_at
    changes.edit_order(shop, order.id, note="x", updated_at=old)
    assert (order.note, order.updated_at) == ("x", old)
    changes.edit_order(shop, order.id, tags=["b", "a"])
    assert order.tags == ["a", "b"]
    assert order.updated_at == shop.now == before + timedelta(seconds=2)
    changes.refund_order(shop, order.id)
    assert order.financial_status in {"REFUNDED", "PARTIALLY_REFUNDED"}
    assert order.updated_at == shop.now


def test_what_can_not_be_done_is_refused(shop: Shop) -> None:
    order = next(each for each in shop.orders.values() if each.customer_id)
    assert order.customer_id
    with pytest.raises(ValueError, match="has orders"):
        changes.delete(shop, "customer", order.customer_id)
    with pytest.raises(LookupError, match="no order 1"):
        changes.delete(shop, "order", 1)
    with pytest.raises(ValueError, match="only order, customer, product"):
        changes.delete(shop, "refund", 1)
    with pytest.raises(ValueError, match="itself"):
        changes.merge_customers(shop, order.customer_id, order.customer_id)
    refunded = next(each for each in shop.orders.values() if each.refunded_lines != ZERO)
    place = next(
        n for n, line in enumerate(refunded.lines) if line.current_quantity < line.quantity
    )
    with pytest.raises(ValueError, match="taken off"):
        changes.edit_order(shop, refunded.id, remove_line=place)


def test_a_merge_moves_the_orders_and_leaves_their_times(shop: Shop) -> None:
    owners = [each.customer_id for each in shop.orders.values() if each.customer_id]
    from_id, into_id = owners[0], next(each for each in owners if each != owners[0])
    before = copy.deepcopy(shop.orders)
    changes.merge_customers(shop, from_id, into_id)
    moved = [each for each in shop.orders.values() if before[each.id].customer_id == from_id]
    assert moved
    assert all(each.customer_id == into_id for each in moved)
    assert all(each.updated_at == before[each.id].updated_at for each in moved)
    assert from_id not in shop.customers
    assert shop.customers[into_id].updated_at == shop.now

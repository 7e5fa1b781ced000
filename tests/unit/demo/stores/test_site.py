"""A company's site adds up, holds every case, and is tied to the other shop and to Stripe."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from demo.stores.business.model import Shop
from demo.stores.business.payments import charge_id, intent_id, order_key, paid_by_stripe
from demo.stores.business.profiles import ACME, BOLT, PROFILES
from demo.stores.business.shop import DATA_END, build
from demo.stores.business.site import build_site


@pytest.fixture(scope="module", params=sorted(PROFILES))
def site(request: pytest.FixtureRequest) -> Shop:
    return build_site(PROFILES[request.param])


def test_the_same_seed_makes_the_same_site() -> None:
    one, other = (build_site(ACME, 3, 0.1) for _ in range(2))
    assert list(map(asdict, one.orders.values())) == list(map(asdict, other.orders.values()))
    assert list(map(asdict, one.customers.values())) == list(map(asdict, other.customers.values()))


def test_a_third_of_the_customers_are_those_of_the_other_shop(site: Shop) -> None:
    there = build(PROFILES[site.profile.company])
    known = {each.email.lower() for each in there.customers.values() if each.email}
    typed = {each.email for each in there.customers.values()}
    both = [each.email for each in site.customers.values() if (each.email or "").lower() in known]
    assert 0.25 < len(both) / len(site.customers) < 0.42
    assert any(each not in typed for each in both)
    assert len({each.lower() for each in both if each}) == len(both)


def test_every_case_is_there(site: Shop) -> None:
    orders = list(site.orders.values())
    gateways = {each.gateway for order in orders for each in order.transactions}
    assert gateways == {"stripe", "bacs", "cod"}
    stripe = sum(map(paid_by_stripe, orders))
    assert stripe / len(orders) > 0.8
    assert {"JPY", "KWD"} < {each.currencies.presentment for each in orders}
    assert {each.financial_status for each in orders} >= {"PAID", "REFUNDED", "VOIDED", "PENDING"}
    assert any(each.customer_id is None for each in orders)
    assert any(each.cancelled_at for each in orders)
    assert any(each.trashed for each in orders)
    assert any(line.product_id == 0 for each in orders for line in each.lines)
    assert max(each.updated_at for each in orders) <= DATA_END


def test_ids_are_small_and_posts_share_them(site: Shop) -> None:
    orders = list(site.orders.values())
    posts = [
        *site.orders,
        *site.products,
        *site.discounts,
        *(each.id for product in site.products.values() for each in product.variants),
        *(each.id for order in orders for each in order.refunds),
    ]
    assert len(posts) == len(set(posts))
    assert max(posts) < 5_000


def test_orders_add_up(site: Shop) -> None:
    for order in site.orders.values():
        due = order.subtotal + order.shipping_price
        assert order.price == (due if order.taxes_included else due + order.tax)
        assert (
            order.refunded.presentment
            <= order.received.presentment
            in (
                0,
                order.price.presentment,
            )
        )


def test_what_stripe_calls_an_order_is_its_own() -> None:
    orders = [each for p in (ACME, BOLT) for each in build_site(p, 1, 0.3).orders.values()]
    intents = [intent_id(each) for each in orders]
    keys = [order_key(each) for each in orders]
    assert len(set(intents)) == len(set(keys)) == len(orders)
    assert all(len(each) == len("wc_order_") + 13 for each in keys)
    charges: dict[str, int] = {}
    for order in orders:
        for each in order.transactions:
            if each.kind in {"SALE", "AUTHORIZATION", "CAPTURE"}:
                charges.setdefault(charge_id(each), order.id)
                # A capture is of the charge that was authorized, of the same order.
                assert charges[charge_id(each)] == order.id
    assert len(charges) > len(orders) * 0.9

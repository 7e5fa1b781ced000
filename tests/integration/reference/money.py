"""What orders earned, what payment cost and what was disputed, from the stand-ins' truth.

Of an order of which something came back only the fees are told: what a piece's return brings back
is a rule of its own, which the models' unit tests state.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from tests.integration.reference.business import ZERO, Business, Rates, number

MARGIN_RATE = Decimal("0.3")


def charge_orders(business: Business) -> dict[str, str]:
    """Returns the order that each of Stripe's charges pays."""
    of_site = {each["order_key"]: f"woocommerce-{each['id']}" for each in business.site["orders"]}
    intents = {each["id"]: each for each in business.stripe["payment_intents"]}
    invoices = {each["intent"]: each["invoice"] for each in business.stripe["invoice_payments"]}
    return {
        each["id"]: of_site.get(intents[each["intent"]]["metadata"].get("order_key"))
        or invoices.get(each["intent"], each["intent"])
        for each in business.stripe["charges"]
    }


def _charge_of(business: Business) -> dict[str, str]:
    """Returns the charge that a movement of Stripe's balance comes from."""
    charges = {each["id"]: each["id"] for each in business.stripe["charges"]}
    for entity in ("refunds", "disputes"):
        charges |= {each["id"]: each["charge"] for each in business.stripe[entity]}
    return charges


def stripe_fees(business: Business) -> dict[str | None, Decimal]:
    """Returns what Stripe kept, by order; of no order under None."""
    orders, charges = charge_orders(business), _charge_of(business)
    fees: dict[str | None, Decimal] = defaultdict(Decimal)
    for movement in business.stripe["balance_transactions"]:
        fees[orders.get(charges.get(movement["source"], ""))] += Decimal(movement["fee"])
    return fees


def shopify_fees(business: Business) -> dict[str, Decimal]:
    """Returns what Shopify kept, by order, in the shop's currency."""
    tests = {each["id"] for each in business.shopify["orders"] if each["test"]}
    fees: dict[str, Decimal] = defaultdict(Decimal)
    for fee in business.shopify["transaction_fees"]:
        if fee["order_id"] not in tests:
            fees[number(fee["order_id"])] += Decimal(fee["amount"])
    return fees


def disputed(business: Business) -> dict[str, Decimal]:
    """Returns what disputes moved, by the movement's or the dispute's id; what was lost below 0."""
    stripe = {each["id"] for each in business.stripe["disputes"]}
    moved = {
        each["id"]: Decimal(each["amount"])
        for each in business.stripe["balance_transactions"]
        if each["source"] in stripe
    }
    for each in business.shopify["disputes"]:
        if each["type"] == "CHARGEBACK" and each["status"] != "WON":
            moved[f"dispute-{number(each['id'])}"] = -Decimal(each["amount"])
    return moved


def gross_margins(business: Business, rates: Rates, base: str) -> dict[str, Decimal]:
    """Returns what is left after the cost of goods, in the base currency.

    Only of orders that count, have a rate, and of which nothing came back.
    """
    margins: dict[str, Decimal] = defaultdict(Decimal)
    returned = {number(each["order_id"]) for each in business.shopify["refunds"]} | {
        f"woocommerce-{each['order_id']}" for each in business.site["refunds"]
    }
    counted = {
        each.order_id: each
        for each in business.orders()
        if each.counted and each.back == ZERO and each.order_id not in returned
    }

    def earn(order_id: str, net: Decimal, unit_cost: str | None, quantity: int) -> None:
        if unit_cost is None:
            margins[order_id] += net * MARGIN_RATE
        else:
            margins[order_id] += net - Decimal(unit_cost) * quantity

    costs = {each["id"]: each["unit_cost"] for each in business.shopify["variants"]}
    for line in business.shopify["order_lines"]:
        if number(line["order_id"]) in counted:
            net = Decimal(line["discounted_total_shop"])
            cost = costs.get(line["variant_id"])
            earn(number(line["order_id"]), net, cost, line["quantity"])
    for line in (*business.site["order_lines"], *business.site["order_fees"]):
        order = counted.get(f"woocommerce-{line['order_id']}")
        if order:
            amount = rates.convert(Decimal(line["total"]), order.currency, base, order.day)
            if amount is not None:
                earn(order.order_id, amount, line["unit_cost"], line["quantity"])
    for order in counted.values():
        if order.source == "stripe":
            amount = rates.convert(order.bought, order.currency, base, order.day)
            if amount is not None:
                earn(order.order_id, amount, None, 1)
    return margins

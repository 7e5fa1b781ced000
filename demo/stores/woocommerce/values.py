"""Objects of the site as the API writes them.

Prices on lines are without tax, whether the shop's prices include it or not. Amounts have as many
decimals as the site is set to, in every currency; an order has one currency, the buyer's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from demo.stores.business.model import (
    Address,
    Customer,
    Discount,
    Line,
    Order,
    Product,
    Refund,
    RefundLine,
    Shipping,
    Shop,
    Tax,
    Variant,
)
from demo.stores.business.money import rounded
from demo.stores.business.orders import STRIPE
from demo.stores.business.payments import charge_id, intent_id, order_key, paid_by_stripe

Json = dict[str, Any]

ADMINISTRATOR = 1_000_000
_RATE_ID = 1
_GATEWAYS = {
    "stripe": "Credit / Debit Card",
    "bacs": "Direct bank transfer",
    "cod": "Cash on delivery",
}
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes objects of one site.

    Attributes:
        shop: The site.
        zone: Its time zone.
        decimals: How many of an amount are written.
    """

    shop: Shop
    zone: ZoneInfo
    decimals: int = 3

    def order(self, order: Order) -> Json:
        """Writes an order with all that belongs to it."""
        goods = [each for each in order.lines if each.product_id]
        fees = [each for each in order.lines if not each.product_id]
        lines = [self._line(order, each) for each in goods]
        shipping_tax = _tax(order.shipping.taxes) if order.shipping else _NOTHING
        cart_tax = sum((_tax(each.taxes) for each in order.lines), _NOTHING)
        before = sum((_before(order, each) for each in order.lines), _NOTHING)
        after = sum((_after(order, each) for each in order.lines), _NOTHING)
        tax_before = sum((_tax_before(order, each) for each in order.lines), _NOTHING)
        paid = next(
            (
                each
                for each in reversed(order.transactions)
                if each.kind in {"SALE", "CAPTURE"} and each.status == "SUCCESS"
            ),
            None,
        )
        held = next((each for each in order.transactions if each.kind == "AUTHORIZATION"), None)
        charged = paid or held
        gateway = order.transactions[0].gateway if order.transactions else ""
        at_stripe = paid_by_stripe(order)
        written: Json = {
            "id": order.id,
            "parent_id": 0,
            "number": str(order.number),
            "order_key": order_key(order),
            "created_via": "checkout" if order.channel == "web" else "admin",
            "version": "11.0.1",
            "status": status(order),
            "currency": order.currencies.presentment,
            **self._moments("date_created", order.created_at),
            **self._moments("date_modified", order.updated_at),
            "discount_total": self._money(before - after),
            "discount_tax": self._money(tax_before - cart_tax),
            "shipping_total": self._money(
                _net(order, order.shipping.discounted.presentment, shipping_tax)
                if order.shipping
                else _NOTHING
            ),
            "shipping_tax": self._money(shipping_tax),
            "cart_tax": self._money(cart_tax),
            # As it was when it was placed, whatever was refunded since.
            "total": self._money(order.price.presentment),
            "total_tax": self._money(cart_tax + shipping_tax),
            "prices_include_tax": order.taxes_included,
            "customer_id": order.customer_id or 0,
            "customer_ip_address": "",
            "customer_user_agent": "",
            "customer_note": order.note or "",
            "billing": _address(order.address) | {"email": order.email or "", "phone": ""},
            "shipping": _address(order.address if order.shipping else None) | {"phone": ""},
            "payment_method": gateway,
            "payment_method_title": _GATEWAYS.get(gateway, ""),
            "transaction_id": charge_id(charged) if charged and charged.gateway == STRIPE else "",
            **self._moments("date_paid", paid.created_at if paid else None),
            **self._moments(
                "date_completed", order.fulfilled_at if status(order) == "completed" else None
            ),
            "cart_hash": "",
            "meta_data": self._order_meta(order, held is not None and paid is None)
            if at_stripe
            else [],
            "line_items": lines,
            "tax_lines": self._tax_lines(order, cart_tax, shipping_tax),
            "shipping_lines": [self._shipping(order, order.shipping)] if order.shipping else [],
            "fee_lines": [self._fee(order, each) for each in fees],
            "coupon_lines": [
                {
                    "id": 10_000_000 + order.id * 10 + each.index,
                    "code": each.title,
                    "discount": self._money(_NOTHING if each.on_shipping else before - after),
                    "discount_tax": self._money(
                        _NOTHING if each.on_shipping else tax_before - cart_tax
                    ),
                    "meta_data": [],
                    "discount_type": "percent" if each.percent is not None else "fixed_cart",
                    "nominal_amount": float(
                        (each.percent or _NOTHING) * 100
                        if each.amount is None
                        else each.amount.presentment
                    ),
                    "free_shipping": each.on_shipping,
                }
                for each in order.applications
            ],
            "refunds": [
                {
                    "id": each.id,
                    "reason": each.note or "",
                    "total": f"-{self._money(moved(order, each))}",
                }
                for each in reversed(order.refunds)
            ],
            "payment_url": "",
            "is_editable": status(order) in {"pending", "on-hold"},
            "needs_payment": status(order) in {"pending", "failed"},
            "needs_processing": True,
            "_links": {"self": [{"href": f"/wp-json/wc/v3/orders/{order.id}"}]},
        }
        return written

    def refund(self, order: Order, made: Refund) -> Json:
        """Writes a refund; its amount is positive, its lines are negative."""
        lines = {each.id: each for each in order.lines}
        goods = [each for each in made.lines if lines[each.line_id].product_id]
        fees = [each for each in made.lines if not lines[each.line_id].product_id]
        written: Json = {
            "id": made.id,
            "parent_id": order.id,
            **self._moments("date_created", made.created_at),
            "amount": self._money(moved(order, made)),
            "reason": made.note or "",
            "refunded_by": ADMINISTRATOR,
            "refunded_payment": paid_by_stripe(order),
            "meta_data": [],
            "line_items": [self._back(order, lines[each.line_id], each) for each in goods],
            "shipping_lines": [
                {
                    "id": each.id,
                    "method_title": order.shipping.title if order.shipping else "",
                    "method_id": "flat_rate",
                    "instance_id": "1",
                    "total": self._money(
                        -_net(order, each.subtotal.presentment, each.tax.presentment)
                    ),
                    "total_tax": self._money(-each.tax.presentment),
                    "taxes": [],
                    "meta_data": _back_to(order.shipping.id if order.shipping else 0),
                }
                for each in made.shipping
            ],
            "tax_lines": [],
            "fee_lines": [self._back(order, lines[each.line_id], each) for each in fees],
            "_links": {"up": [{"href": f"/wp-json/wc/v3/orders/{order.id}"}]},
        }
        return written

    def customer(self, each: Customer) -> Json:
        """Writes a customer; e-mail as it was typed."""
        address = _address(each.address)
        return {
            "id": each.id,
            **self._moments("date_created", each.created_at),
            **self._moments("date_modified", each.updated_at),
            "email": each.email or "",
            "first_name": each.first_name,
            "last_name": each.last_name,
            "role": "customer",
            "username": f"customer{each.id}",
            "billing": address | {"email": each.email or "", "phone": each.phone or ""},
            "shipping": address | {"phone": ""},
            "is_paying_customer": True,
            "avatar_url": "",
            "meta_data": [{"id": each.id, "key": "note", "value": each.note}] if each.note else [],
            "_links": {},
        }

    def administrator(self) -> Json:
        """Writes the one user who is no customer."""
        nobody = _address(None)
        return {
            "id": ADMINISTRATOR,
            **self._moments("date_created", self.shop.opened_at),
            # Never changed since.
            **self._moments("date_modified", None),
            "email": "owner@example.com",
            "first_name": "",
            "last_name": "",
            "role": "administrator",
            "username": "owner",
            "billing": nobody | {"email": "", "phone": ""},
            "shipping": nobody | {"phone": ""},
            "is_paying_customer": False,
            "avatar_url": "",
            "meta_data": [],
            "_links": {},
        }

    def product(self, each: Product) -> Json:
        """Writes a product; one with several variants has its variations elsewhere."""
        simple = len(each.variants) == 1
        price = str(min(one.price for one in each.variants)) if each.variants else ""
        return {
            "id": each.id,
            "name": each.title,
            "slug": each.handle,
            "permalink": f"/product/{each.handle}/",
            **self._moments("date_created", each.created_at),
            **self._moments("date_modified", each.updated_at),
            "type": "simple" if simple else "variable",
            "status": "trash" if each.trashed else "publish",
            "featured": False,
            "catalog_visibility": "visible",
            "description": "",
            "short_description": "",
            "sku": each.variants[0].sku if simple else "",
            "price": price,
            "regular_price": price if simple else "",
            "sale_price": "",
            "on_sale": False,
            "total_sales": 0,
            "virtual": False,
            "tax_status": "taxable",
            "tax_class": "",
            "stock_quantity": None,
            "stock_status": "instock",
            "parent_id": 0,
            "categories": [{"id": 1, "name": each.category, "slug": each.category.lower()}],
            "tags": [{"id": n, "name": tag, "slug": tag} for n, tag in enumerate(each.tags)],
            "images": [],
            "attributes": [],
            "variations": [] if simple else [one.id for one in each.variants],
            "menu_order": 0,
            "meta_data": [],
            "cost_of_goods_sold": _cost(each.variants[0]) if simple else _cost(None),
            "_links": {},
        }

    def variation(self, product: Product, each: Variant) -> Json:
        """Writes a variation."""
        return {
            "id": each.id,
            "parent_id": product.id,
            "type": "variation",
            **self._moments("date_created", each.created_at),
            **self._moments("date_modified", each.updated_at),
            "description": "",
            "sku": each.sku,
            "price": str(each.price),
            "regular_price": str(each.price),
            "sale_price": "",
            "on_sale": False,
            "status": "publish",
            "stock_quantity": None,
            "image": None,
            "attributes": [{"id": 1, "name": "Format", "option": each.title}],
            "menu_order": each.position,
            "meta_data": [],
            "name": each.title,
            "cost_of_goods_sold": _cost(each),
            "_links": {},
        }

    def coupon(self, each: Discount) -> Json:
        """Writes a coupon."""
        percent = each.percent is not None
        amount = (each.percent or _NOTHING) * 100 if percent else each.amount or _NOTHING
        return {
            "id": each.id,
            "code": each.codes[0],
            "amount": self._money(amount),
            "status": "publish",
            **self._moments("date_created", each.created_at),
            **self._moments("date_modified", each.updated_at),
            "discount_type": "percent" if percent else "fixed_cart",
            "description": "",
            **self._moments("date_expires", each.ends_at),
            "usage_count": 0,
            "individual_use": True,
            "product_ids": [],
            "usage_limit": None,
            "free_shipping": each.free_shipping,
            "minimum_amount": self._money(_NOTHING),
            "maximum_amount": self._money(_NOTHING),
            "email_restrictions": [],
            "used_by": [],
            "meta_data": [],
            "_links": {},
        }

    def _line(self, order: Order, line: Line) -> Json:
        there = line.product_id in self.shop.products
        simple = there and len(self.shop.products[line.product_id].variants) == 1
        after = _after(order, line)
        return {
            "id": line.id,
            "name": line.title if simple else f"{line.title} - {line.variant_title}",
            "product_id": line.product_id if there else 0,
            "variation_id": 0 if simple or not there else line.variant_id,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": self._money(_before(order, line)),
            "subtotal_tax": self._money(_tax_before(order, line)),
            "total": self._money(after),
            "total_tax": self._money(_tax(line.taxes)),
            "taxes": self._taxes(line.taxes),
            "meta_data": [],
            "sku": line.sku if there else None,
            # A number, and so not exact.
            "price": float(after) / line.quantity,
            "image": {"id": "", "src": ""},
            "parent_name": None if simple or not there else line.title,
        }

    def _fee(self, order: Order, line: Line) -> Json:
        after = self._money(_after(order, line))
        return {
            "id": line.id,
            "name": line.title,
            "tax_class": "",
            "tax_status": "taxable",
            "amount": after,
            "total": after,
            "total_tax": self._money(_tax(line.taxes)),
            "taxes": self._taxes(line.taxes),
            "meta_data": [],
        }

    def _shipping(self, order: Order, shipping: Shipping) -> Json:
        tax = _tax(shipping.taxes)
        free = not shipping.discounted.presentment
        return {
            "id": shipping.id,
            "method_title": shipping.title,
            "method_id": "free_shipping" if free else "flat_rate",
            "instance_id": "2" if free else "1",
            "total": self._money(_net(order, shipping.discounted.presentment, tax)),
            "total_tax": self._money(tax),
            "taxes": self._taxes(shipping.taxes),
            "meta_data": [],
        }

    def _back(self, order: Order, line: Line, back: RefundLine) -> Json:
        written = self._line(order, line) if line.product_id else self._fee(order, line)
        net = -_net(order, back.subtotal.presentment, back.tax.presentment)
        written |= {
            "id": back.id,
            "total": self._money(net),
            "total_tax": self._money(-back.tax.presentment),
            "meta_data": _back_to(line.id),
        }
        if line.product_id:
            written |= {
                "quantity": -back.quantity,
                "subtotal": self._money(net),
                "subtotal_tax": self._money(-back.tax.presentment),
                "price": float(-net) / back.quantity,
            }
        return written

    def _order_meta(self, order: Order, only_held: bool) -> list[Json]:
        """Writes what the gateway stripe notes at an order."""
        written = {"_stripe_intent_id": intent_id(order)}
        if only_held or order.received.presentment:
            written["_stripe_charge_captured"] = "no" if only_held else "yes"
        fees = [fee.amount for each in order.transactions for fee in each.fees]
        if fees:
            fee = sum(fees, _NOTHING)
            written |= {
                "_stripe_fee": str(fee),
                "_stripe_net": str(order.received.shop - fee),
                "_stripe_currency": order.currencies.shop,
            }
        return [
            {"id": order.id * 10 + place, "key": key, "value": value}
            for place, (key, value) in enumerate(written.items())
        ]

    def _tax_lines(self, order: Order, cart: Decimal, shipping: Decimal) -> list[Json]:
        if not cart and not shipping:
            return []
        profile = self.shop.profile
        return [
            {
                "id": 20_000_000 + order.id,
                "rate_code": f"{profile.country_code}-{profile.tax_title.upper()}-1",
                "rate_id": _RATE_ID,
                "label": profile.tax_title,
                "compound": False,
                "tax_total": self._money(cart),
                "shipping_tax_total": self._money(shipping),
                "rate_percent": float(profile.tax_rate * 100),
                "meta_data": [],
            }
        ]

    def _taxes(self, taxes: Iterable[Tax]) -> list[Json]:
        return [
            {"id": _RATE_ID, "total": str(each.amount.presentment), "subtotal": ""}
            for each in taxes
        ]

    def _money(self, amount: Decimal) -> str:
        return f"{amount:.{self.decimals}f}"

    def _moments(self, name: str, at: datetime | None) -> Json:
        """Writes a time twice, both times without saying of which zone."""
        if at is None:
            return {name: None, f"{name}_gmt": None}
        return {
            name: f"{at.astimezone(self.zone):%Y-%m-%dT%H:%M:%S}",
            f"{name}_gmt": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        }


def status(order: Order) -> str:
    """Returns the status that an order has by what happened to it."""
    if order.trashed:
        return "trash"
    kinds = {(each.kind, each.status) for each in order.transactions}
    back = sum((moved(order, each) for each in order.refunds), _NOTHING)
    if back and back >= order.received.presentment:
        return "refunded"
    if order.cancelled_at:
        return "cancelled"
    if order.received.presentment or not order.price.presentment:
        return "completed" if order.fulfilled_at else "processing"
    if kinds & {("AUTHORIZATION", "SUCCESS"), ("SALE", "PENDING")}:
        return "on-hold"
    return "failed" if ("SALE", "FAILURE") in kinds else "pending"


def moved(order: Order, made: Refund) -> Decimal:
    """Returns what a refund paid back, in the order's currency."""
    return sum(
        (
            each.amount.presentment
            for each in order.transactions
            if each.refund_id == made.id and each.status == "SUCCESS"
        ),
        _NOTHING,
    )


def _tax(taxes: Iterable[Tax]) -> Decimal:
    return sum((each.amount.presentment for each in taxes), _NOTHING)


def _net(order: Order, amount: Decimal, tax: Decimal) -> Decimal:
    return amount - tax if order.taxes_included else amount


def _after(order: Order, line: Line) -> Decimal:
    """A line after discounts, without tax."""
    return _net(order, line.discounted.presentment, _tax(line.taxes))


def _before(order: Order, line: Line) -> Decimal:
    """A line before discounts, without tax."""
    return _net(order, line.original.presentment, _tax_before(order, line))


def _tax_before(order: Order, line: Line) -> Decimal:
    """The tax of a line if nothing had been taken off."""
    if not line.allocations or not line.taxes:
        return _tax(line.taxes)
    rate = line.taxes[0].rate
    share = rate / (1 + rate) if order.taxes_included else rate
    return rounded(line.original.presentment * share, order.currencies.presentment)


def _back_to(item: int) -> list[Json]:
    return [{"id": item, "key": "_refunded_item_id", "value": str(item)}]


def _cost(variant: Variant | None) -> Json:
    if variant is None or variant.unit_cost is None:
        return {"values": [], "total_value": 0}
    cost = float(variant.unit_cost)
    return {"values": [{"defined_value": cost, "effective_value": cost}], "total_value": cost}


def _address(address: Address | None) -> Json:
    names = ("first_name", "last_name", "city", "country", "state", "postcode", "address_1")
    if address is None:
        return dict.fromkeys((*names, "company", "address_2"), "")
    return {
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": "",
        "address_1": address.street,
        "address_2": "",
        "city": address.city,
        "state": address.province_code or "",
        "postcode": address.zip,
        "country": address.country_code,
    }

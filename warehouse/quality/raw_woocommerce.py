"""What is expected of the tables of raw_woocommerce, for one company."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse.quality.landed import Rules

SCHEMA = "raw_woocommerce"

#: Key of each table, company_id aside.
KEYS: dict[str, tuple[str, ...]] = {
    "orders": ("id",),
    "order_lines": ("id",),
    "order_coupons": ("id",),
    "order_fees": ("id",),
    "order_shipping": ("id",),
    "order_taxes": ("id",),
    "refunds": ("id",),
    "refund_lines": ("id",),
    "customers": ("id",),
    "products": ("id",),
    "variations": ("id",),
    "coupons": ("id",),
    "deletions": ("entity", "id"),
}

_OF_ORDER = ("order_id", "currency")

#: Columns without which a row can't be used, keys aside.
REQUIRED: dict[str, tuple[str, ...]] = {
    "orders": ("status", "currency", "created_at", "total"),
    "order_lines": (*_OF_ORDER, "quantity", "subtotal", "total"),
    "order_coupons": (*_OF_ORDER, "code", "discount"),
    "order_fees": (*_OF_ORDER, "total"),
    "order_shipping": (*_OF_ORDER, "total"),
    "order_taxes": (*_OF_ORDER, "tax_total"),
    "refunds": (*_OF_ORDER, "created_at", "amount"),
    "refund_lines": (*_OF_ORDER, "refund_id", "type", "total"),
    "customers": (),
    "products": (),
    "variations": ("product_id",),
    "coupons": (),
    "deletions": ("state", "found_at"),
}

#: Table to the parents that each of its rows has: (column, parent table). A variation's product
#: may lie in the trash unseen.
PARENTS: dict[str, tuple[tuple[str, str], ...]] = {
    **dict.fromkeys(
        ("order_lines", "order_coupons", "order_fees", "order_shipping", "order_taxes", "refunds"),
        (("order_id", "orders"),),
    ),
    "refund_lines": (("order_id", "orders"), ("refund_id", "refunds")),
}


_NOT_NEGATIVE: dict[str, tuple[str, ...]] = {
    "orders": ("total", "discount_total", "discount_tax", "shipping_total"),
    "order_lines": ("quantity",),
    "order_coupons": ("discount",),
    "refunds": ("amount",),
    "products": ("price", "regular_price", "unit_cost"),
    "variations": ("price", "regular_price", "unit_cost"),
    "coupons": ("amount",),
}

#: Amounts that may be below zero: fees are discounts at times, and refunds are written so.
_SIGNED: dict[str, tuple[str, ...]] = {
    "orders": ("total_tax", "cart_tax", "shipping_tax"),
    "order_lines": ("subtotal", "subtotal_tax", "total", "total_tax"),
    "order_fees": ("total", "total_tax"),
    "order_shipping": ("total", "total_tax"),
    "order_taxes": ("tax_total", "shipping_tax_total"),
    "refund_lines": ("quantity", "total", "total_tax"),
}

#: What no order comes to in any currency; beyond it sums don't fit the marts' columns any more.
_MOST = 10**10

_CURRENCIES = ("orders", "refunds", *(table for table in PARENTS if table != "refunds"))

_VALUES: dict[str, dict[str, list[str]]] = {
    "refund_lines": {"type": ["fee", "line_item", "shipping"]},
    "deletions": {
        "entity": ["coupons", "customers", "orders", "products", "refunds", "variations"],
        "state": ["deleted", "trash"],
    },
}

#: Arithmetic that a row must obey, as the condition of a row that doesn't. Amounts are rounded
#: by the line or by the order, as the site is set up; a cent a line is allowed for that.
_BROKEN: dict[str, dict[str, str]] = {
    "orders": {
        "the taxes aren't those of cart and shipping": (
            "abs(total_tax - cart_tax - shipping_tax) > 0.02"
        ),
        "an order was changed before it was created": (
            "modified_at < created_at - interval '1 day'"
        ),
    },
    "order_lines": {"the discount makes a line cost more": "total > subtotal + 0.01 * quantity"},
    "refund_lines": {"a refund takes money in": "total > 0.01"},
}


#: Builds the suite of a table, one of `KEYS`.
expectations = Rules(
    schema=SCHEMA,
    keys=KEYS,
    required=REQUIRED,
    most=_MOST,
    not_negative=_NOT_NEGATIVE,
    signed=_SIGNED,
    currencies=dict.fromkeys(_CURRENCIES, ("currency",)),
    iso_currencies=True,
    times={"orders": ("created_at",), "refunds": ("created_at",)},
    # Before the first shop; an order that was imported says when it was really made.
    earliest=datetime(1990, 1, 1, tzinfo=UTC),
    values=_VALUES,
    broken=_BROKEN,
    parents=PARENTS,
    excused={
        parent: "exists (select from quarantine.rejected_rows as rejected"
        " where rejected.company_id = child.company_id and rejected.source = 'woocommerce'"
        f" and rejected.source_file = '{parent}/' || child.{{column}})"
        for parents in PARENTS.values()
        for _, parent in parents
    },
).expectations

"""The lists that are read, and what comes with their objects.

Belongs here: which list lands in which tables. Does not belong here: paging (`reading.py`) and
columns (`tables.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ingestion.arrow import Node, Table
from ingestion.intake import Shape
from ingestion.sources.stripe import tables
from ingestion.sources.stripe.client import StripeClient
from ingestion.sources.stripe.reading import inside
from ingestion.sources.stripe.tables import CURRENCY, PARENT


@dataclass(frozen=True)
class Child:
    """A list inside of an object, of which the object brings the beginning.

    Attributes:
        table: Where it lands.
        key: The field that holds it.
        path: Where all of it is; `{id}` is the object's.
        owner: Parameter that takes the object's id instead.
    """

    table: Table
    key: str
    path: str
    owner: str | None = None

    @property
    def shape(self) -> Shape:
        """What the object has to look like."""
        return {self.key: {"data": [{}]}}

    def take(self, client: StripeClient, parent: Node) -> list[Node] | None:
        """Takes the whole list out of an object.

        Returns:
            Its objects, which know their parent; None when the parent was deleted meanwhile.
        """
        given = parent.pop(self.key)
        found: list[Node] | None = given["data"]
        if given.get("has_more"):
            parent_id = str(parent.get("id"))
            path = self.path.format(id=quote(parent_id, safe=""))
            params = {self.owner: parent_id} if self.owner else {}
            found = inside(client, parent_id, self.table.name, path, params)
        for node in found or ():
            node[PARENT], node[CURRENCY] = parent.get("id"), parent.get("currency")
            node["__discount"] = _discount(node)
        return found


def _discount(node: Node) -> Any:
    """Adds up the discounts of a line; what isn't a number is left for its column to refuse."""
    given = node.get("discount_amounts") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        return given
    amounts = [each.get("amount") for each in given]
    return sum(amounts) if all(type(each) is int for each in amounts) else amounts


@dataclass(frozen=True)
class Entity:
    """A list of the API.

    Attributes:
        table: Where its objects land; it has the list's name.
        kind: What the API calls an object of it.
        child: The list inside of each, if there is one.
        params: What the list has to be asked for so that it is whole.
        deletable: Whether its objects can be deleted, so that a deletion is what its event says.
        silent: Whether its objects change without events, so that all are read each time; few.
    """

    table: Table
    kind: str
    child: Child | None = None
    params: dict[str, Any] = field(default_factory=dict)
    deletable: bool = False
    silent: bool = False

    @property
    def name(self) -> str:
        """The list's name."""
        return self.table.name

    @property
    def group(self) -> tuple[Table, ...]:
        """Its tables."""
        return (self.table, self.child.table) if self.child else (self.table,)


#: In the order in which they are read: what others refer to comes first.
ENTITIES = (
    Entity(tables.PRODUCTS, "product", deletable=True),
    Entity(tables.PRICES, "price", deletable=True),
    # A coupon that is redeemed tells nobody.
    Entity(tables.COUPONS, "coupon", deletable=True, silent=True),
    Entity(tables.CUSTOMERS, "customer", deletable=True),
    Entity(
        tables.SUBSCRIPTIONS,
        "subscription",
        Child(tables.SUBSCRIPTION_ITEMS, "items", "subscription_items", owner="subscription"),
        {"status": "all"},
    ),
    Entity(
        tables.INVOICES,
        "invoice",
        Child(tables.INVOICE_LINES, "lines", "invoices/{id}/lines"),
        deletable=True,
    ),
    Entity(tables.INVOICE_PAYMENTS, "invoice_payment"),
    Entity(
        tables.CREDIT_NOTES,
        "credit_note",
        Child(tables.CREDIT_NOTE_LINES, "lines", "credit_notes/{id}/lines"),
    ),
    Entity(tables.PAYMENT_INTENTS, "payment_intent"),
    Entity(tables.CHARGES, "charge"),
    Entity(tables.REFUNDS, "refund"),
    Entity(tables.DISPUTES, "dispute"),
    Entity(tables.BALANCE_TRANSACTIONS, "balance_transaction"),
)

BY_NAME = {entity.name: entity for entity in ENTITIES}

"""The site as a dlt source: what is read, in which tables it lands, how far it was read.

Belongs here: resources and their state. Does not belong here: paging (`reading.py`) and what is
done around a load (`__init__.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dlt
import numpy as np
from dlt.extract import DltResource, DltSource

from ingestion.arrow import Node, Table
from ingestion.intake import Intake, Pages, Shape
from ingestion.resources import Reader, every_table, resources
from ingestion.sources.woocommerce import tables
from ingestion.sources.woocommerce.client import NoRouteError, WooCommerceClient
from ingestion.sources.woocommerce.reading import (
    OVERLAP,
    Ids,
    Parameters,
    by_id,
    changed_at,
    listed,
    node_id,
    since,
)
from ingestion.sources.woocommerce.shaping import as_list, tidy

#: Of orders and all that is published: whatever has a status but that of the trash.
ANY: Parameters = {"status": "any"}
TRASH: Parameters = {"status": "trash"}

#: Users of every role: an administrator buys, too.
EVERYBODY: Parameters = {"role": "all"}

_ORDER_SHAPE: Shape = {field: [{}] for field in tables.ORDER_CHILDREN}
_REFUND_SHAPE: Shape = {field: [{}] for field in tables.REFUND_CHILDREN}

#: Tables that are read together, each under the name of the first.
_GROUPS: dict[str, tuple[Table, ...]] = {
    "orders": (
        tables.ORDERS,
        *tables.ORDER_CHILDREN.values(),
        tables.REFUNDS,
        tables.REFUND_LINES,
    ),
    "customers": (tables.CUSTOMERS,),
    "products": (tables.PRODUCTS, tables.VARIATIONS),
    "coupons": (tables.COUPONS,),
    "deletions": (tables.DELETIONS,),
}


@dataclass
class Site:
    """What a load reads from, and what it notes on the way.

    Attributes:
        client: The site's API.
        intake: Takes what is read.
        start: Where the first load of orders begins; None at the beginning.
        dead: Ids with a tombstone, by entity.
        back: Those of them that were read all the same.
        customers: Ids of all users that were read, page by page.
        lists_refunds: Whether the site has a list of all refunds; WooCommerce has since 9.0.
        lists_variations: Whether it has one of all variations; WooCommerce has since 10.3.
    """

    client: WooCommerceClient
    intake: Intake
    start: datetime | None = None
    dead: dict[str, set[int]] = field(default_factory=dict)
    back: set[tuple[str, int]] = field(default_factory=set)
    customers: list[Ids] = field(default_factory=list)
    lists_refunds: bool = True
    lists_variations: bool = True

    def note(self, entity: str, nodes: Sequence[Node]) -> None:
        """Notes which of the objects were thought to be gone."""
        dead = self.dead.get(entity)
        if dead:
            self.back |= {(entity, each) for each in map(node_id, nodes) if each in dead}


@dlt.source(name="woocommerce", max_table_nesting=0)
def changes_source(site: Site) -> list[DltResource]:
    """Everything that changed since the last load; of customers, whom no time finds, all."""
    return _every_table(
        site,
        {
            "orders": partial(_orders_and_refunds, site),
            "customers": partial(_customers, site),
            "products": partial(_products_and_variations, site),
            "coupons": partial(_changed, site, "coupons", take_coupons),
        },
    )


@dlt.source(name="woocommerce", max_table_nesting=0)
def backfill_source(site: Site, created: Parameters) -> list[DltResource]:
    """Everything that was created in a time; remembers nothing.

    Args:
        site: What to read from.
        created: Filter by time of creation.
    """
    return _every_table(
        site,
        {
            "orders": partial(_created_orders, site, created),
            "products": partial(_created, site, "products", take_products, created),
            "coupons": partial(_created, site, "coupons", take_coupons, created),
        },
    )


def corrections(
    site: Site,
    found: dict[str, list[Pages]],
    deleted: list[Node],
    restored: list[tuple[str, str]],
) -> Iterator[DltSource]:
    """What a comparison with the site found wrong in the warehouse.

    No cursor stands behind it: what a killed load leaves out is found again only because it is
    still wrong. So it comes in several sources, each to be loaded when the one before has landed,
    and an object comes after its children: it is missing until they are there.

    Args:
        site: What to read from.
        found: Pages of what was missing, by entity.
        deleted: Tombstones, shaped as `tables.DELETIONS`.
        restored: Entity and id of tombstones that are wrong.

    Yields:
        Sources in their order.
    """
    if deleted or restored:
        stones = site.intake.single(tables.DELETIONS, deleted)
        wrong = tables.DELETIONS.vacancies(site.intake.company_id, restored)
        yield _pages_source((tables.DELETIONS,), [stones, {"deletions": wrong}])
    families: dict[str, tuple[Table, tuple[Table, ...]]] = {
        "orders": (tables.ORDERS, tuple(tables.ORDER_CHILDREN.values())),
        "refunds": (tables.REFUNDS, (tables.REFUND_LINES,)),
        "products": (tables.PRODUCTS, ()),
        "variations": (tables.VARIATIONS, ()),
        "coupons": (tables.COUPONS, ()),
        "customers": (tables.CUSTOMERS, ()),
    }
    for entity, (parent, children) in families.items():
        if pages := found.get(entity):
            if children:
                yield _pages_source(children, pages)
            yield _pages_source((parent,), pages)


def take_orders(site: Site, orders: list[Node]) -> Pages:
    """Takes orders apart and builds the pages of all that comes with them."""
    site.note("orders", orders)
    for order in orders:
        for name in tables.ORDER_CHILDREN:
            order[name] = as_list(order.get(name))
    orders = site.intake.sound(tables.ORDERS, orders, _ORDER_SHAPE, _order_family)
    families: dict[str, list[Node]] = {"orders": orders}
    for name, table in tables.ORDER_CHILDREN.items():
        children = families.setdefault(table.name, [])
        for order in orders:
            own = {"order_id": order.get("id"), "currency": order.get("currency")}
            children += [tidy(table, child | own) for child in order.pop(name)]
    for order in orders:
        # They land by themselves, and what stands here grows old when one is deleted.
        order.pop("refunds", None)
        tidy(tables.ORDERS, order)
    children_tables = tuple(tables.ORDER_CHILDREN.values())
    return site.intake.family(tables.ORDERS, children_tables, families, _order_family)


def take_refunds(site: Site, refunds: list[Node]) -> Pages:
    """Takes refunds apart; the currency, which a refund doesn't name, is that of its order.

    A refund of an order in the trash is left out as the order is: should that come back, the
    comparison finds the refund missing.
    """
    site.note("refunds", refunds)
    currencies = _currencies(site, set(map(_parent, refunds)))
    refunds = [each for each in refunds if _parent(each) in currencies]
    for refund in refunds:
        refund["currency"] = currencies[_parent(refund)]
        refund["order_id"] = refund.pop("parent_id")
        for name in tables.REFUND_CHILDREN:
            refund[name] = as_list(refund.get(name))
    refunds = site.intake.sound(tables.REFUNDS, refunds, _REFUND_SHAPE, _refund_family)
    lines: list[Node] = []
    for refund in refunds:
        for name, kind in tables.REFUND_CHILDREN.items():
            for line in refund.pop(name):
                line |= {key: refund.get(key) for key in ("order_id", "currency")}
                line |= {"refund_id": refund.get("id"), "type": kind}
                line["order_item_id"] = _refunded_item(line)
                lines.append(tidy(tables.REFUND_LINES, line))
        tidy(tables.REFUNDS, refund)
    families = {"refunds": refunds, "refund_lines": lines}
    return site.intake.family(tables.REFUNDS, (tables.REFUND_LINES,), families, _refund_family)


def take_products(site: Site, products: list[Node]) -> Pages:
    """Builds the page of products."""
    return _alone(site, tables.PRODUCTS, list(map(_with_cost, products)))


def take_variations(site: Site, variations: list[Node]) -> Pages:
    """Builds the page of variations."""
    return _alone(site, tables.VARIATIONS, list(map(_with_cost, variations)))


def take_customers(site: Site, customers: list[Node]) -> Pages:
    """Builds the page of customers."""
    return _alone(site, tables.CUSTOMERS, customers)


def take_coupons(site: Site, coupons: list[Node]) -> Pages:
    """Builds the page of coupons."""
    return _alone(site, tables.COUPONS, coupons)


def refunds_of_order(site: Site, order_id: int) -> Iterator[list[Node]]:
    """Reads the refunds of one order, as sites without a list of all refunds show them."""
    for nodes in listed(site.client, f"orders/{order_id}/refunds"):
        yield [node | {"parent_id": order_id} for node in nodes]


def variations_of_product(site: Site, product_id: int, filters: Parameters) -> Iterator[list[Node]]:
    """Reads the variations of one product, as sites without a list of all show them."""
    for nodes in listed(site.client, f"products/{product_id}/variations", filters):
        yield [node | {"parent_id": product_id} for node in nodes]


def _every_table(site: Site, readers: dict[str, Reader]) -> list[DltResource]:
    return every_table(_GROUPS, readers, site.intake.nothing)


@dlt.source(name="woocommerce", max_table_nesting=0)
def _pages_source(group: tuple[Table, ...], pages: list[Pages]) -> list[DltResource]:
    return resources(group, lambda: iter(pages))


class _Cursor:
    """How far a list was read: the newest change seen, and never later than the reading began.

    What changes while a list is read may stand where the reading has passed. It is kept in dlt's
    state, which counts only once everything has landed.
    """

    def __init__(self, site: Site, entity: str) -> None:
        self._state: dict[str, Any] = dlt.current.resource_state()
        self._key = f"{entity}_modified_at"
        self._began = site.client.site_time
        self._newest: datetime | None = None
        seen = self._state.get(self._key)
        self.seen = datetime.fromisoformat(seen) if seen else None

    def filter(self, first: datetime | None = None) -> Parameters:
        """Returns the filter for what has changed; `first` is where a first load begins."""
        return since(self.seen - OVERLAP if self.seen else first)

    def note(self, nodes: Sequence[Node]) -> None:
        """Looks when objects changed."""
        for moment in map(changed_at, nodes):
            if moment is not None and (self._newest is None or moment > self._newest):
                self._newest = moment

    def move(self) -> None:
        """Moves on; to be called when the list is at its end."""
        if self._newest is not None:
            reached = min(self._newest, self._began)
            reached = max(reached, self.seen) if self.seen else reached
            self._state[self._key] = reached.astimezone(UTC).isoformat()


def _changed(
    site: Site,
    entity: str,
    take: Callable[[Site, list[Node]], Pages],
    first: datetime | None = None,
) -> Iterator[Pages]:
    """Reads what changed since the time in the state."""
    cursor = _Cursor(site, entity)
    filters = cursor.filter(first) if entity == "refunds" else ANY | cursor.filter(first)
    for nodes in listed(site.client, entity, filters):
        cursor.note(nodes)
        yield take(site, nodes)
    cursor.move()


def _orders_and_refunds(site: Site) -> Iterator[Pages]:
    cursor = _Cursor(site, "orders")
    for nodes in listed(site.client, "orders", ANY | cursor.filter(site.start)):
        cursor.note(nodes)
        refunded = [node_id(node) for node in nodes if as_list(node.get("refunds"))]
        yield take_orders(site, nodes)
        if not site.lists_refunds:
            for order_id in refunded:
                for refunds in refunds_of_order(site, order_id):
                    yield take_refunds(site, refunds)
    if site.lists_refunds:
        yield from _changed(site, "refunds", take_refunds, site.start)
    cursor.move()


def _products_and_variations(site: Site) -> Iterator[Pages]:
    yield from _changed(site, "products", take_products)
    if site.lists_variations:
        yield from _changed(site, "variations", take_variations)
        return
    # A variation's change doesn't mark its product, so all that have any are asked.
    cursor = _Cursor(site, "variations")
    filters = ANY | cursor.filter()
    variable = ANY | {"type": "variable", "_fields": "id"}
    for products in listed(site.client, "products", variable):
        for product in map(node_id, products):
            for nodes in variations_of_product(site, product, filters):
                cursor.note(nodes)
                yield take_variations(site, nodes)
    cursor.move()


def _customers(site: Site) -> Iterator[Pages]:
    """Reads all users: the list takes no time of change, and takes one without a word."""
    for nodes in listed(site.client, "customers", EVERYBODY):
        site.customers.append(np.array(list(map(node_id, nodes)), dtype=np.int64))
        yield take_customers(site, nodes)


def _created(
    site: Site, entity: str, take: Callable[[Site, list[Node]], Pages], created: Parameters
) -> Iterator[Pages]:
    for nodes in listed(site.client, entity, ANY | created):
        yield take(site, nodes)


def _created_orders(site: Site, created: Parameters) -> Iterator[Pages]:
    for nodes in listed(site.client, "orders", ANY | created):
        refunds = [
            int(str(refund["id"]))
            for node in nodes
            for refund in as_list(node.get("refunds"))
            if isinstance(refund, dict) and str(refund.get("id")).isdecimal()
        ]
        refunded = [node_id(node) for node in nodes if as_list(node.get("refunds"))]
        yield take_orders(site, nodes)
        for found in read_refunds(site, refunds, refunded):
            yield take_refunds(site, found)


def read_refunds(site: Site, refunds: Sequence[int], orders: Sequence[int]) -> Iterator[list[Node]]:
    """Reads refunds by their ids, or, where the site can't, by their orders' ids."""
    if site.lists_refunds:
        yield from by_id(site.client, "refunds", refunds)
        return
    for order_id in orders:
        yield from refunds_of_order(site, order_id)


def look_for_lists(site: Site) -> None:
    """Finds out which lists the site's WooCommerce has."""
    for route, name in (("refunds", "lists_refunds"), ("variations", "lists_variations")):
        try:
            site.client.get(route, {"_fields": "id", "per_page": 1})
        except NoRouteError:
            setattr(site, name, False)


def _alone(site: Site, table: Table, nodes: list[Node]) -> Pages:
    """Builds the page of objects without children, each kept apart by table in the quarantine."""
    site.note(table.name, nodes)
    nodes = [tidy(table, node) for node in nodes]
    return site.intake.family(
        table, (), {table.name: nodes}, lambda node: f"{table.name}/{node.get('id')}"
    )


def _currencies(site: Site, orders: set[int]) -> dict[int, Any]:
    """Asks in which currencies orders were placed."""
    asked = ANY | {"_fields": "id,currency"}
    return {
        node_id(node): node.get("currency")
        for nodes in by_id(site.client, "orders", orders - {-1}, asked)
        for node in nodes
    }


def _parent(refund: Node) -> int:
    return node_id({"id": refund.get("parent_id")})


def _refunded_item(line: Node) -> Any:
    """Finds which item of the order a line of a refund is about."""
    for meta in as_list(line.get("meta_data")):
        if isinstance(meta, dict) and meta.get("key") == "_refunded_item_id":
            return meta.get("value")
    return None


def _with_cost(product: Node) -> Node:
    """Takes out a cost that nobody has put in: it is written as 0."""
    cost = product.get("cost_of_goods_sold")
    if not isinstance(cost, dict) or not as_list(cost.get("values")):
        product.pop("cost_of_goods_sold", None)
    return product


def _order_family(node: Node) -> str:
    return f"orders/{node.get('order_id', node.get('id'))}"


def _refund_family(node: Node) -> str:
    return f"refunds/{node.get('refund_id', node.get('id'))}"

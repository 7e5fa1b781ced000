"""The shop as a dlt source: what is read, in which tables it lands, how far it was read.

Belongs here: resources and their state. Does not belong here: paging (`reading.py`) and what is
done around a load (`__init__.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dlt
from dlt.extract import DltResource, DltSource

from ingestion.arrow import Node, Table, last_part
from ingestion.intake import Intake, Pages, Shape
from ingestion.once import Once
from ingestion.resources import Reader, every_table, resources
from ingestion.sources.shopify import bulk, queries, tables
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.queries import Listing
from ingestion.sources.shopify.reading import (
    add_lines,
    by_number,
    changed,
    complete_orders,
    complete_products,
    connection_pages,
    flat_discount,
    iso,
    newest,
    once,
    order_families,
    parse_time,
    read_refunds,
)

#: How far before the newest change seen the next load begins: the shop's search index lags, and
#: rows that changed within one second come in any order. What is read twice is merged onto itself.
OVERLAP = timedelta(hours=1)

#: Objects that are gathered before they become a page, so that small answers don't make small ones.
BATCH = 1_000

#: Nested lists that are walked through before any column is read.
_LINE_SHAPE: Shape = {"discountAllocations": [{}]}
_ORDER_SHAPE: dict[str, Shape] = {"transactions": [{"fees": [{}]}], "refunds": [{}]}
_REFUND_SHAPE: Shape = {
    "refundLineItems": {"nodes": [{}], "pageInfo": {}},
    "transactions": {"nodes": [{}], "pageInfo": {}},
}

#: Tables that are read together, each under the name of the first.
_GROUPS: dict[str, tuple[Table, ...]] = {
    "orders": (tables.ORDERS, *tables.ORDER_CHILDREN),
    "customers": (tables.CUSTOMERS,),
    "products": (tables.PRODUCTS, tables.VARIANTS),
    "discounts": (tables.DISCOUNTS,),
    "disputes": (tables.DISPUTES,),
    "deletions": (tables.DELETIONS,),
}


@dataclass(frozen=True)
class Shop:
    """What a load reads from.

    Attributes:
        client: The shop's API.
        intake: Takes what is read.
        currency: The shop's, in which variants have their prices.
        since: Where the first load begins; None at the beginning.
        skip: Tables that aren't read.
    """

    client: ShopifyClient
    intake: Intake
    currency: str
    since: datetime | None = None
    skip: tuple[str, ...] = ()


@dlt.source(name="shopify", max_table_nesting=0)
def changes_source(shop: Shop) -> list[DltResource]:
    """Everything that changed since the last load."""
    return _every_table(
        shop,
        {
            "orders": partial(_changed, shop, queries.ORDERS, take_orders),
            "customers": partial(_changed, shop, queries.CUSTOMERS, _customers),
            "products": partial(_changed, shop, queries.PRODUCTS, _take_products),
            "discounts": partial(_changed, shop, queries.DISCOUNTS, _discounts),
            "disputes": partial(_disputes, shop),
            "deletions": partial(_product_deletions, shop),
        },
    )


@dlt.source(name="shopify", max_table_nesting=0)
def backfill_source(shop: Shop, start: datetime, end: datetime) -> list[DltResource]:
    """Everything that was created in a time, by bulk operations; remembers nothing.

    Args:
        shop: What to read from.
        start: Start, included.
        end: End, excluded.
    """
    return _every_table(
        shop,
        {
            "orders": partial(_bulk_orders, shop, start, end),
            "customers": partial(_bulk_customers, shop, start, end),
            "products": partial(_bulk_products, shop, start, end),
        },
    )


def corrections(
    shop: Shop, orders: list[list[Node]], deleted: list[Node], restored: list[tuple[str, str]]
) -> Iterator[DltSource]:
    """What a comparison with the shop found wrong in the warehouse.

    No cursor stands behind it: what a killed load leaves out is found again only because it is
    still wrong. So it comes in several sources, each to be loaded when the one before has landed.
    Tombstones come first: the orders tell who took over a customer until they are corrected. An
    order comes last: it is missing until its children are there.

    Args:
        shop: What to read from.
        orders: Pages of orders that were read again.
        deleted: Tombstones, shaped as `tables.DELETIONS`.
        restored: Entity and id of tombstones that are wrong.

    Yields:
        Sources in their order.
    """
    if deleted or restored:
        stones = shop.intake.single(tables.DELETIONS, deleted)
        wrong = tables.DELETIONS.vacancies(shop.intake.company_id, restored)
        yield pages_source(_GROUPS["deletions"], [stones, {"deletions": wrong}])
    if orders:
        seen = Once()
        pages = [take_orders(shop, once(seen, nodes)) for nodes in orders]
        yield pages_source(tables.ORDER_CHILDREN, pages)
        yield pages_source((tables.ORDERS,), pages)


@dlt.source(name="shopify", max_table_nesting=0)
def again_source(
    shop: Shop, wanted: Mapping[str, Sequence[int]], found: Callable[[str, list[Node]], None]
) -> list[DltResource]:
    """Objects that are read again because somebody said that they have changed.

    Args:
        shop: What to read from.
        wanted: Their numbers, by table; of disputes all are read, whatever is wanted.
        found: Told the table and the objects that are there, before they are taken apart.
    """

    def read(
        entity: str, listing: Listing, take: Callable[[Shop, list[Node]], Pages]
    ) -> Iterator[Pages]:
        for nodes in by_number(shop.client, listing, wanted[entity]):
            found(entity, nodes)
            yield take(shop, nodes)

    readers: dict[str, Reader] = {
        "orders": partial(read, "orders", queries.ORDERS, take_orders),
        "customers": partial(read, "customers", queries.CUSTOMERS, _customers),
        "products": partial(read, "products", queries.PRODUCTS, _take_products),
        "disputes": partial(_disputes, shop),
    }
    return [
        each
        for entity, reader in readers.items()
        if wanted.get(entity) and entity not in shop.skip
        for each in resources(_GROUPS[entity], reader)
    ]


@dlt.source(name="shopify", max_table_nesting=0)
def pages_source(group: tuple[Table, ...], pages: list[Pages]) -> list[DltResource]:
    """Pages that are there already.

    Args:
        group: The tables that are loaded.
        pages: Pages of these tables, and perhaps of others.
    """
    return resources(group, lambda: iter(pages))


def take_orders(shop: Shop, nodes: list[Node]) -> Pages:
    """Completes orders and builds the pages of all that comes with them."""
    shape: Shape = _ORDER_SHAPE | {"lineItems": {"nodes": [_LINE_SHAPE], "pageInfo": {}}}
    nodes = shop.intake.sound(tables.ORDERS, nodes, shape, _order_of)
    complete_orders(shop.client, nodes)
    return _order_pages(shop, nodes, tables.ORDER_CHILDREN)


def _every_table(shop: Shop, readers: Mapping[str, Reader]) -> list[DltResource]:
    intake = shop.intake
    return every_table(_GROUPS, readers, intake.nothing, shop.skip, first=not intake.replaces)


def _changed(
    shop: Shop, listing: Listing, take: Callable[[Shop, list[Node]], Pages]
) -> Iterator[Pages]:
    """Reads what changed since the time in the state, and moves it on at the very end.

    dlt commits the state only after everything that was yielded has landed.
    """
    state: dict[str, Any] = dlt.current.resource_state()
    seen = state.get("changed_at")
    # No backfill reads discounts, so their first load starts at the beginning.
    first = shop.since if listing is not queries.DISCOUNTS else None
    since = parse_time(seen) - OVERLAP if seen else first
    until = newest(shop.client, listing)
    if until is None:
        return
    batch: list[Node] = []
    for nodes in changed(shop.client, listing, since, until):
        batch += nodes
        if len(batch) >= BATCH:
            yield take(shop, batch)
            batch = []
    if batch:
        yield take(shop, batch)
    state["changed_at"] = max(seen or "", iso(until))


def _order_pages(shop: Shop, nodes: list[Node], children: tuple[Table, ...]) -> Pages:
    def sound(refunds: list[Node]) -> list[Node]:
        return shop.intake.sound(tables.REFUNDS, refunds, _REFUND_SHAPE, _order_of)

    refunds = read_refunds(shop.client, nodes, sound)
    families = order_families(nodes, refunds)
    return shop.intake.family(tables.ORDERS, children, families, _order_of)


def _customers(shop: Shop, nodes: list[Node]) -> Pages:
    return shop.intake.single(tables.CUSTOMERS, nodes)


def _take_products(shop: Shop, nodes: list[Node]) -> Pages:
    shape: Shape = {"variants": {"nodes": [{}], "pageInfo": {}}}
    nodes = shop.intake.sound(tables.PRODUCTS, nodes, shape, _product_of)
    complete_products(shop.client, nodes)
    variants: list[Node] = []
    for product in nodes:
        for variant in product.pop("variants"):
            variants.append(
                variant | {tables.PARENT: product.get("id"), "__currency": shop.currency}
            )
    families = {"products": nodes, "variants": variants}
    return shop.intake.family(tables.PRODUCTS, (tables.VARIANTS,), families, _product_of)


def _discounts(shop: Shop, nodes: list[Node]) -> Pages:
    nodes = shop.intake.sound(tables.DISCOUNTS, nodes, {"discount": {}}, _product_of)
    return shop.intake.single(tables.DISCOUNTS, [flat_discount(node) for node in nodes])


def _disputes(shop: Shop) -> Iterator[Pages]:
    """Reads all disputes: they are few, change for months and have no time of change."""
    seen = Once()
    for nodes in connection_pages(
        shop.client, "Disputes", queries.DISPUTES, "disputes", queries.DISPUTES_FIRST
    ):
        yield shop.intake.single(tables.DISPUTES, once(seen, nodes))


def _product_deletions(shop: Shop) -> Iterator[Pages]:
    """Reads the events of deleted products; of orders and customers the shop keeps none."""
    state: dict[str, Any] = dlt.current.resource_state()
    now = datetime.now(UTC)
    seen = state.get("created_at")
    search = "action:destroy AND subject_type:PRODUCT"
    if seen:
        search += f" AND created_at:>='{iso(parse_time(seen) - OVERLAP)}'"
    known = int(state.get("event_id", 0))
    for nodes in connection_pages(
        shop.client,
        "ProductDeletions",
        queries.PRODUCT_DELETIONS,
        "events",
        queries.PRODUCT_DELETIONS_FIRST,
        {"query": search},
    ):
        fresh = [
            {
                "entity": "products",
                "id": last_part(node["subjectId"]),
                "deleted_at": node["createdAt"],
                "found_at": iso(now),
                "found_by": "event",
            }
            for node in nodes
            # A filter that the API doesn't know is ignored by it, silently.
            if node["action"] == "destroy" and node.get("subjectType") == "PRODUCT"
            if int(last_part(node["id"])) > known
        ]
        if fresh:
            yield shop.intake.single(tables.DELETIONS, fresh)
        seen = max(seen or "", *(node["createdAt"] for node in nodes))
        state["event_id"] = max(state.get("event_id", 0), int(last_part(nodes[-1]["id"])))
    if seen:
        state["created_at"] = seen


def _bulk_orders(shop: Shop, start: datetime, end: datetime) -> Iterator[Pages]:
    listed = tuple(
        table
        for table in tables.ORDER_CHILDREN
        if table not in (tables.ORDER_LINES, tables.ORDER_LINE_DISCOUNTS)
    )
    apart = (tables.ORDER_LINES, tables.ORDER_LINE_DISCOUNTS)
    seen = Once()
    for result in bulk.windows(shop.client, queries.ORDERS, start, end, bulk.log.info):
        refused: set[str] = set()
        for chunk in result.parents():
            nodes = once(seen, chunk)
            sound = shop.intake.sound(tables.ORDERS, nodes, _ORDER_SHAPE, _order_of)
            pages = _order_pages(shop, sound, listed)
            landed = pages["orders"].column("id").to_pylist()
            if len(landed) < len(nodes):
                refused |= {str(node.get("id")) for node in nodes} - {
                    f"gid://shopify/Order/{each}" for each in landed
                }
            # Which of them have no lines is known only at the end of the file.
            if shop.intake.replaces:
                keys = [(each,) for each in landed]
                for table in apart:
                    pages[table.name] = table.vacancies(shop.intake.company_id, keys)
            yield pages
        for nodes in result.children():
            families: dict[str, list[Node]] = {table.name: [] for table in apart}
            kept = [node for node in nodes if node[tables.PARENT] not in refused]
            kept = shop.intake.sound(tables.ORDER_LINES, kept, _LINE_SHAPE, _order_of)
            add_lines(families, kept)
            yield shop.intake.orphans(apart, families, _order_of)


def _bulk_customers(shop: Shop, start: datetime, end: datetime) -> Iterator[Pages]:
    seen = Once()
    for result in bulk.windows(shop.client, queries.CUSTOMERS, start, end, bulk.log.info):
        for nodes in result.parents():
            yield shop.intake.single(tables.CUSTOMERS, once(seen, nodes))


def _bulk_products(shop: Shop, start: datetime, end: datetime) -> Iterator[Pages]:
    for result in bulk.windows(shop.client, queries.PRODUCTS, start, end, bulk.log.info):
        refused: set[str] = set()
        for nodes in result.parents():
            pages = shop.intake.single(tables.PRODUCTS, nodes)
            landed = pages["products"].column("id").to_pylist()
            refused |= {str(node.get("id")) for node in nodes} - {
                f"gid://shopify/Product/{each}" for each in landed
            }
            if shop.intake.replaces:
                keys = [(each,) for each in landed]
                pages["variants"] = tables.VARIANTS.vacancies(shop.intake.company_id, keys)
            yield pages
        for nodes in result.children():
            kept = [
                node | {"__currency": shop.currency}
                for node in nodes
                if node[tables.PARENT] not in refused
            ]
            yield shop.intake.orphans((tables.VARIANTS,), {"variants": kept}, _product_of)


def _order_of(node: Node) -> str:
    return str(node.get(tables.ORDER) or node.get(tables.PARENT) or node.get("id"))


def _product_of(node: Node) -> str:
    return str(node.get(tables.PARENT) or node.get("id"))

"""Reads lists of the API to their end, whatever moves meanwhile.

Belongs here: paging. Does not belong here: what is remembered from load to load (`__init__.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingestion.arrow import last_part
from ingestion.once import Once
from ingestion.sources.shopify import queries, records
from ingestion.sources.shopify.client import Node, ShopifyClient, TooExpensiveError
from ingestion.sources.shopify.queries import Listing
from ingestion.sources.shopify.tables import ORDER, PARENT

#: Past 25,000 objects a list just ends; a new list is begun well before.
REANCHOR_AFTER = 20_000

#: Points that a page may cost, so that a shop's growing orders don't hit the limit at once.
COST_AIM = 0.9 * queries.MAX_COST


@dataclass
class PageSize:
    """How many objects to ask for: as many as the API finds cheap enough.

    The queries are sized for the strictest reading of the cost rules; the API itself counts large
    pages at less, so the pages grow by what it says, until it refuses one.
    """

    size: int
    most: int = queries.MAX_INPUT

    def learn(self, requested_cost: float | None) -> None:
        """Takes over what the page just read had cost; one twice as large costs twice at most."""
        if requested_cost:
            self.size = max(self.size, min(self.most, int(self.size * COST_AIM / requested_cost)))

    def shrink(self) -> bool:
        """Halves the page for good; returns False when it holds one object already."""
        if self.size == 1:
            return False
        self.size //= 2
        self.most = self.size
        return True


def iso(moment: datetime) -> str:
    """Writes a time as the API's search takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Reads a time of the API."""
    return datetime.fromisoformat(text)


def newest(client: ShopifyClient, listing: Listing) -> datetime | None:
    """Asks when anything of a list last changed.

    Returns:
        The time by the shop's own clock, in whole seconds as all of its times; None when the list
        is empty.
    """
    nodes = client.ask(f"{listing.name}Newest", listing.newest).data[listing.connection]["nodes"]
    if not nodes:
        return None
    moment = _changed_at(nodes[0])
    if moment is None:
        raise client.error(f"{listing.name}Newest", "the newest object has no time of change")
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)


def changed(
    client: ShopifyClient, listing: Listing, since: datetime | None, until: datetime
) -> Iterator[list[Node]]:
    """Reads what changed within a time, both ends included, in the order of the changes.

    What is edited while this reads leaves the window: its new time is later than `until`, which
    was the newest there was. So nothing is read twice, with two exceptions that are left out the
    second time: what stands at the joint of two lists, and what was edited within the very second
    of `until`, of which the next load reads the new version because its window overlaps.

    Args:
        client: The shop's API.
        listing: What to read.
        since: Start; None reads from the beginning.
        until: End: what `newest` said.

    Yields:
        Pages of nodes; no node twice, no page empty.
    """
    seen = Once()
    for nodes in _changed_with_joints(client, listing, since, until):
        fresh = once(seen, nodes)
        if fresh:
            yield fresh


def once(seen: Once, nodes: list[Node]) -> list[Node]:
    """Leaves out the nodes whose ids were seen before."""
    fresh = seen.first([_number(node) for node in nodes])
    return nodes if all(fresh) else [node for node, new in zip(nodes, fresh, strict=True) if new]


def _changed_with_joints(
    client: ShopifyClient, listing: Listing, since: datetime | None, until: datetime
) -> Iterator[list[Node]]:
    size = PageSize(listing.first)
    anchor, joint, page = since, set[str](), 0
    while True:
        read, last = 0, anchor
        at_last: set[str] = set()
        window = f"updated_at:<='{iso(until)}'"
        if anchor is not None:
            window = f"updated_at:>='{iso(anchor)}' AND {window}"
        for nodes in _pages(client, listing, window, "UPDATED_AT", size, page):
            page += 1
            read += len(nodes)
            for node in nodes:
                moment = _changed_at(node)
                if moment is not None and (last is None or moment > last):
                    last, at_last = moment, set()
                at_last.add(str(node.get("id")))
            fresh = [node for node in nodes if node.get("id") not in joint]
            if fresh:
                yield fresh
            if read >= REANCHOR_AFTER and last != anchor:
                break
        else:
            if read < REANCHOR_AFTER or last is None:
                return
            # One second holds more changes than a list can show: no time to begin anew from.
            for nodes in _at_one_moment(client, listing, last, size):
                fresh = [node for node in nodes if node.get("id") not in at_last]
                if fresh:
                    yield fresh
            anchor, joint = last + timedelta(seconds=1), set()
            if anchor > until:
                return
            continue
        anchor, joint = last, at_last


def _at_one_moment(
    client: ShopifyClient, listing: Listing, moment: datetime, size: PageSize
) -> Iterator[list[Node]]:
    """Reads everything of one second in the order of the ids."""
    above, page = 0, 0
    while True:
        read = 0
        window = f"updated_at:>='{iso(moment)}' AND updated_at:<='{iso(moment)}' AND id:>{above}"
        for nodes in _pages(client, listing, window, "ID", size, page):
            page += 1
            read += len(nodes)
            above = max(above, *map(_number, nodes))
            yield nodes
            if read >= REANCHOR_AFTER:
                break
        else:
            return


def _pages(
    client: ShopifyClient,
    listing: Listing,
    window: str,
    sort_key: str,
    size: PageSize,
    pages_before: int,
) -> Iterator[list[Node]]:
    """Pages through one list by its cursor."""
    after, number = None, pages_before
    while True:
        number += 1
        variables = {"first": size.size, "after": after, "query": window, "sortKey": sort_key}
        try:
            answer = client.ask(
                listing.name,
                listing.page,
                variables,
                number,
                records=records.OF_LISTINGS.get(listing.name),
            )
        except TooExpensiveError:
            if not size.shrink():
                raise
            number -= 1
            continue
        size.learn(answer.requested_cost)
        found = answer.data[listing.connection]
        if found["nodes"]:
            yield found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def connection_pages(
    client: ShopifyClient,
    operation: str,
    query: str,
    connection: str,
    first: int,
    variables: dict[str, Any] | None = None,
) -> Iterator[list[Node]]:
    """Pages through a list that is read as a whole.

    Args:
        client: The shop's API.
        operation: Its name in messages.
        query: Takes $first and $after.
        connection: Field of the query root.
        first: Objects a page.
        variables: Other variables of the query.

    Yields:
        Pages of nodes, none empty.
    """
    after, number = None, 0
    while True:
        number += 1
        asked = (variables or {}) | {"first": first, "after": after}
        found = client.ask(operation, query, asked, number).data[connection]
        # A shop that never had any answers null instead of an empty list.
        if found is None:
            return
        if found["nodes"]:
            yield found["nodes"]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def complete(client: ShopifyClient, operation: str, query: str, parent: Node, key: str) -> None:
    """Reads a nested list to its end and puts a plain list in its place.

    Args:
        client: The shop's API.
        operation: Name of the query for further pages, in messages.
        query: That query; takes $id, $first and $after.
        parent: The node that has the list.
        key: Under which field.
    """
    found = parent[key]
    children: list[Node] = found["nodes"]
    number = 0
    while found["pageInfo"]["hasNextPage"]:
        number += 1
        variables = {
            "id": parent["id"],
            "first": queries.NEXT_FIRST,
            "after": found["pageInfo"]["endCursor"],
        }
        answer = client.ask(operation, query, variables, number, about=parent["id"])
        if answer.data["parent"] is None:
            # Deleted since its page was read: the next sweep for deletions finds it.
            break
        found = answer.data["parent"]["children"]
        children.extend(found["nodes"])
    parent[key] = children


def complete_orders(client: ShopifyClient, orders: Sequence[Node]) -> None:
    """Reads the line items of orders to their end."""
    for order in orders:
        complete(client, "OrderLines", queries.ORDER_LINES_NEXT, order, "lineItems")


def complete_products(client: ShopifyClient, products: Sequence[Node]) -> None:
    """Reads the variants of products to their end."""
    for product in products:
        complete(client, "Variants", queries.VARIANTS_NEXT, product, "variants")


def by_id(
    client: ShopifyClient, operation: str, query: str, ids: Sequence[str], at_once: int
) -> Iterator[list[Node]]:
    """Reads objects by their global ids.

    Yields:
        Pages of those that are there; one that is gone is left out.
    """
    for number, start in enumerate(range(0, len(ids), at_once), start=1):
        asked = {"ids": list(ids[start : start + at_once])}
        found = [node for node in client.ask(operation, query, asked, number).data["nodes"] if node]
        if found:
            yield found


def by_number(
    client: ShopifyClient, listing: Listing, numbers: Iterable[int]
) -> Iterator[list[Node]]:
    """Reads objects of a list, complete, by the numbers in their global ids; see `by_id`."""
    ids = [f"gid://shopify/{listing.type_name}/{number}" for number in numbers]
    yield from by_id(client, f"{listing.name}ById", listing.again, ids, listing.first)


def read_refunds(
    client: ShopifyClient,
    orders: Sequence[Node],
    sound: Callable[[list[Node]], list[Node]] = lambda refunds: refunds,
) -> list[Node]:
    """Reads the refunds of orders with all their lines.

    A refund stands in a plain list of its order, in which lists can't be paged, so refunds are
    read by id.

    Args:
        client: The shop's API.
        orders: Nodes with `refunds { id }`.
        sound: Sorts out refunds that can't be walked through.

    Returns:
        Refunds, each under its order, with plain lists of lines and of transaction ids.
    """
    owners = {
        refund["id"]: order.get("id")
        for order in orders
        for refund in order["refunds"]
        if isinstance(refund.get("id"), str)
    }
    refunds: list[Node] = []
    for nodes in by_id(client, "Refunds", queries.REFUNDS, list(owners), queries.REFUNDS_AT_ONCE):
        for refund in nodes:
            refund[PARENT] = owners.get(refund.get("id"))
        for refund in sound(nodes):
            complete(client, "RefundLines", queries.REFUND_LINES_NEXT, refund, "refundLineItems")
            complete(
                client,
                "RefundTransactions",
                queries.REFUND_TRANSACTIONS_NEXT,
                refund,
                "transactions",
            )
            refund["transactionIds"] = [each.get("id") for each in refund.pop("transactions")]
            refunds.append(refund)
    return refunds


def order_families(orders: Sequence[Node], refunds: Sequence[Node]) -> dict[str, list[Node]]:
    """Takes orders apart into the rows of the tables that hold them.

    Args:
        orders: Nodes with `transactions` and, unless they come by themselves, `lineItems`, as plain
            lists, which are taken out of them.
        refunds: What `read_refunds` returned.

    Returns:
        Nodes by table name; children know their order.
    """
    families: dict[str, list[Node]] = {
        "orders": list(orders),
        "order_lines": [],
        "order_line_discounts": [],
        "transactions": [],
        "transaction_fees": [],
        "refunds": list(refunds),
        "refund_lines": [],
    }
    for order in orders:
        order.pop("refunds", None)
        order_id = order.get("id")
        for transaction in order.pop("transactions"):
            transaction[PARENT] = order_id
            families["transactions"].append(transaction)
            for fee in transaction.pop("fees"):
                fee[PARENT], fee[ORDER] = transaction.get("id"), order_id
                families["transaction_fees"].append(fee)
        lines = order.pop("lineItems", [])
        for line in lines:
            line[PARENT] = order_id
        add_lines(families, lines)
    for refund in refunds:
        for position, line in enumerate(refund.pop("refundLineItems"), start=1):
            line |= {PARENT: refund.get("id"), ORDER: refund[PARENT], "position": position}
            families["refund_lines"].append(line)
    return families


def add_lines(families: dict[str, list[Node]], lines: Sequence[Node]) -> None:
    """Adds line items, which know their order, and the discounts on them."""
    families["order_lines"].extend(lines)
    for line in lines:
        for allocation in line.pop("discountAllocations"):
            allocation[PARENT], allocation[ORDER] = line.get("id"), line[PARENT]
            families["order_line_discounts"].append(allocation)


def flat_discount(node: Node) -> Node:
    """Lifts the fields of a discount, whatever its type, up to its node."""
    return {"id": node["id"]} | node["discount"]


def _number(node: Node) -> int:
    """Reads the number of a node's id; -1 where there is none, which its table will refuse."""
    text = last_part(str(node.get("id")))
    return int(text) if text.isascii() and text.isdecimal() else -1


def _changed_at(node: Node) -> datetime | None:
    """Reads when a node changed; None where it doesn't say, which its table will refuse."""
    text = node.get("updatedAt")
    if text is None and isinstance(node.get("discount"), dict):
        text = node["discount"].get("updatedAt")
    try:
        moment = parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None

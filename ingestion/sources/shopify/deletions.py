"""Finds what the shop doesn't have any more, by comparing ids with the warehouse.

Shopify tells of deleted products only (`source.py`). An order or a customer that was deleted, and a
customer who was merged into another, is just gone. So the counts are compared, and where they
differ, halves of halves of the ids, until the ids themselves are few enough to be listed.

Belongs here: comparing. Does not belong here: writing what was found (`source.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingestion.arrow import Node, last_part
from ingestion.sources.shopify import queries
from ingestion.sources.shopify.client import ShopifyClient
from ingestion.sources.shopify.queries import Listing
from ingestion.sources.shopify.reading import by_number, connection_pages, iso

if TYPE_CHECKING:
    import pandas as pd

Ids = npt.NDArray[np.int64]

#: More deletions than this share of an entity are not believed: a token that sees less looks alike.
BELIEVED_SHARE = 0.5

#: More missing objects than that are a backfill that was never made; mending them here, and looking
#: for deletions among them, would take forever at every load.
MOST_MISSING = 1_000

#: A token without read_all_orders sees 60 days; one day is for the clocks.
VISIBLE_DAYS = 59

#: The lists that are compared, by their table.
COMPARED: dict[str, Listing] = {
    "products": queries.PRODUCTS,
    "customers": queries.CUSTOMERS,
    "orders": queries.ORDERS,
}


@dataclass
class Differences:
    """Where warehouse and shop differ; ids.

    Attributes:
        gone: In the warehouse and not in the shop.
        back: Marked as deleted and in the shop all the same.
        missing: In the shop and not in the warehouse.
        surplus: How many more the shop has, when they are too many to be looked at.
    """

    gone: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    surplus: int = 0


@dataclass
class Corrections:
    """What has to be written so that the warehouse agrees with the shop.

    Attributes:
        orders: Pages of orders read again: those of merged customers, and missing ones.
        deleted: Tombstones, shaped as `tables.DELETIONS`.
        restored: Entity and id of tombstones that are wrong.
        counts: What the shop counts, by entity.
        warnings: For people.
    """

    orders: list[list[Node]] = field(default_factory=list)
    deleted: list[Node] = field(default_factory=list)
    restored: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def departed_customers(client: ShopifyClient, company_id: str) -> Corrections:
    """Compares customers, before a load, and finds who took over the orders of those who are gone.

    Before, because the load may bring orders under their new customer, and nothing would tell any
    more whose they were. For the same reason it has to be written before.

    Args:
        client: The shop's API.
        company_id: The company, of which something has landed before.

    Returns:
        What has to be written.

    Raises:
        SourceError: The shop refuses or doesn't answer.
    """
    found = Corrections()
    gone = _look_for_differences(client, company_id, "customers", None, found)
    owners = _orders_of_departed(company_id, gone)
    found.orders = _orders(client, list(owners))
    _follow_merges(found.orders, owners, found)
    return found


def compare_with_shop(
    client: ShopifyClient, company_id: str, *, sees_all_orders: bool
) -> Corrections:
    """Compares products and orders, after a load, and counts all.

    Args:
        client: The shop's API.
        company_id: The company.
        sees_all_orders: Whether the token sees orders older than 60 days; without, older ones are
            not compared, because the shop seems not to have them.

    Returns:
        What has to be written.

    Raises:
        SourceError: The shop refuses or doesn't answer.
    """
    found = Corrections()
    visible = None if sees_all_orders else datetime.now(UTC) - timedelta(days=VISIBLE_DAYS)
    for entity, listing in COMPARED.items():
        found.counts[entity] = count(client, listing, None)
    _look_for_differences(client, company_id, "products", None, found)
    _look_for_differences(client, company_id, "orders", visible, found)
    return found


def told_apart(
    company_id: str, gone: Mapping[str, Collection[int]], there: Mapping[str, Collection[int]]
) -> Corrections:
    """Marks what was asked for by its id: what isn't there as deleted, what is as not.

    Args:
        company_id: The company.
        gone: Numbers of objects that the shop doesn't have, by entity.
        there: Of those that it has.
    """
    from warehouse.connection import connect

    found = Corrections()
    with connect() as connection:
        dead = {
            (entity, int(number))
            for entity, number in connection.execute(
                "select entity, id from raw_shopify.deletions where company_id = %s", (company_id,)
            )
        }
    now = iso(datetime.now(UTC))
    for entity, numbers in gone.items():
        # A tombstone that is there may know whom a customer became.
        found.deleted += [
            {"entity": entity, "id": str(number), "found_at": now, "found_by": "webhook"}
            for number in sorted(numbers)
            if (entity, number) not in dead
        ]
    found.restored = [
        (entity, str(number))
        for entity, numbers in there.items()
        for number in sorted(numbers)
        if (entity, number) in dead
    ]
    return found


def _look_for_differences(
    client: ShopifyClient,
    company_id: str,
    entity: str,
    visible_from: datetime | None,
    found: Corrections,
) -> list[int]:
    """Compares one entity, and returns the ids that are gone, if that can be believed."""
    listing = COMPARED[entity]
    known, dead = _known_ids(company_id, entity, listing.type_name, visible_from)
    differences = compare_ids(client, listing, known, dead)
    if differences.surplus:
        found.warnings.append(
            f"The shop has {differences.surplus:,} more {entity} than have landed: load them "
            "with --backfill. Until then deleted ones are not noticed."
        )
        return []
    if len(differences.gone) > max(BELIEVED_SHARE * len(known), 10):
        found.warnings.append(
            f"{len(differences.gone):,} of {len(known):,} {entity} are not in the shop any more. "
            "That is not believed, and nothing was marked as deleted: check the token's "
            "access scopes."
        )
        return []
    _correct(client, entity, differences, found)
    return differences.gone


def _correct(
    client: ShopifyClient, entity: str, differences: Differences, found: Corrections
) -> None:
    now = iso(datetime.now(UTC))
    found.deleted += [
        {"entity": entity, "id": str(number), "found_at": now, "found_by": "comparison"}
        for number in differences.gone
    ]
    found.restored += [(entity, str(number)) for number in differences.back]
    if entity == "orders":
        found.orders += _orders(client, differences.missing)
    elif differences.missing:
        found.warnings.append(
            f"{len(differences.missing):,} {entity} of the shop did not land, such as "
            f"{differences.missing[0]}. Load them with --backfill."
        )


def count(client: ShopifyClient, listing: Listing, window: str | None) -> int:
    """Asks how many objects a list has.

    Args:
        client: The shop's API.
        listing: Which.
        window: Search that narrows it; None counts all.
    """
    answer = client.ask(f"{listing.name}Count", listing.counted, {"query": window})
    found = answer.data[listing.count]
    if found["precision"] != "EXACT":
        raise client.error(f"{listing.name}Count", "the count isn't exact")
    return int(found["count"])


def compare_ids(client: ShopifyClient, listing: Listing, known: Ids, dead: Ids) -> Differences:
    """Compares ids with the shop's, from the lowest to the highest one known.

    Args:
        client: The shop's API.
        listing: Which list.
        known: Ids that the shop should have, ascending.
        dead: Ids that it should not have, ascending.

    Returns:
        Where they differ.
    """
    found = Differences()
    if not len(known):
        return found
    there = count(client, listing, f"id:>={known[0]} AND id:<={known[-1]}")
    if there > len(known) + MOST_MISSING:
        found.surplus = there - len(known)
    elif there != len(known):
        _compare(client, listing, known, dead, found)
    return found


def _compare(
    client: ShopifyClient, listing: Listing, known: Ids, dead: Ids, found: Differences
) -> None:
    """Compares one range of ids, its ends included, and goes into it only where it differs."""
    low, high = int(known[0]), int(known[-1])
    window = f"id:>={low} AND id:<={high}"
    if count(client, listing, window) == len(known):
        return
    if len(known) > queries.MAX_INPUT:
        middle = len(known) // 2
        _compare(client, listing, known[:middle], dead, found)
        # From the first half's end on, so that what is missing between them is found too.
        _compare_gap(client, listing, int(known[middle - 1]), int(known[middle]), dead, found)
        _compare(client, listing, known[middle:], dead, found)
        return
    _list(client, listing, window, known, dead, found)


def _compare_gap(
    client: ShopifyClient, listing: Listing, low: int, high: int, dead: Ids, found: Differences
) -> None:
    window = f"id:>{low} AND id:<{high}"
    if high - low > 1 and count(client, listing, window):
        _list(client, listing, window, np.empty(0, dtype=np.int64), dead, found)


def _list(
    client: ShopifyClient, listing: Listing, window: str, known: Ids, dead: Ids, found: Differences
) -> None:
    there = {
        int(last_part(node["id"]))
        for nodes in connection_pages(
            client,
            f"{listing.name}Ids",
            listing.ids,
            listing.connection,
            queries.MAX_INPUT,
            {"query": window},
        )
        for node in nodes
    }
    here = set(known.tolist())
    tombs = set(dead.tolist())
    found.gone += sorted(here - there)
    found.back += sorted(there & tombs)
    found.missing += sorted(there - here - tombs)


def _known_ids(
    company_id: str, entity: str, type_name: str, visible_from: datetime | None
) -> tuple[Ids, Ids]:
    """Returns the ids that the shop should have, and those marked as deleted; ascending.

    What is in quarantine was in the shop, too.
    """
    from warehouse.bulk import read_frame

    prefix = f"gid://shopify/{type_name}/"
    known = read_frame(
        f"""
        select id::bigint as id from raw_shopify.{entity}
        where company_id = $1 and ($3::text is null or created_at >= $3::timestamptz)
        union
        select substr(source_file, length($2) + 1)::bigint from quarantine.rejected_rows
        where company_id = $1 and source = 'shopify' and feed = $4
            and source_file ~ ('^' || $2 || '[0-9]{{1,18}}$') and $3::text is null
        except
        select id::bigint from raw_shopify.deletions where company_id = $1 and entity = $4
        order by id
        """,  # noqa: S608  a name of COMPARED
        (company_id, prefix, visible_from.isoformat() if visible_from else None, entity),
    )
    dead = read_frame(
        "select id::bigint as id from raw_shopify.deletions"
        " where company_id = $1 and entity = $2 order by id",
        (company_id, entity),
    )
    return _array(known), _array(dead)


def _array(frame: pd.DataFrame) -> Ids:
    return frame["id"].to_numpy(dtype=np.int64)


def _orders(client: ShopifyClient, ids: list[int]) -> list[list[Node]]:
    return list(by_number(client, queries.ORDERS, ids))


def _orders_of_departed(company_id: str, customers: list[int]) -> dict[int, int]:
    """Returns the landed orders of customers who are gone, each with its customer.

    Also of those who were known to be gone: a load that was killed may not have come to them.
    """
    from warehouse.connection import connect

    with connect() as connection:
        found = connection.execute(
            """
            with gone as (
                select entity, id from raw_shopify.deletions where company_id = %(company)s
            )
            select id::bigint, customer_id::bigint from raw_shopify.orders
            where company_id = %(company)s
                and (customer_id = any(%(customers)s)
                    or customer_id in (select id from gone where entity = 'customers'))
                and id not in (select id from gone where entity = 'orders')
            """,
            {"company": company_id, "customers": [str(number) for number in customers]},
        )
        return dict(found.fetchall())


def _follow_merges(pages: list[list[Node]], owners: dict[int, int], found: Corrections) -> None:
    """Writes into the tombstones of customers who has their orders now.

    The API tells of a merge only to who started it. But a merge moves the orders, without marking
    them as changed.
    """
    heirs: dict[int, Counter[str]] = {}
    for order in (order for page in pages for order in page):
        former, now = owners[int(last_part(order["id"]))], order["customer"]
        if now is not None and last_part(now["id"]) != str(former):
            heirs.setdefault(former, Counter())[last_part(now["id"])] += 1
    for tombstone in found.deleted:
        if tombstone["entity"] == "customers" and int(tombstone["id"]) in heirs:
            tombstone["merged_into"] = heirs[int(tombstone["id"])].most_common(1)[0][0]

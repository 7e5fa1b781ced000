"""Finds what the site doesn't have any more, by comparing with the warehouse.

WooCommerce tells nobody of a deletion. What lies in the trash is listed; for the rest the lengths
of lists are compared, of all and then of halves of the time, until a list is short enough to be
read. Users were all read anyway.

Belongs here: comparing. Does not belong here: writing what was found (`source.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from ingestion.arrow import Node
from ingestion.intake import Pages
from ingestion.sources.woocommerce.reading import (
    PAGE,
    Ids,
    Parameters,
    by_id,
    count,
    created_within,
    ids_of,
    listed,
    node_id,
)
from ingestion.sources.woocommerce.shaping import as_list
from ingestion.sources.woocommerce.source import (
    ANY,
    EVERYBODY,
    TRASH,
    Site,
    read_refunds,
    take_coupons,
    take_customers,
    take_orders,
    take_products,
    take_refunds,
    take_variations,
    variations_of_product,
)

Times = npt.NDArray[np.datetime64]

#: More deletions than this share of an entity are not believed: a key that sees less looks alike.
BELIEVED_SHARE = 0.5

#: More missing objects than that are a backfill that was never made.
MOST_MISSING = 1_000

#: Objects of a window whose ids are read instead of halving it again.
READ_AT_ONCE = 2 * PAGE

_NO_IDS: Ids = np.empty(0, dtype=np.int64)


@dataclass
class Corrections:
    """What has to be written so that the warehouse agrees with the site.

    Attributes:
        pages: Of what was missing, by entity.
        deleted: Tombstones, shaped as `tables.DELETIONS`.
        restored: Entity and id of tombstones that are wrong.
        counts: What the site counts, by entity.
        warnings: For people.
    """

    pages: dict[str, list[Pages]] = field(default_factory=dict)
    deleted: list[Node] = field(default_factory=list)
    restored: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Known:
    """What the warehouse holds of an entity.

    Attributes:
        ids: Landed and without a tombstone, in the order of their creation.
        created: When each was.
        quarantined: Ids that were read and didn't fit.
        dead: Ids with a tombstone.
    """

    ids: Ids
    created: Times
    quarantined: Ids
    dead: Ids

    def without(self, gone: Ids) -> _Known:
        """Returns the same without some ids."""
        kept = ~np.isin(self.ids, gone)
        return _Known(self.ids[kept], self.created[kept], self.quarantined, self.dead)


@dataclass
class _Differences:
    gone: set[int] = field(default_factory=set)
    there: set[int] = field(default_factory=set)


def tombstones(company_id: str) -> dict[str, set[int]]:
    """Returns the ids that are marked as gone, by entity."""
    from warehouse.connection import connect

    found: dict[str, set[int]] = {}
    with connect() as connection:
        landed = connection.execute(
            "select to_regclass('raw_woocommerce.deletions') is not null"
        ).fetchone()
        if landed and landed[0]:
            for entity, number in connection.execute(
                "select entity, id::bigint from raw_woocommerce.deletions where company_id = %s",
                (company_id,),
            ):
                found.setdefault(entity, set()).add(number)
    return found


def compare_with_site(site: Site) -> Corrections:
    """Compares all entities, after a load.

    Args:
        site: The site, with what the load noted on the way.

    Returns:
        What has to be written.

    Raises:
        SourceError: The site refuses or doesn't answer.
    """
    found = Corrections()
    found.restored = [(entity, str(number)) for entity, number in sorted(site.back)]
    for entity in ("orders", "refunds", "products", "variations", "coupons"):
        known = _known(site, entity)
        trashed = _in_trash(site, entity, known)
        _entomb(found, entity, trashed, "trash", len(known.ids))
        known = known.without(trashed)
        differences = _differences(site, entity, known, found)
        if differences is not None:
            _correct(site, entity, known, differences, found)
    _compare_customers(site, found)
    return found


def read_again(site: Site, wanted: Mapping[str, Sequence[int]]) -> Corrections:
    """Reads objects by their ids, with what belongs to them, and finds which are gone.

    Args:
        site: The site.
        wanted: Ids by table: orders, products, customers, coupons.

    Returns:
        What has to be written.

    Raises:
        SourceError: The site refuses or doesn't answer.
    """
    found = Corrections()
    orders = _again(site, found, "orders", wanted.get("orders", ()), take_orders)
    refunds = _ids_within(orders, "refunds")
    refunded = [node_id(node) for node in orders if as_list(node.get("refunds"))]
    pages = [take_refunds(site, nodes) for nodes in read_refunds(site, sorted(refunds), refunded)]
    found.pages["refunds"] = pages
    _entomb_children(site, found, "refunds", "order_id", orders, refunds)
    products = _again(site, found, "products", wanted.get("products", ()), take_products)
    variations = _ids_within(products, "variations")
    found.pages["variations"] = [
        take_variations(site, nodes) for nodes in _variations(site, products, variations)
    ]
    _entomb_children(site, found, "variations", "product_id", products, variations)
    _again(site, found, "customers", wanted.get("customers", ()), take_customers, EVERYBODY)
    _again(site, found, "coupons", wanted.get("coupons", ()), take_coupons)
    found.restored = [(entity, str(number)) for entity, number in sorted(site.back)]
    return found


def _again(
    site: Site,
    found: Corrections,
    entity: str,
    ids: Sequence[int],
    take: Callable[[Site, list[Node]], Pages],
    filters: Parameters = ANY,
) -> list[Node]:
    """Reads objects again and returns them; of those that aren't there it makes tombstones."""
    there: list[Node] = []
    for nodes in by_id(site.client, entity, ids, filters):
        # Taking an object apart takes its lists out.
        there += [dict(node) for node in nodes]
        found.pages.setdefault(entity, []).append(take(site, nodes))
    gone = sorted(set(ids).difference(map(node_id, there)))
    if not gone:
        return there
    trashed: set[int] = set()
    if entity == "orders":
        asked = TRASH | {"_fields": "id,status"}
        trashed = {
            node_id(node)
            for nodes in by_id(site.client, entity, gone, asked)
            for node in nodes
            if node.get("status") == "trash"
        }
    kinds = dict.fromkeys(gone, entity)
    if entity == "products":
        # The site tells of a variation that was deleted as of a product.
        kinds |= dict.fromkeys(_landed(site, "variations", "id", gone), "variations")
    for number in gone:
        if number not in site.dead.get(kinds[number], ()):
            state = "trash" if number in trashed else "deleted"
            found.deleted.append(_tombstone(kinds[number], number, state))
    return there


def _entomb_children(
    site: Site,
    found: Corrections,
    entity: str,
    parent: str,
    parents: Sequence[Node],
    there: Collection[int],
) -> None:
    """Finds children that have landed and that their parents don't name any more."""
    landed = _landed(site, entity, parent, list(map(node_id, parents)))
    dead = site.dead.get(entity, set())
    found.deleted += [
        _tombstone(entity, number, "deleted")
        for number in sorted(landed.difference(there).difference(dead))
    ]


def _landed(site: Site, entity: str, column: str, ids: Sequence[int]) -> set[int]:
    """Returns the ids of landed rows by one of their columns."""
    from warehouse.bulk import read_frame

    frame = read_frame(
        f"select id::bigint as id from raw_woocommerce.{entity}"  # noqa: S608  one of a few names
        f" where company_id = $1 and {column} = any(string_to_array($2, ','))",
        (site.intake.company_id, ",".join(map(str, ids))),
    )
    return set(frame["id"].tolist())


def _ids_within(nodes: Sequence[Node], field: str) -> set[int]:
    """Returns the ids in a list of each object: of objects, or bare."""
    inside = [each for node in nodes for each in as_list(node.get(field))]
    found = {node_id(each if isinstance(each, dict) else {"id": each}) for each in inside}
    return found - {-1}


def _variations(site: Site, products: Sequence[Node], ids: Collection[int]) -> Iterator[list[Node]]:
    if site.lists_variations:
        yield from by_id(site.client, "variations", ids, ANY)
        return
    for product in products:
        if as_list(product.get("variations")):
            yield from variations_of_product(site, node_id(product), ANY)


def _known(site: Site, entity: str) -> _Known:
    from warehouse.bulk import read_frame

    company = site.intake.company_id
    frame = read_frame(
        f"""
        select id::bigint as id, created_at from raw_woocommerce.{entity} as landed
        where company_id = $1 and not exists (
            select from raw_woocommerce.deletions as deletions
            where deletions.company_id = landed.company_id
                and deletions.entity = $2 and deletions.id = landed.id
        )
        order by 2, 1
        """,  # noqa: S608  one of a few names
        (company, entity),
    )
    ids = frame["id"].to_numpy(dtype=np.int64)
    times = frame["created_at"].to_numpy(dtype="datetime64[s]")
    back = np.array([number for name, number in site.back if name == entity], dtype=np.int64)
    if len(back):
        # Their tombstones are about to go.
        ids, times = _with(company, entity, ids, times, back)
    waiting = read_frame(
        "select distinct split_part(source_file, '/', 2)::bigint as id"
        " from quarantine.rejected_rows where company_id = $1 and source = 'woocommerce'"
        " and feed = $2 and source_file ~ ('^' || $2 || '/[0-9]{1,18}$')",
        (company, entity),
    )
    quarantined = np.setdiff1d(waiting["id"].to_numpy(dtype=np.int64), ids)
    dead = np.array(sorted(site.dead.get(entity, ())), dtype=np.int64)
    return _Known(ids, times, quarantined, np.setdiff1d(dead, back))


def _with(company: str, entity: str, ids: Ids, times: Times, back: Ids) -> tuple[Ids, Times]:
    from warehouse.bulk import read_frame

    frame = read_frame(
        f"select id::bigint as id, created_at from raw_woocommerce.{entity}"  # noqa: S608
        " where company_id = $1 and id = any(string_to_array($2, ','))",
        (company, ",".join(map(str, back.tolist()))),
    )
    ids = np.concatenate([ids, frame["id"].to_numpy(dtype=np.int64)])
    times = np.concatenate([times, frame["created_at"].to_numpy(dtype="datetime64[s]")])
    order = np.lexsort((ids, times))
    return ids[order], times[order]


def _in_trash(site: Site, entity: str, known: _Known) -> Ids:
    """Returns what is known and lies in the trash."""
    # Not every version of WooCommerce lists other things in the trash.
    if entity != "orders" or not len(known.ids):
        return _NO_IDS
    found = [
        node_id(node)
        for nodes in listed(site.client, entity, TRASH | {"_fields": "id,status"})
        for node in nodes
        # A filter that a site doesn't know is ignored by it, without a word.
        if node.get("status") == "trash"
    ]
    return np.intersect1d(np.array(found, dtype=np.int64), known.ids)


def _differences(site: Site, entity: str, known: _Known, found: Corrections) -> _Differences | None:
    """Compares one entity; None where nothing differs, or nothing can be said."""
    differences = _Differences()
    if entity == "refunds" and not site.lists_refunds:
        _compare(_refund_ids_by_order(site), known.ids, differences)
        found.counts[entity] = len(differences.there)
        return differences
    if entity == "variations" and not site.lists_variations:
        _compare(_variation_ids_by_product(site), known.ids, differences)
        found.counts[entity] = len(differences.there)
        return differences
    filters: Parameters = {} if entity == "refunds" else ANY
    length = count(site.client, entity, filters)
    if length is not None:
        found.counts[entity] = length
        here = len(known.ids) + len(known.quarantined)
        if length == here:
            return None
        if length > here + MOST_MISSING:
            found.warnings.append(
                f"The site has {length - here:,} more {entity} than have landed: load them with "
                "--backfill. Until then deleted ones are not noticed."
            )
            return None
    if length is None or entity not in ("orders", "refunds"):
        _compare(ids_of(site.client, entity, filters), known.ids, differences)
    else:
        _halve(site, entity, filters, known, (0, len(known.ids)), (None, None), differences)
    return differences


def _halve(
    site: Site,
    entity: str,
    filters: Parameters,
    known: _Known,
    part: tuple[int, int],
    window: tuple[datetime | None, datetime | None],
    differences: _Differences,
) -> None:
    """Compares what was created in a window, and goes into it only where it differs."""
    first, last = part
    asked = filters | created_within(*window)
    if window != (None, None) and count(site.client, entity, asked) == last - first:
        return
    middle = _noon(known.created[(first + last) // 2]) if last - first > READ_AT_ONCE else None
    opening, closing = window
    if (
        middle is None
        or (opening is not None and middle <= opening)
        or (closing is not None and middle >= closing)
    ):
        _compare(ids_of(site.client, entity, asked), known.ids[first:last], differences)
        return
    place = int(np.searchsorted(known.created, np.datetime64(middle.replace(tzinfo=None), "s")))
    _halve(site, entity, filters, known, (first, place), (opening, middle), differences)
    _halve(site, entity, filters, known, (place, last), (middle, closing), differences)


def _noon(moment: np.datetime64) -> datetime:
    """Returns the noon of a day, a time that the clocks of no site skip."""
    day: datetime = moment.astype("datetime64[D]").astype("datetime64[s]").item()
    return day.replace(tzinfo=UTC) + timedelta(hours=12)


def _compare(there: Ids, here: Ids, differences: _Differences) -> None:
    differences.gone |= set(np.setdiff1d(here, there).tolist())
    differences.there |= set(there.tolist())


def _refund_ids_by_order(site: Site) -> Ids:
    """Reads the ids of all refunds from their orders, where there is no list of them."""
    asked = ANY | {"_fields": "id,refunds"}
    found = [
        node_id(refund)
        for nodes in listed(site.client, "orders", asked)
        for node in nodes
        for refund in as_list(node.get("refunds"))
        if isinstance(refund, dict)
    ]
    return np.unique(np.array(found, dtype=np.int64))


def _variation_ids_by_product(site: Site) -> Ids:
    """Reads the ids of all variations from their products, where there is no list of them."""
    asked = ANY | {"type": "variable", "_fields": "id,variations"}
    found = [
        node_id({"id": variation})
        for nodes in listed(site.client, "products", asked)
        for node in nodes
        for variation in as_list(node.get("variations"))
    ]
    return np.unique(np.array(found, dtype=np.int64))


def _correct(
    site: Site, entity: str, known: _Known, differences: _Differences, found: Corrections
) -> None:
    gone = np.array(sorted(differences.gone), dtype=np.int64)
    _entomb(found, entity, gone, "deleted", len(known.ids))
    dead = set(known.dead.tolist())
    back = differences.there & dead
    found.restored += [(entity, str(number)) for number in sorted(back)]
    here = set(known.ids.tolist()) | set(known.quarantined.tolist())
    # What came back may have changed meanwhile.
    missing = sorted(differences.there - here)
    if len(missing) > MOST_MISSING:
        found.warnings.append(
            f"{len(missing):,} {entity} of the site did not land, such as {missing[0]}. Load them "
            "with --backfill."
        )
        return
    found.pages[entity] = list(_read_missing(site, entity, missing))


def _read_missing(site: Site, entity: str, ids: list[int]) -> Iterator[Pages]:
    if not ids:
        return
    if entity == "refunds":
        for nodes in _missing_refunds(site, set(ids)):
            yield take_refunds(site, nodes)
        return
    if entity == "variations" and not site.lists_variations:
        wanted = set(ids)
        asked = ANY | {"type": "variable", "_fields": "id,variations"}
        for products in listed(site.client, "products", asked):
            for product in products:
                own = {node_id({"id": each}) for each in as_list(product.get("variations"))}
                if own & wanted:
                    for nodes in variations_of_product(site, node_id(product), {}):
                        yield take_variations(site, nodes)
        return
    take: dict[str, Callable[[Site, list[Node]], Pages]] = {
        "orders": take_orders,
        "products": take_products,
        "variations": take_variations,
        "coupons": take_coupons,
    }
    for nodes in by_id(site.client, entity, ids, ANY):
        yield take[entity](site, nodes)


def _missing_refunds(site: Site, ids: set[int]) -> Iterator[list[Node]]:
    owners: set[int] = set()
    if not site.lists_refunds:
        for orders in listed(site.client, "orders", ANY | {"_fields": "id,refunds"}):
            for order in orders:
                own = as_list(order.get("refunds"))
                if ids & {node_id(each) for each in own if isinstance(each, dict)}:
                    owners.add(node_id(order))
    yield from read_refunds(site, sorted(ids), sorted(owners))


def _compare_customers(site: Site, found: Corrections) -> None:
    """Compares users with those that the load has read."""
    there = np.concatenate(site.customers) if site.customers else _NO_IDS
    found.counts["customers"] = len(there)
    known = _known(site, "customers")
    _entomb(found, "customers", np.setdiff1d(known.ids, there), "deleted", len(known.ids))


def _entomb(found: Corrections, entity: str, gone: Ids, state: str, known: int) -> None:
    if len(gone) > max(BELIEVED_SHARE * known, 10):
        found.warnings.append(
            f"{len(gone):,} of {known:,} {entity} are not in the site any more. That is not "
            "believed, and nothing was marked as deleted: check what the key may read."
        )
        return
    found.deleted += [_tombstone(entity, number, state) for number in gone.tolist()]


def _tombstone(entity: str, number: int, state: str) -> Node:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"entity": entity, "id": str(number), "state": state, "found_at": now}

"""Files: CSV mapped in companies.yml, landed as raw_files.order_lines and marketing_spend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dlt
from dlt.extract import DltResource

from ingestion.erasure import Guard, guarding, rejected_tables
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.files.reader import Feed, FeedTotals, read_feed
from ingestion.sources.files.schema import COLUMN_HINTS, NOBODYS, PERSONAL_LINES
from warehouse.companies import Company, FileFeed

SOURCE = "files"


@dataclass(frozen=True)
class FeedLoad:
    """What one load of one feed did.

    Attributes:
        feed: Name of the feed.
        totals: Rows, files and amounts as read.
        first_rejected: The first rows that went to quarantine.
        load_id: dlt's id of the load.
    """

    feed: str
    totals: FeedTotals
    first_rejected: tuple[RejectedRow, ...]
    load_id: str


def table_of(feed: Feed) -> str:
    """Returns the table of raw_files in which a feed lands."""
    return "order_lines" if isinstance(feed, FileFeed) else "marketing_spend"


@dlt.source(name=SOURCE, max_table_nesting=0)
def files_source(
    company: Company,
    feed: Feed,
    folder: Path,
    totals: FeedTotals,
    quarantine: Quarantine,
    guard: Guard,
) -> DltResource:
    """One feed as a dlt source.

    The files are the whole truth of their feed: in one transaction its landed rows are replaced by
    those of the files (delete-insert on company and feed), so a re-run doubles nothing and a row
    that was corrected or taken out doesn't linger.

    Args:
        company: Whose feed it is.
        feed: How the files are mapped.
        folder: What a relative path starts from.
        totals: Counted up while the pages are read.
        quarantine: Takes the rows that can't be read.
        guard: Takes out who was erased.
    """
    table = PERSONAL_LINES if isinstance(feed, FileFeed) else NOBODYS
    pages = read_feed(company, feed, folder, totals, quarantine)
    return dlt.resource(
        (guard.page(table, page) for page in pages),
        name=table_of(feed),
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        merge_key=("company_id", "feed"),
        columns=COLUMN_HINTS,
    )


def land_files(company: Company, folder: Path) -> list[FeedLoad]:
    """Lands every feed of a company's purchases.

    Args:
        company: The company.
        folder: What relative paths start from: the folder of companies.yml.

    Returns:
        One entry a feed.

    Raises:
        SourceError: A file or a mapped column is missing, nothing in a feed can be read, or another
            load is at it. What was loaded before is kept.
    """
    return _land(company, company.sources.files, folder)


def land_spend(company: Company, folder: Path) -> list[FeedLoad]:
    """Lands every feed of what a company spent on marketing.

    Args, returns and raises as `land_files`.
    """
    return _land(company, company.sources.spend, folder)


def _land(company: Company, feeds: tuple[Feed, ...], folder: Path) -> list[FeedLoad]:
    with exclusive_load(SOURCE, company.id):
        return [_land_feed(company, feed, folder) for feed in feeds]


def _land_feed(company: Company, feed: Feed, folder: Path) -> FeedLoad:
    totals = FeedTotals()
    table = rejected_tables(company, SOURCE).get(feed.feed)
    with (
        guarding(company.id, SOURCE) as guard,
        Quarantine(company.id, SOURCE, feed.feed, partial(guard.rejected, table)) as quarantine,
    ):
        source = files_source(company, feed, folder, totals, quarantine, guard)
        load_id = load(source, SOURCE, company.id, once_written=guard.landed)
        quarantine.replace()
        return FeedLoad(feed.feed, totals, tuple(quarantine.first), load_id)

"""Exchange rates: units of a currency for one euro, by day, landed as raw_rates.exchange_rates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dlt
from dlt.extract import DltResource

from ingestion.errors import SourceError
from ingestion.http import Transport
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.rates.reading import RateTotals, read_rates
from warehouse.companies import NO_COMPANY, ExchangeRates

SOURCE = "rates"
TABLE = "exchange_rates"

_HINTS = {
    401: "The file asks for a password: take one that is free to read.",
    403: "The server refuses to give the file: correct exchange_rates in companies.yml.",
    404: "Nothing is at this address: correct exchange_rates in companies.yml.",
}


@dataclass(frozen=True)
class RatesLoad:
    """What one load of the rates did.

    Attributes:
        totals: What was read.
        first_rejected: The first rows that went to quarantine.
        load_id: dlt's id of the load.
    """

    totals: RateTotals
    first_rejected: tuple[RejectedRow, ...]
    load_id: str


@dlt.source(name=SOURCE, max_table_nesting=0)
def rates_source(
    path: Path, name: str, source: str, totals: RateTotals, quarantine: Quarantine
) -> DltResource:
    """A file of rates as a dlt source.

    A rate replaces that of its day and currency; days that a shorter file lacks stay.

    Args:
        path: The file.
        name: What errors and the quarantine call it.
        source: Where a rate comes from, unless the file says so.
        totals: Counted up while the pages are read.
        quarantine: Takes what can't be read.
    """
    return dlt.resource(
        read_rates(path, name, source, totals, quarantine),
        name=TABLE,
        write_disposition={
            "disposition": "merge",
            "strategy": "delete-insert",
            "deduplicated": True,
        },
        primary_key=("rate_date", "currency"),
    )


def land_rates(rates: ExchangeRates, folder: Path, transport: Transport | None = None) -> RatesLoad:
    """Lands the exchange rates, which are the same for all companies.

    Args:
        rates: Where they are.
        folder: What a relative path starts from: the folder of companies.yml.
        transport: How an address is asked; by default as patiently as an API.

    Returns:
        What landed.

    Raises:
        SourceError: The file is missing, can't be fetched, holds no rates, or another load is at
            it. What was loaded before is kept.
    """
    totals = RateTotals()
    with (
        exclusive_load(SOURCE, NO_COMPANY),
        _file(rates, folder, transport) as (path, name),
        Quarantine(NO_COMPANY, SOURCE, TABLE) as quarantine,
    ):
        load_id = load(rates_source(path, name, name, totals, quarantine), SOURCE, NO_COMPANY)
        quarantine.replace()
        return RatesLoad(totals, tuple(quarantine.first), load_id)


@contextmanager
def _file(
    rates: ExchangeRates, folder: Path, transport: Transport | None
) -> Iterator[tuple[Path, str]]:
    """Yields the file and its name; one that is fetched lives as long as it is read."""
    if rates.path is not None:
        path = folder / rates.path
        if not path.is_file():
            raise SourceError(
                f"{path} is missing. Put the file there, or correct exchange_rates in "
                "companies.yml."
            )
        yield path, Path(rates.path).name
        return
    assert rates.url is not None  # noqa: S101  one of the two is set
    transport = transport or Transport("exchange rates", rates.url, hints=_HINTS)
    with TemporaryDirectory(prefix="clv-rates-") as kept:
        path = Path(kept) / "rates"
        transport.download("the file of rates", rates.url, path)
        # What follows a question mark may be a key.
        yield path, rates.url.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1]

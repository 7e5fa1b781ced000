"""Exchange rates: units of a currency for one euro, by day, landed as raw_rates.exchange_rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dlt
from dlt.extract import DltResource
from psycopg import sql

from ingestion.errors import SourceError
from ingestion.http import Transport
from ingestion.locks import exclusive_load
from ingestion.pipeline import load
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.rates.reading import RateTotals, read_rates
from warehouse.companies import NO_COMPANY, ExchangeRates
from warehouse.connection import connect, exists

if TYPE_CHECKING:
    import pyarrow as pa

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
        unchanged: Whether the file is the one that the last load read, so that none was fetched.
    """

    totals: RateTotals
    first_rejected: tuple[RejectedRow, ...]
    load_id: str
    unchanged: bool


@dlt.source(name=SOURCE, max_table_nesting=0)
def rates_source(file: _Path | _Address, totals: RateTotals, quarantine: Quarantine) -> DltResource:
    """A file of rates as a dlt source.

    A rate replaces that of its day and currency; days that a shorter file lacks stay.

    Args:
        file: The file.
        totals: Counted up while the pages are read.
        quarantine: Takes what can't be read.
    """

    def pages() -> Iterator[pa.Table]:
        # dlt commits the state only after everything that was yielded has landed.
        state: dict[str, Any] = dlt.current.resource_state()
        version = file.version(state)
        if version is not None:
            yield from read_rates(file.path, file.name, file.name, totals, quarantine)
            state.clear()
            state.update(version)

    return dlt.resource(
        pages,
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
        TemporaryDirectory(prefix="clv-rates-") as kept,
        Quarantine(NO_COMPANY, SOURCE, TABLE) as quarantine,
    ):
        file = (
            _Address(rates.url, Path(kept) / "rates", transport)
            if rates.url
            else _Path(folder / str(rates.path))
        )

        def once_read() -> None:
            # Before the state says that this version was read: it isn't fetched a second time.
            if totals.landed_rows:
                quarantine.replace()

        source = rates_source(file, totals, quarantine)
        load_id = load(source, SOURCE, NO_COMPANY, once_read=once_read)
        # A file without a single rate is an error.
        unchanged = totals.landed_rows == 0
        return RatesLoad(totals, tuple(quarantine.first), load_id, unchanged)


class _Path:
    """A file that is there; it is read at every load."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def version(self, _known: dict[str, Any]) -> dict[str, Any]:
        """Returns nothing to remember.

        Raises:
            SourceError: It isn't there.
        """
        if not self.path.is_file():
            raise SourceError(
                f"{self.path} is missing. Put the file there, or correct exchange_rates in "
                "companies.yml."
            )
        return {}


class _Address:
    """A file behind an address; it is fetched when it isn't the one of the last load."""

    def __init__(self, url: str, path: Path, transport: Transport | None) -> None:
        self.path = path
        # What follows a question mark may be a key.
        self.name = Path(urlsplit(url).path).name
        self._url = url
        self._transport = transport or Transport("exchange rates", url, hints=_HINTS)

    def version(self, known: dict[str, Any]) -> dict[str, Any] | None:
        """Fetches the file; returns what names this version of it, None when it is the known one.

        Raises:
            SourceError: It can't be fetched.
        """
        address = blake2b(self._url.encode(), digest_size=16).hexdigest()
        last = known.get("headers") if known.get("address") == address and _has_rates() else None
        headers = self._transport.download_changed(
            "the file of rates", self._url, self.path, last or {}
        )
        return None if headers is None else {"address": address, "headers": headers}


def _has_rates() -> bool:
    """Says whether any rate is in the warehouse: the state outlives rows that were deleted."""
    table = sql.Identifier(f"raw_{SOURCE}", TABLE)
    query = sql.SQL("select 1 from {} limit 1").format(table)
    with connect() as connection:
        return exists(connection, table) and connection.execute(query).fetchone() is not None

"""One load of the made shop by the real connector, in a process whose time and memory are its own.

    python -m benchmarks.landing --orders 10000

Prints what was measured as JSON. The warehouse is that of the settings.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from typing import IO, Any, TypeVar, cast

import requests

from benchmarks import pages
from benchmarks.pages import LENGTH_BYTES, Shop
from ingestion.sources.shopify import land_shopify
from ingestion.sources.shopify.client import ShopifyClient
from warehouse.companies import Company

Answer = TypeVar("Answer")

COMPANY = Company.model_validate(
    {
        "id": "bench",
        "name": "Bench",
        "base_currency": "USD",
        "timezone": "UTC",
        "margin_rate": 0.3,
        "sources": {"shopify": {"shop": "bench.myshopify.com"}},
    }
)

_EMPTY = '{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}'
_PIPE_BYTES = 1 << 20


class _Pages:
    """The pages of one listing, as another process makes them."""

    def __init__(self, shop: Shop, listing: str) -> None:
        self._command = [
            *(sys.executable, "-m", "benchmarks.pages", listing, str(shop.orders)),
            *(["--changed"] if shop.changed else []),
        ]
        self._listing = listing
        self.waited = 0.0

    @cached_property
    def _made(self) -> IO[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, bufsize=_PIPE_BYTES)
        return cast(IO[bytes], process.stdout)

    def next(self) -> bytes:
        """Returns the bytes of the next page; after the last one, those of an empty page."""
        asked = time.perf_counter()
        length = self._made.read(LENGTH_BYTES)
        page = self._made.read(int.from_bytes(length, "big"))
        self.waited += time.perf_counter() - asked
        return page or pages.envelope(f'{{"{self._listing}":{_EMPTY}}}')


class ReplayClient(ShopifyClient):
    """The connector's own client over answers that are there already."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(COMPANY.id, "http://127.0.0.1", "none")
        self._shop = shop
        self._pages = {"Orders": _Pages(shop, "orders"), "Customers": _Pages(shop, "customers")}
        self.transport.send = self._send  # type: ignore[method-assign,assignment]

    @property
    def waited(self) -> float:
        """Returns the seconds for which pages were waited for."""
        return sum(each.waited for each in self._pages.values())

    def _send(
        self,
        name: str,
        _method: str,
        _path: str = "",
        *,
        read: Callable[[requests.Response], Answer],
        **parts: Any,
    ) -> Answer:
        response = requests.Response()
        response.status_code = 200
        response._content = self._answer(name.partition(",")[0], parts["json"]["variables"])
        return read(response)

    def _answer(self, operation: str, variables: dict[str, Any]) -> bytes:
        if operation in self._pages:
            return self._pages[operation].next()
        if operation == "Refunds":
            refunds = ",".join(pages.refund(each) for each in variables["ids"])
            return pages.envelope(f'{{"nodes":[{refunds}]}}')
        return pages.envelope(self._small(operation, variables))

    def _small(self, operation: str, variables: dict[str, Any]) -> str:
        if operation == "Installation":
            return (
                '{"currentAppInstallation":{"accessScopes":[{"handle":"read_all_orders"}]},'
                '"shop":{"myshopifyDomain":"bench.myshopify.com","currencyCode":"USD",'
                '"ianaTimezone":"UTC"}}'
            )
        newest = {
            "OrdersNewest": ("orders", self._shop.numbers),
            "CustomersNewest": ("customers", self._shop.customer_numbers),
        }
        if operation in newest:
            connection, numbers = newest[operation]
            node = f'{{"id":"-","updatedAt":"{self._shop.changed_at(numbers[-1])}"}}'
            return f'{{"{connection}":{{"nodes":[{node}]}}}}'
        if operation.endswith("Count"):
            field = f"{operation.removesuffix('Count').lower()}Count"
            number = {"orders": self._shop.orders, "customers": self._shop.customers}.get(
                field.removesuffix("Count"), 0
            )
            return f'{{"{field}":{{"count":{number},"precision":"EXACT"}}}}'
        connection = {
            "ProductDeletions": "events",
            "Discounts": "discountNodes",
            "DiscountsNewest": "discountNodes",
        }.get(operation, re.sub("Newest$", "", operation).lower())
        return f'{{"{connection}":{_EMPTY}}}'


def main() -> None:
    """Lands the shop and prints seconds, rows by table, and the peak of the memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.landing", description=__doc__)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--changed", action="store_true", help="only the tenth that has changed")
    chosen = parser.parse_args()
    client = ReplayClient(Shop(chosen.orders, chosen.changed))
    started, computing = time.perf_counter(), time.process_time()
    load = land_shopify(COMPANY, client=client)
    figures = {
        "seconds": time.perf_counter() - started - client.waited,
        "waited_seconds": client.waited,
        "cpu_seconds": time.process_time() - computing,
        "rows": {name: totals.landed_rows for name, totals in load.totals.items()},
        "rejected": sum(totals.rejected_rows for totals in load.totals.values()),
        # On Linux in units of 1024 bytes, on macOS in bytes.
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1 << 10 if sys.platform == "linux" else 1 << 20),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

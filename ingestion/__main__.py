"""Lands a source without Dagster: ``python -m ingestion shopify --company acme``."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING

from ingestion.errors import SourceError
from warehouse.companies import CompaniesFileError, Company, load_companies, load_file
from warehouse.settings import get_settings

if TYPE_CHECKING:
    from decimal import Decimal

    from ingestion.loads import Load


#: Each has `land_<name>`, `backfill_<name>` and `reconciliation.reconcile`.
_APIS = {
    "shopify": "a Shopify shop",
    "square": "a Square account",
    "stripe": "a Stripe account",
    "woocommerce": "a WooCommerce site",
}


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and lands the source.

    Returns:
        0 when it landed, otherwise 1; the reason is on stderr.
    """
    parser = argparse.ArgumentParser(prog="python -m ingestion", description=__doc__)
    sources = parser.add_subparsers(dest="source", required=True)
    files = sources.add_parser("files", help="CSV files, as a whole")
    apis = [
        sources.add_parser(name, help=f"{what}: what changed, and what is gone")
        for name, what in _APIS.items()
    ]
    sources.add_parser("rates", help="exchange rates, for all companies")
    for source in (files, *apis):
        source.add_argument("--company", required=True, help="id of the company in companies.yml")
    for source in apis:
        source.add_argument(
            "--backfill",
            nargs=2,
            type=date.fromisoformat,
            metavar=("FROM", "TO"),
            help="days (YYYY-MM-DD); what was created on them is loaded anew",
        )
        source.add_argument(
            "--reconcile",
            action="store_true",
            help="load nothing; compare counts and a sample of days with the shop",
        )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    settings = get_settings()
    try:
        if options.source == "rates":
            _land_rates()
            return 0
        companies = load_companies(settings.companies_file)
        if options.company not in companies:
            raise SourceError(
                f"Company {options.company} is not in {settings.companies_file}, which has: "
                f"{', '.join(companies)}."
            )
        company = companies[options.company]
        if options.source == "files":
            _land_files(company)
        elif options.reconcile:
            return _reconcile(options.source, company)
        else:
            _land(options.source, company, options.backfill)
    except (SourceError, CompaniesFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _land_files(company: Company) -> None:
    from ingestion.sources.companies import land_companies
    from ingestion.sources.files import land_files, land_spend
    from warehouse.databases import ensure_databases

    settings = get_settings()
    companies = load_companies(settings.companies_file)
    ensure_databases()
    land_companies(companies.values())
    folder = settings.companies_file.parent
    for load in (*land_files(company, folder), *land_spend(company, folder)):
        totals = load.totals
        _say(load.feed, totals.landed_rows, totals.rejected_rows, totals.amounts)
        if totals.skipped_rows:
            print(f"{load.feed}: {totals.skipped_rows:,} rows are left out")  # noqa: T201
        for text in (*totals.formats, *load.first_rejected):
            print(f"  {text}")  # noqa: T201


def _land_rates() -> None:
    from ingestion.sources.rates import land_rates
    from warehouse.databases import ensure_databases

    settings = get_settings()
    rates = load_file(settings.companies_file).exchange_rates
    if rates is None:
        raise SourceError(
            f"{settings.companies_file} names no exchange rates. Add exchange_rates with a path or "
            "a url beside companies."
        )
    ensure_databases()
    load = land_rates(rates, settings.companies_file.parent)
    if load.unchanged:
        print("exchange_rates: the file is the one of the last load")  # noqa: T201
        return
    totals = load.totals
    _say("exchange_rates", totals.landed_rows, totals.rejected_rows, {})
    print(f"{len(totals.currencies)} currencies, until {totals.last_date}")  # noqa: T201
    for row in load.first_rejected:
        print(f"  {row}")  # noqa: T201


def _land(source: str, company: Company, backfill: list[date] | None) -> None:
    from warehouse.databases import ensure_databases

    ensure_databases()
    module = import_module(f"ingestion.sources.{source}")
    if backfill:
        start, end = backfill
        load = getattr(module, f"backfill_{source}")(company, start, end, progress=_progress)
    else:
        load = getattr(module, f"land_{source}")(company, progress=_progress)
    _report(load)


def _reconcile(source: str, company: Company) -> int:
    module = import_module(f"ingestion.sources.{source}.reconciliation")
    differences = 0
    for found in module.reconcile(company):
        print(found)  # noqa: T201
        differences += not found.agrees
    return 1 if differences else 0


def _report(load: Load) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)  # noqa: T201
    for table, totals in load.totals.items():
        _say(table, totals.landed_rows, totals.rejected_rows, totals.amounts)
    for entity, number in load.deleted.items():
        print(f"{entity}: {number:,} are gone from the shop and marked as deleted")  # noqa: T201
    for entity, number in load.counts.items():
        print(f"{entity}: the shop counts {number:,}")  # noqa: T201
    for row in load.first_rejected:
        print(f"  {row}")  # noqa: T201
    print(f"{load.requests:,} requests")  # noqa: T201


def _say(what: str, landed: int, rejected: int, amounts: dict[str, Decimal]) -> None:
    sums = "".join(f", {value:,} {key}" for key, value in sorted(amounts.items()))
    print(f"{what}: {landed:,} rows landed, {rejected:,} in quarantine{sums}")  # noqa: T201


def _progress(entity: str, pages: int, rows: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{entity}: {rows:,} rows, page {pages:,}  ", end="", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

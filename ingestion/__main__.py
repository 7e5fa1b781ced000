"""Lands a source without Dagster: ``python -m ingestion files --company C``."""

from __future__ import annotations

import argparse
import sys

from ingestion.errors import SourceError
from warehouse.companies import CompaniesFileError, load_companies
from warehouse.settings import get_settings


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and lands the source.

    Returns:
        0 when it landed, otherwise 1; the reason is on stderr.
    """
    parser = argparse.ArgumentParser(prog="python -m ingestion", description=__doc__)
    parser.add_argument("source", choices=["files"])
    parser.add_argument("--company", required=True, help="id of the company in companies.yml")
    options = parser.parse_args(arguments)
    settings = get_settings()
    try:
        companies = load_companies(settings.companies_file)
        if options.company not in companies:
            raise SourceError(
                f"Company {options.company} is not in {settings.companies_file}, which has: "
                f"{', '.join(companies)}."
            )
        _land_files(options.company)
    except (SourceError, CompaniesFileError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _land_files(company_id: str) -> None:
    from ingestion.sources.companies import land_companies
    from ingestion.sources.files import land_files
    from warehouse.databases import ensure_databases

    settings = get_settings()
    companies = load_companies(settings.companies_file)
    ensure_databases()
    land_companies(companies.values())
    for load in land_files(companies[company_id], settings.companies_file.parent):
        totals = load.totals
        print(  # noqa: T201
            f"{load.feed}: {totals.landed_rows:,} rows landed, {totals.rejected_rows:,} in "
            f"quarantine, {', '.join(f'{v:,} {k}' for k, v in sorted(totals.amounts.items()))}"
        )
        for row in load.first_rejected:
            print(f"  {row}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

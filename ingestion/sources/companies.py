"""Companies: companies.yml itself, landed as raw_files.companies, so that SQL can join it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from ingestion.locks import one_at_a_time
from ingestion.pipeline import load
from warehouse.companies import Company

COMPANIES = pa.schema(
    [
        pa.field("company_id", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("base_currency", pa.string(), nullable=False),
        pa.field("timezone", pa.string(), nullable=False),
        pa.field("margin_rate", pa.decimal128(9, 6), nullable=False),
        pa.field("discount_rate", pa.decimal128(9, 6), nullable=False),
        pa.field("horizons_months", pa.string(), nullable=False),
        pa.field("churn_window_days", pa.int64(), nullable=False),
        pa.field("target_payback_months", pa.int64(), nullable=False),
    ]
)


def _rate(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.000001"))


@dlt.source(name="companies", max_table_nesting=0)
def companies_source(companies: tuple[Company, ...]) -> DltResource:
    """The companies as a dlt source; the table is replaced as a whole.

    Args:
        companies: All companies of the installation.
    """
    rows = [
        {
            "company_id": company.id,
            "name": company.name,
            "base_currency": company.base_currency,
            "timezone": company.timezone,
            "margin_rate": _rate(company.margin_rate),
            "discount_rate": _rate(company.discount_rate),
            "horizons_months": json.dumps(company.horizons_months),
            "churn_window_days": company.churn_window_days,
            "target_payback_months": company.target_payback_months,
        }
        for company in companies
    ]
    return dlt.resource(
        [pa.Table.from_pylist(rows, schema=COMPANIES)],
        name="companies",
        write_disposition="replace",
        columns={"horizons_months": {"data_type": "json"}},
    )


def land_companies(companies: Iterable[Company]) -> int:
    """Lands the companies.

    Returns:
        How many there are.
    """
    landed = tuple(companies)
    # No company can have this id: ids start with a letter.
    pipeline = "0_companies"
    # Every landing of files begins with this one: it waits where they would turn each other away.
    with one_at_a_time(f"load files {pipeline}"):
        load(companies_source(landed), "files", pipeline)
    return len(landed)

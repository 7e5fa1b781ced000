"""The landed shape of a CSV line: raw_files.order_lines and raw_files.marketing_spend."""

from __future__ import annotations

import pyarrow as pa
from dlt.common.schema.typing import TColumnSchema

from ingestion.personal import ACCOUNTS, EMAIL, EMAIL_ADDRESS, ERASED, PersonalTable, kept

#: Money is at most 14 digits before the point and 4 behind it: the warehouse's numeric(18,4).
MONEY = pa.decimal128(18, 4)

ORDER_LINES = pa.schema(
    [
        pa.field("company_id", pa.string(), nullable=False),
        pa.field("feed", pa.string(), nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("line_number", pa.int64(), nullable=False),
        pa.field("order_id", pa.string()),
        pa.field("customer_id", pa.string()),
        pa.field("email", pa.string()),
        pa.field("ordered_at", pa.timestamp("us", tz="UTC")),
        pa.field("order_date", pa.date32(), nullable=False),
        pa.field("amount", MONEY, nullable=False),
        pa.field("quantity", MONEY),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("channel", pa.string()),
        pa.field("country", pa.string()),
        pa.field("product", pa.string()),
        pa.field("extra", pa.string()),
    ]
)

#: What Arrow can't say to dlt.
COLUMN_HINTS: dict[str, TColumnSchema] = {"extra": {"data_type": "json"}}

MARKETING_SPEND = pa.schema(
    [
        pa.field("company_id", pa.string(), nullable=False),
        pa.field("feed", pa.string(), nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("line_number", pa.int64(), nullable=False),
        pa.field("spend_date", pa.date32(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("amount", MONEY, nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("extra", pa.string()),
    ]
)

#: What of a line of purchases says who somebody is. A customer's id may be the address itself.
PERSONAL_LINES = PersonalTable(
    "order_lines",
    owners=(
        ("customer_id", ACCOUNTS),
        ("email", EMAIL_ADDRESS),
        ("customer_id", EMAIL_ADDRESS),
    ),
    columns={
        "email": EMAIL,
        "country": kept("a country is nobody's"),
        "extra": ERASED,
    },
    account=("customer_id", "email"),
)

NOBODYS = PersonalTable("marketing_spend", owners=(), columns={})

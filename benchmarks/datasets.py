"""The published purchase logs on which the accuracy of the models is measured.

Both come as customer-days: positive lines only, added up per customer and day. A purchase that was
cancelled later stays in, because nobody knew at the time.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import pandas as pd

ONLINE_RETAIL_VARIABLE = "CLV_ONLINE_RETAIL_2"


class MissingDataError(RuntimeError):
    """A data set isn't on this machine; the message says how to name it."""


def cdnow() -> pd.DataFrame:
    """Returns the whole log of CDNOW: 23,570 customers of 1997's first quarter, to June 1998.

    Returns:
        `customer_id`, `order_date` (datetime64), `gross_revenue_base` (US dollars).
    """
    log = files("lifetimes") / "datasets" / "CDNOW_master.txt"
    with log.open(encoding="ascii") as text:
        lines = pd.read_csv(
            text, sep=r"\s+", names=["customer_id", "date", "cds", "value"], skiprows=1, dtype=str
        )
    return _customer_days(
        lines["customer_id"],
        pd.to_datetime(lines["date"], format="%Y%m%d"),
        lines["value"].astype("float64"),
    )


def online_retail() -> pd.DataFrame:
    """Returns Online Retail II: a British wholesaler of gifts, December 2009 to December 2011.

    Left out: lines without a customer, lines that both sheets hold (once), cancellations (invoices
    that begin with C), and lines whose quantity or price is not above 0.

    Returns:
        `customer_id`, `order_date` (datetime64), `gross_revenue_base` (pounds).

    Raises:
        MissingDataError: The environment doesn't say where it is, or it isn't there.
    """
    path = os.environ.get(ONLINE_RETAIL_VARIABLE)
    if not path or not Path(path).is_file():
        raise MissingDataError(
            f"Set {ONLINE_RETAIL_VARIABLE} to the path of Online Retail II as CSV (may be .gz) "
            "with the columns customer_id, order_id, order_ts, quantity, unit_price and "
            "sheet_overlap_dup"
        )
    columns = [
        "customer_id", "order_id", "order_ts", "quantity", "unit_price", "sheet_overlap_dup",
    ]  # fmt: skip
    lines = pd.read_csv(path, usecols=columns, dtype={"customer_id": str, "order_id": str})
    lines = lines[
        lines["customer_id"].notna()
        & (lines["sheet_overlap_dup"] == 0)
        & ~lines["order_id"].str.startswith("C")
        & (lines["quantity"] > 0)
        & (lines["unit_price"] > 0)
    ]
    return _customer_days(
        lines["customer_id"],
        pd.to_datetime(lines["order_ts"]).dt.normalize(),
        lines["quantity"] * lines["unit_price"],
    )


def _customer_days(customer_id: pd.Series, day: pd.Series, value: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"customer_id": customer_id, "order_date": day, "gross_revenue_base": value}
    )
    return frame.groupby(["customer_id", "order_date"], as_index=False, sort=True).sum()

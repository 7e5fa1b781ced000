"""Real data for the tests of `ml`: CDNOW as it ships inside lifetimes."""

from __future__ import annotations

import os
from importlib.resources import files

import pandas as pd
import pytest

# mlflow decides on its telemetry when it is imported.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"

_COLUMNS = {
    "CDNOW_sample.txt": ["master_id", "customer_id", "date", "units", "value"],
    "CDNOW_master.txt": ["customer_id", "date", "units", "value"],
}


def _purchases(name: str) -> pd.DataFrame:
    path = files("lifetimes").joinpath("datasets", name)
    with path.open(encoding="utf-8") as text:
        lines = pd.read_csv(text, sep=r"\s+", names=_COLUMNS[name], dtype=str)
    # The full log has a header line, the sample has none.
    lines = lines[lines["units"] != "number_of_cds"]
    daily = pd.DataFrame(
        {
            "customer_id": lines["customer_id"],
            "order_date": pd.to_datetime(lines["date"], format="%Y%m%d"),
            "gross_revenue_base": lines["value"].astype("float64"),
        }
    )
    return daily.groupby(["customer_id", "order_date"], as_index=False).sum()


@pytest.fixture(scope="session")
def sample_daily() -> pd.DataFrame:
    """Customer-days of the 1/10 sample, 2,357 customers, 1997-01-01 to 1998-06-30."""
    return _purchases("CDNOW_sample.txt")


@pytest.fixture(scope="session")
def cdnow_daily() -> pd.DataFrame:
    """Customer-days of the full log, 28 years later as company `cdnow` has them."""
    daily = _purchases("CDNOW_master.txt")
    return daily.assign(
        order_date=(daily["order_date"] + pd.DateOffset(years=28)).dt.date,
        net_revenue_base=daily["gross_revenue_base"],
        margin_base=daily["gross_revenue_base"] * 0.3,
    )


@pytest.fixture
def two_customers() -> pd.DataFrame:
    """Ann bought on three days, Bob on one, and Cid only got something for nothing."""
    return pd.DataFrame(
        [
            ("bob", "2025-02-05", 7.5),
            ("ann", "2025-01-01", 10.0),
            ("ann", "2025-01-15", 20.0),
            ("ann", "2025-02-12", 40.0),
            ("cid", "2025-01-03", 0.0),
        ],
        columns=["customer_id", "order_date", "gross_revenue_base"],
    )

"""ISO 4217, from the one list that dbt seeds too."""

from __future__ import annotations

import csv
from functools import lru_cache
from types import MappingProxyType

from warehouse.settings import PROJECT_ROOT

CURRENCIES_FILE = PROJECT_ROOT / "dbt_project" / "seeds" / "currencies.csv"


@lru_cache(maxsize=1)
def minor_units() -> MappingProxyType[str, int]:
    """Returns the decimal places of every active ISO 4217 currency, by its code.

    Raises:
        FileNotFoundError: The seed is missing from the checkout.
    """
    with CURRENCIES_FILE.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {row["currency_code"]: int(row["minor_units"]) for row in csv.DictReader(file)}
        )

"""The demo's exchange rates: ``python -m demo.rates FACTS TARGET``.

FACTS is the history of the ECB's reference rates as CSV (date,currency,units_per_eur; gzip or not).
Rates from December 2024 to its end are taken over as they are, with source "ecb". The demo's shops
sell until 30 June 2026: where the facts end earlier, the days that are missing are made up by a
seeded random walk as restless as each currency has been, with source "demo".
"""

from __future__ import annotations

import csv
import gzip
import math
import random
import statistics
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

FIRST, LAST = date(2024, 12, 1), date(2026, 6, 30)

CURRENCIES = ("AUD", "CAD", "CHF", "CZK", "DKK", "GBP", "ISK", "JPY", "NOK", "PLN", "SEK", "USD")

HEADER = ("date", "currency", "units_per_eur", "source")

Rate = tuple[date, str, Decimal]


def facts(path: Path) -> list[Rate]:
    """Reads the ECB's rates of the demo's days and currencies."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [
            (date.fromisoformat(row["date"]), row["currency"], Decimal(row["units_per_eur"]))
            for row in csv.DictReader(file)
            if row["date"] >= FIRST.isoformat() and row["currency"] in CURRENCIES
        ]


def made_up(known: Iterable[Rate]) -> Iterator[Rate]:
    """Continues the rates of each currency to the demo's last day, on weekdays."""
    for currency in CURRENCIES:
        history = sorted((day, rate) for day, code, rate in known if code == currency)
        logs = [math.log(rate) for _, rate in history]
        daily = statistics.stdev(b - a for a, b in pairwise(logs))
        places = Decimal(1).scaleb(min(int(rate.as_tuple().exponent) for _, rate in history))
        rng = random.Random(f"exchange rate of {currency}")
        (day, _), level = history[-1], logs[-1]
        while day < LAST:
            day += timedelta(days=1)
            if day.weekday() < 5:
                level += rng.gauss(0, daily)
                yield day, currency, Decimal(math.exp(level)).quantize(places)


def write(known: list[Rate], target: Path) -> int:
    """Writes facts and what continues them.

    Returns:
        The number of rates.
    """
    rows = [(*rate, "ecb") for rate in known] + [(*rate, "demo") for rate in made_up(known)]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(sorted(rows))
    return len(rows)


if __name__ == "__main__":
    write(facts(Path(sys.argv[1])), Path(sys.argv[2]))

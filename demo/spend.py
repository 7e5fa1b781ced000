"""What the demo's shops spend on marketing, made up: ``python -m demo.spend FILE``.

Channels are called as in the shops' visits (`demo/stores/business/orders.py`). The shops win their
customers in the first quarter of 2025, as CDNOW did: that is when they spend most.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

FIRST, LAST = date(2025, 1, 1), date(2026, 6, 30)
WON_UNTIL = date(2025, 3, 31)

HEADER = ("company", "channel", "date", "amount", "currency")

SHOPS = {"acme": "USD", "bolt": "EUR"}

#: Paid by the day: what a day costs while customers are won, and afterwards.
_DAILY = {"google": (52.0, 6.0), "facebook": (38.0, 4.0)}

#: Paid on the first of a month.
_MONTHLY = {"newsletter": (49.0, 49.0), "affiliate": (160.0, 25.0)}


def spend() -> Iterator[tuple[str, str, str, str, str]]:
    """Yields every payment, by shop and day."""
    for company, currency in SHOPS.items():
        rng = random.Random(f"marketing of {company}")
        day = FIRST
        while day <= LAST:
            due = _DAILY | (_MONTHLY if day.day == 1 else {})
            for channel, (winning, keeping) in due.items():
                usual = winning if day <= WON_UNTIL else keeping
                swing = 1.0 if channel == "newsletter" else rng.uniform(0.7, 1.3)
                amount = Decimal(usual * swing).quantize(Decimal("0.01"))
                yield company, channel, day.isoformat(), str(amount), currency
            day += timedelta(days=1)


def export(target: Path) -> int:
    """Writes the payments as CSV.

    Returns:
        The number of data rows.
    """
    rows = list(spend())
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
    return len(rows)


if __name__ == "__main__":
    export(Path(sys.argv[1]))

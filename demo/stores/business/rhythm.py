"""CDNOW's purchases as the times at which a shop's customers buy."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from demo.cdnow import purchases
from demo.stores.business.profiles import Profile

CUSTOMERS = 1_000
_HALVES = 2
# How many of a day's purchases fall into each hour of the shop's zone.
_HOURS = (2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 9, 9, 10, 9, 8, 8, 8, 9, 10, 12, 14, 13, 9, 5)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase; `key` names the buyer, `value` is in CDNOW's dollars."""

    key: str
    at: datetime
    pieces: int
    value: Decimal


def rhythm(profile: Profile, seed: str, scale: float, skip: int = 0) -> list[Purchase]:
    """Gives a shop its purchases, oldest first.

    The shops draw from disjoint halves of CDNOW's customers. A scale beyond a half's size takes
    its customers again under new keys, at other times of day.

    A scale of 1 is a thousand customers, of whom the first `skip` belong to another shop.
    """
    by_customer: dict[str, list[tuple[date, int, Decimal]]] = defaultdict(list)
    for customer, written, count, dollars in purchases():
        by_customer[customer].append((date.fromisoformat(written), int(count), Decimal(dollars)))
    everyone = sorted(by_customer)
    random.Random("halves").shuffle(everyone)
    pool = everyone[profile.slice :: _HALVES]
    zone = ZoneInfo(profile.timezone)
    found = []
    for place in range(skip, skip + round(CUSTOMERS * scale)):
        copy, index = divmod(place, len(pool))
        key = pool[index] if copy == 0 else f"{pool[index]}x{copy}"
        rng = random.Random(f"{seed}:{profile.company}:{key}:times")
        for day, pieces, value in by_customer[pool[index]]:
            clock = time(rng.choices(range(24), _HOURS)[0], rng.randrange(60), rng.randrange(60))
            # An hour that summer time skips becomes the next one.
            at = datetime.combine(day, clock, zone).astimezone(UTC)
            found.append(Purchase(key, at, max(1, pieces), value))
    return sorted(found, key=lambda each: (each.at, each.key))

"""The people who shop: invented names, addresses at example.com, nobody real."""

from __future__ import annotations

import random
import unicodedata
from datetime import datetime

from demo.stores.business.model import Address, Customer, Shop


def _plain(name: str) -> str:
    split = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    return "".join(each for each in split if each.isascii()).lower()


def invent(shop: Shop, rng: random.Random, key: str, created: datetime) -> Customer:
    """Makes a customer who is not in the shop yet.

    E-mail comes as people type it: sometimes in capitals, with a plus tag, or not at all.
    """
    profile = shop.profile
    first, last = rng.choice(profile.first_names), rng.choice(profile.last_names)
    email: str | None = f"{_plain(first)}.{_plain(last)}.{key}@example.com"
    habit = rng.random()
    if habit < 0.06:
        email = f"{first}.{last}.{key}@Example.com" if first.isascii() and last.isascii() else email
    elif habit < 0.09:
        email = email.replace("@", "+shop@") if email else None
    elif habit < 0.11:
        email = None
    return Customer(
        id=shop.ids.next("customer"),
        first_name=first,
        last_name=last,
        email=email,
        phone=f"+1555{rng.randrange(10**7):07d}" if email is None or rng.random() < 0.2 else None,
        created_at=created,
        updated_at=created,
        tags=sorted(rng.sample(("club", "vip", "wholesale"), 1)) if rng.random() < 0.1 else [],
        note="Prefers parcels at the door" if rng.random() < 0.03 else None,
        state=rng.choice(("DISABLED", "DISABLED", "ENABLED", "INVITED")),
        locale=profile.locale,
        subscribed=rng.random() < 0.4,
        address=address(shop, rng, first, last),
    )


def address(shop: Shop, rng: random.Random, first: str, last: str) -> Address:
    """Makes an address in one of the shop's places; the first places are the commonest."""
    places = shop.profile.places
    place = rng.choices(places, weights=[len(places) - n for n in range(len(places))])[0]
    return Address(
        id=shop.ids.next("address"),
        first_name=first,
        last_name=last,
        street=f"{rng.randrange(1, 200)} Record Lane",
        city=place.city,
        zip=place.zip,
        province=place.province,
        province_code=place.province_code,
        country=place.country,
        country_code=place.country_code,
    )

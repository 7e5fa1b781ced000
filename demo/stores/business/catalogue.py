"""The products and the discounts of a shop."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from demo.stores.business.model import Discount, Product, Shop, Variant
from demo.stores.business.money import rounded

_CATEGORIES = {
    "Classical": ("Adagio", "Cantata", "Etude", "Nocturne", "Partita", "Serenade"),
    "Jazz": ("Blue Room", "Late Set", "Night Train", "Quartet", "Swing Street", "Take Two"),
    "Pop": ("City Lights", "Heartbeat", "Hotline", "Neon", "Postcards", "Summer"),
    "Rock": ("Amplifier", "Backroads", "Feedback", "Garage", "Overdrive", "Static"),
    "Soundtrack": ("Credits", "Main Title", "Opening Scene", "Overture", "Score", "Theme"),
}
# Format: its factor on the price, and the share of the price that it costs to buy in.
_FORMATS = {"CD": ("1", "0.55"), "Vinyl": ("1.9", "0.60"), "Box set": ("3.6", "0.50")}
_VENDORS = ("Harbour Music", "Northlight", "Old Mill Records", "Parallel")
_VOLUMES = 3


def stock(shop: Shop, seed: str) -> None:
    """Fills an empty shop with products; every ninth variant's unit cost is unknown."""
    rng = random.Random(f"{seed}:products")
    for category, titles in _CATEGORIES.items():
        for title in titles:
            for volume in range(1, _VOLUMES + 1):
                _add_product(shop, rng, category, f"{title}, Vol. {volume}")


def _add_product(shop: Shop, rng: random.Random, category: str, title: str) -> None:
    created = shop.opened_at - timedelta(seconds=rng.randrange(3_600, 40 * 86_400))
    price = Decimal(rng.choice(("8.99", "10.49", "11.99", "13.99", "15.99", "17.49")))
    product_id = shop.ids.next("product")
    handle = title.lower().replace(",", "").replace(".", "").replace(" ", "-")
    variants: list[Variant] = []
    for position, (name, (factor, cost)) in enumerate(_FORMATS.items(), start=1):
        if position > 1 and rng.random() < 0.5:
            continue
        variant_id = shop.ids.next("variant")
        amount = rounded(price * Decimal(factor) * shop.profile.price_factor, shop.profile.currency)
        variants.append(
            Variant(
                id=variant_id,
                product_id=product_id,
                title=name,
                sku=f"{category[:3].upper()}-{product_id % 1_000_003:06d}-{position}",
                price=amount,
                unit_cost=None
                if variant_id % 9 == 0
                else rounded(amount * Decimal(cost), shop.profile.currency),
                position=len(variants) + 1,
                created_at=created,
                updated_at=created,
            )
        )
    shop.products[product_id] = Product(
        id=product_id,
        title=title,
        handle=handle,
        vendor=rng.choice(_VENDORS),
        category=category,
        tags=sorted(
            rng.sample(("bestseller", "gift", "import", "new", "reissue"), rng.randrange(3))
        ),
        status="ACTIVE",
        created_at=created,
        updated_at=created + timedelta(days=rng.randrange(30)),
        variants=variants,
    )


def offer(shop: Shop, ends: datetime) -> None:
    """Adds the shop's discounts; some are over before `ends`."""
    opened = shop.opened_at

    def add(
        title: str,
        codes: list[str],
        percent: str | None = None,
        amount: str | None = None,
        *,
        free_shipping: bool = False,
        days: tuple[int, int | None] = (0, None),
    ) -> None:
        discount_id = shop.ids.next("discount")
        starts = opened + timedelta(days=days[0])
        over = opened + timedelta(days=days[1]) if days[1] is not None else None
        shop.discounts[discount_id] = Discount(
            id=discount_id,
            title=title,
            codes=codes,
            percent=Decimal(percent) if percent else None,
            amount=Decimal(amount) if amount else None,
            free_shipping=free_shipping,
            starts_at=starts,
            ends_at=over,
            created_at=starts - timedelta(days=2),
            updated_at=min(over, ends) if over else starts,
        )

    add("WELCOME10", ["WELCOME10"], "0.10")
    add("SUMMER15", ["SUMMER15"], "0.15", days=(150, 240))
    add("FIVEOFF", ["FIVEOFF"], amount="5.00")
    add("ONTHEHOUSE", ["ONTHEHOUSE"], "1")
    add("FREESHIP", ["FREESHIP"], free_shipping=True)
    add("Influencers", [f"FRIEND{number:02d}" for number in range(40)], "0.12")
    add("Multibuy 5%", [], "0.05")
    add("Free shipping weekend", [], free_shipping=True, days=(300, 304))

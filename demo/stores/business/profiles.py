"""The demo's two shops: what differs between them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """A city that parcels go to."""

    city: str
    zip: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A shop's character.

    Attributes:
        slice: Which of two halves of CDNOW's customers shops here.
        price_factor: What a CDNOW dollar is in the shop's currency.
        rates: Presentment currencies: share of the orders, worth of one unit of the shop's.
        gateway_fee: The gateway's share and flat amount, in the shop's currency.
    """

    company: str
    name: str
    currency: str
    timezone: str
    country_code: str
    slice: int
    price_factor: Decimal
    taxes_included: bool
    tax_title: str
    tax_rate: Decimal
    shipping: Decimal
    free_shipping_from: Decimal
    gateway_fee: tuple[Decimal, Decimal]
    rates: dict[str, tuple[float, Decimal]]
    places: tuple[Place, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    locale: str

    @property
    def domain(self) -> str:
        """The shop's permanent domain."""
        return f"{self.company}.myshopify.com"


def _names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


ACME = Profile(
    company="acme",
    name="Acme Records",
    currency="USD",
    timezone="America/New_York",
    country_code="US",
    slice=0,
    price_factor=Decimal(1),
    taxes_included=False,
    tax_title="State Tax",
    tax_rate=Decimal("0.0725"),
    shipping=Decimal("4.95"),
    free_shipping_from=Decimal(60),
    gateway_fee=(Decimal("0.029"), Decimal("0.30")),
    rates={
        "CAD": (0.05, Decimal("1.3712")),
        "GBP": (0.03, Decimal("0.7894")),
        "JPY": (0.02, Decimal("149.31")),
        "KWD": (0.005, Decimal("0.30712")),
    },
    places=(
        Place("New York", "10013", "New York", "NY", "United States", "US"),
        Place("Brooklyn", "11215", "New York", "NY", "United States", "US"),
        Place("Austin", "78704", "Texas", "TX", "United States", "US"),
        Place("Portland", "97214", "Oregon", "OR", "United States", "US"),
        Place("Chicago", "60614", "Illinois", "IL", "United States", "US"),
        Place("Toronto", "M5V 2T6", "Ontario", "ON", "Canada", "CA"),
        Place("London", "E8 3PN", "England", "ENG", "United Kingdom", "GB"),
    ),
    first_names=_names("Ada Ben Cara Dev Ella Finn Gia Hugo Iris Jack Kira Liam Maya Noah"),
    last_names=_names("Abbot Baker Chen Diaz Evans Flores Green Hill Ito Jones Khan Lee"),
    locale="en-US",
)

BOLT = Profile(
    company="bolt",
    name="Bolt Schallplatten",
    currency="EUR",
    timezone="Europe/Berlin",
    country_code="DE",
    slice=1,
    price_factor=Decimal("0.92"),
    taxes_included=True,
    tax_title="MwSt",
    tax_rate=Decimal("0.19"),
    shipping=Decimal("5.90"),
    free_shipping_from=Decimal(50),
    gateway_fee=(Decimal("0.021"), Decimal("0.30")),
    rates={
        "CHF": (0.06, Decimal("0.9431")),
        "GBP": (0.03, Decimal("0.8517")),
        "JPY": (0.01, Decimal("161.88")),
    },
    places=(
        Place("Berlin", "10999", None, None, "Germany", "DE"),
        Place("Hamburg", "20357", None, None, "Germany", "DE"),
        Place("München", "80469", None, None, "Germany", "DE"),
        Place("Köln", "50674", None, None, "Germany", "DE"),
        Place("Wien", "1070", None, None, "Austria", "AT"),
        Place("Zürich", "8004", None, None, "Switzerland", "CH"),
    ),
    first_names=_names("Anna Björn Clara Dirk Elif Felix Greta Hanna Ines Jörg Käthe Lars"),
    last_names=_names("Arndt Böhm Çelik Döring Engel Fuchs Groß Hahn Jansen Klein Müller"),
    locale="de",
)

PROFILES = {profile.company: profile for profile in (ACME, BOLT)}

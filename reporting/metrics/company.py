"""Who the companies are, and what of them can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from reporting.metrics.scope import Scope, ask, ask_if_there

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True)
class CompanyFacts:
    """A company as the marts know it.

    Attributes:
        company_id: Its id.
        name: Its name for people.
        currency: ISO-4217 code of all amounts.
        timezone: IANA zone whose days are its days.
        first_order_date: First day with an order; None until data came.
        as_of_date: Last day that the data cover, None likewise.
        target_payback_months: Months within which a customer should have earned back its cost.
        churn_window_days: Days without an order after which a customer counts as gone.
        discount_rate: Yearly rate at which future revenue is discounted.
    """

    company_id: str
    name: str
    currency: str
    timezone: str
    first_order_date: date | None
    as_of_date: date | None
    target_payback_months: int
    churn_window_days: int
    discount_rate: float

    @property
    def is_empty(self) -> bool:
        """Whether no order has come yet."""
        return self.as_of_date is None or self.first_order_date is None


_COMPANIES = """
    select
        company_id,
        name,
        base_currency as currency,
        timezone,
        first_order_date,
        as_of_date,
        target_payback_months,
        churn_window_days,
        discount_rate::double precision as discount_rate
    from marts.dim_companies
    order by name, company_id
"""


def companies(connection: Connection[Any]) -> dict[str, CompanyFacts]:
    """Returns the companies that the connection's role sees, by id, in the order of their names."""
    if not ask_if_there(connection, Scope(""), "marts.dim_companies", "select 1 as there"):
        return {}
    found = connection.cursor(row_factory=class_row(CompanyFacts)).execute(_COMPANIES)
    return {facts.company_id: facts for facts in found}


@dataclass(frozen=True)
class Choices:
    """What the filters offer.

    Attributes:
        channels: Channels of first orders, by name.
        countries: Countries of first orders, by name.
        products: Key and name of those that brought most revenue.
    """

    channels: tuple[str, ...]
    countries: tuple[str, ...]
    products: tuple[tuple[str, str], ...]


#: A list of more can't be looked through.
PRODUCTS_OFFERED = 200


def choices(connection: Connection[Any], company_id: str) -> Choices:
    """Returns what customers of a company can be chosen by."""
    scope = Scope(company_id)
    groups = ask(
        connection,
        scope,
        """
        select distinct dimension, dimension_value
        from marts.cohort_retention
        where company_id = %(company)s and dimension in ('channel', 'country')
        """,
    )
    products = ask_if_there(
        connection,
        scope,
        "reporting.product_ltv",
        """
        select product_key, coalesce(product, product_key) as product
        from reporting.product_ltv where company_id = %(company)s and buyers > 0
        order by net_revenue_to_date desc, product_key
        limit %(most)s
        """,
        most=PRODUCTS_OFFERED,
    )
    by_name = sorted(products, key=lambda row: (row["product"].casefold(), row["product_key"]))
    channels, countries = (
        tuple(sorted(row["dimension_value"] for row in groups if row["dimension"] == dimension))
        for dimension in ("channel", "country")
    )
    return Choices(
        channels,
        countries,
        tuple((row["product_key"], row["product"]) for row in by_name),
    )

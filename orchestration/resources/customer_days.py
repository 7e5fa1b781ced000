"""What models are fitted on, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from warehouse.bulk import read_frame
from warehouse.connection import connect

if TYPE_CHECKING:
    import pandas as pd

_DAYS = """
    select
        customer_id,
        order_date,
        gross_revenue_base::double precision as gross_revenue_base,
        net_revenue_base::double precision as net_revenue_base,
        margin_base::double precision as margin_base
    from marts.customer_daily
    where company_id = $1
    order by customer_id, order_date
"""

_TRAITS = """
    select
        customer_id,
        acquisition_channel,
        country
    from marts.dim_customers
    where company_id = $1
    order by customer_id
"""


@dataclass(frozen=True)
class CompanyDays:
    """A company's customer-days.

    Attributes:
        daily: One row a customer and day: customer_id, order_date, gross_revenue_base,
            net_revenue_base, margin_base (base currency).
        as_of: Last day that the data cover.
    """

    daily: pd.DataFrame
    as_of: date


class CustomerDays(dg.ConfigurableResource):
    """Reads marts.customer_daily and marts.dim_customers."""

    def read(self, company_id: str) -> CompanyDays:
        """Returns the customer-days of a company.

        Raises:
            dagster.Failure: The company has no orders in the marts.
        """
        with connect() as connection:
            found = connection.execute(
                "select as_of_date from marts.dim_companies where company_id = %s", (company_id,)
            ).fetchone()
        if found is None or found[0] is None:
            raise dg.Failure(
                f"Company {company_id} has no orders in marts.customer_daily. Look at what its "
                "sources landed and at quarantine.rejected_rows.",
                allow_retries=False,
            )
        return CompanyDays(read_frame(_DAYS, [company_id]), found[0])

    def traits(self, company_id: str) -> pd.DataFrame:
        """Returns what is known of every customer from the first order on.

        One row a customer: customer_id, acquisition_channel, country; null where unknown.
        """
        return read_frame(_TRAITS, [company_id])

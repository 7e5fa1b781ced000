"""Where a company's site is and with which key; nothing is opened.

Belongs here: finding address and key. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from ingestion.credentials import Credentials
from ingestion.errors import SourceError
from ingestion.sources.woocommerce.client import WooCommerceClient
from warehouse.companies import Company, WooCommerceSite
from warehouse.embedded import HOST
from warehouse.settings import Settings

SOURCE = "woocommerce"


def site_of(company: Company) -> WooCommerceSite:
    """Returns the company's site.

    Raises:
        SourceError: companies.yml names none.
    """
    if company.sources.woocommerce is None:
        raise SourceError(
            f"Company {company.id} has no WooCommerce site. Name it in companies.yml:\n"
            "    sources:\n      woocommerce:\n        site: https://shop.example.com"
        )
    return company.sources.woocommerce


def client_for(company: Company, settings: Settings | None = None) -> WooCommerceClient:
    """Returns the client of a company's site.

    Args:
        company: The company.
        settings: Those of the installation; by default the process's own.

    Raises:
        SourceError: There is no site, no key or no secret; the message says where to put it.
    """
    site = site_of(company)
    credentials = Credentials(
        SOURCE,
        company.id,
        site.site,
        {"key": "ck_…", "secret": "cs_…"},
        "They are made in the site's admin, under WooCommerce > Settings > Advanced > REST API, "
        "with the permission to read.",
        None
        if site.demo_port is None
        else {"key": f"ck_standin_{company.id}", "secret": f"cs_standin_{company.id}"},
        settings,
    )
    usual = site.site if site.demo_port is None else f"http://{HOST}:{site.demo_port}"
    secrets = credentials.secrets()
    return WooCommerceClient(
        company.id, credentials.endpoint(usual), secrets["key"], secrets["secret"]
    )

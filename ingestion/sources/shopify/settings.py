"""Where a company's shop is and with which token; nothing is opened.

Belongs here: finding endpoint and token. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from ingestion.credentials import Credentials
from ingestion.errors import SourceError
from ingestion.sources.shopify.client import ShopifyClient, admin_endpoint
from warehouse.companies import Company, ShopifyShop
from warehouse.embedded import HOST
from warehouse.settings import Settings

SOURCE = "shopify"


def shop_of(company: Company) -> ShopifyShop:
    """Returns the company's shop.

    Raises:
        SourceError: companies.yml names none.
    """
    if company.sources.shopify is None:
        raise SourceError(
            f"Company {company.id} has no Shopify shop. Name it in companies.yml:\n"
            "    sources:\n      shopify:\n        shop: example.myshopify.com"
        )
    return company.sources.shopify


def client_for(company: Company, settings: Settings | None = None) -> ShopifyClient:
    """Returns the client of a company's shop.

    Args:
        company: The company.
        settings: Those of the installation; by default the process's own.

    Raises:
        SourceError: There is no shop or no token; the message says where to put it.
    """
    shop = shop_of(company)
    credentials = Credentials(
        SOURCE,
        company.id,
        shop.shop,
        {"token": "shpat_…"},
        "It is the Admin API access token of an app in the shop's admin, under Settings > Apps > "
        "Develop apps.",
        None if shop.demo_port is None else {"token": f"shpat_standin_{company.id}"},
        settings,
    )
    usual = shop.endpoint or admin_endpoint(shop.shop)
    if shop.demo_port is not None:
        usual = admin_endpoint(f"{HOST}:{shop.demo_port}", "http")
    token = credentials.secrets()["token"]
    return ShopifyClient(company.id, credentials.endpoint(usual), token)

"""Where a company's shop is and with which token; nothing is opened.

Belongs here: finding endpoint and token. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from pydantic import SecretStr

from ingestion.errors import SourceError
from ingestion.sources.shopify.client import ShopifyClient, admin_endpoint
from warehouse.companies import Company, ShopifyShop
from warehouse.embedded import HOST
from warehouse.settings import SecretsFileError, Settings, get_settings, source_variable

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
    settings = settings or get_settings()
    shop = shop_of(company)
    try:
        endpoint = settings.source_setting(SOURCE, company.id, "endpoint")
        token = settings.source_setting(SOURCE, company.id, "token")
    except SecretsFileError as error:
        raise SourceError(str(error)) from None
    if token is None and shop.demo_port is not None:
        token = SecretStr(f"shpat_standin_{company.id}")  # nobody's secret
    if token is None:
        raise SourceError(
            f"The token of {shop.shop} (company {company.id}) is missing. Set "
            f"{source_variable(SOURCE, company.id, 'token')} in the environment, or write into "
            f'{settings.secrets_file}:\n  [sources.{SOURCE}.{company.id}]\n  token = "shpat_…"\n'
            "It is the Admin API access token of an app in the shop's admin, under Settings > "
            "Apps > Develop apps."
        )
    secret = token.get_secret_value().strip()
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise SourceError(
            f"The token of {shop.shop} (company {company.id}) holds characters that no token has: "
            "copy it anew."
        )
    if endpoint is not None:
        address = endpoint.get_secret_value()
    elif shop.demo_port is not None:
        address = admin_endpoint(f"{HOST}:{shop.demo_port}", "http")
    else:
        address = shop.endpoint or admin_endpoint(shop.shop)
    return ShopifyClient(company.id, address, secret)

"""Where a company's site is and with which key; nothing is opened.

Belongs here: finding address and key. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from pydantic import SecretStr

from ingestion.errors import SourceError
from ingestion.sources.woocommerce.client import WooCommerceClient
from warehouse.companies import Company, WooCommerceSite
from warehouse.embedded import HOST
from warehouse.settings import SecretsFileError, Settings, get_settings, source_variable

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
    settings = settings or get_settings()
    site = site_of(company)
    try:
        endpoint, key, secret = (
            settings.source_setting(SOURCE, company.id, name)
            for name in ("endpoint", "key", "secret")
        )
    except SecretsFileError as error:
        raise SourceError(str(error)) from None
    if key is None and secret is None and site.demo_port is not None:
        # Nobody's secrets.
        key, secret = SecretStr(f"ck_standin_{company.id}"), SecretStr(f"cs_standin_{company.id}")
    if endpoint is not None:
        address = endpoint.get_secret_value()
    elif site.demo_port is not None:
        address = f"http://{HOST}:{site.demo_port}"
    else:
        address = site.site
    return WooCommerceClient(
        company.id,
        address,
        _sound(company, settings, "key", key),
        _sound(company, settings, "secret", secret),
    )


def _sound(company: Company, settings: Settings, name: str, value: SecretStr | None) -> str:
    site = site_of(company).site
    if value is None:
        raise SourceError(
            f"The {name} of {site} (company {company.id}) is missing. Set "
            f"{source_variable(SOURCE, company.id, name)} in the environment, or write into "
            f"{settings.secrets_file}:\n  [sources.{SOURCE}.{company.id}]\n"
            '  key = "ck_…"\n  secret = "cs_…"\n'
            "They are made in the site's admin, under WooCommerce > Settings > Advanced > REST "
            "API, with the permission to read."
        )
    text = value.get_secret_value().strip()
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise SourceError(
            f"The {name} of {site} (company {company.id}) holds characters that none has: copy "
            "it anew."
        )
    return text

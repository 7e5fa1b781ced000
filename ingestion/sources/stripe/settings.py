"""Where a company's account is and with which key; nothing is opened.

Belongs here: finding endpoint and key. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from pydantic import SecretStr

from ingestion.errors import SourceError
from ingestion.sources.stripe.client import ENDPOINT, StripeClient
from warehouse.companies import Company, StripeAccount
from warehouse.embedded import HOST
from warehouse.settings import SecretsFileError, Settings, get_settings, source_variable

SOURCE = "stripe"


def account_of(company: Company) -> StripeAccount:
    """Returns the company's account.

    Raises:
        SourceError: companies.yml names none.
    """
    if company.sources.stripe is None:
        raise SourceError(
            f"Company {company.id} has no Stripe account. Name it in companies.yml:\n"
            "    sources:\n      stripe: {}"
        )
    return company.sources.stripe


def client_for(company: Company, settings: Settings | None = None) -> StripeClient:
    """Returns the client of a company's account.

    Args:
        company: The company.
        settings: Those of the installation; by default the process's own.

    Raises:
        SourceError: There is no account or no key; the message says where to put it.
    """
    settings = settings or get_settings()
    account = account_of(company)
    try:
        endpoint = settings.source_setting(SOURCE, company.id, "endpoint")
        key = settings.source_setting(SOURCE, company.id, "key")
    except SecretsFileError as error:
        raise SourceError(str(error)) from None
    if key is None and account.demo_port is not None:
        key = SecretStr(f"rk_standin_{company.id}")  # nobody's secret
    if key is None:
        raise SourceError(
            f"The key of the Stripe account of company {company.id} is missing. Set "
            f"{source_variable(SOURCE, company.id, 'key')} in the environment, or write into "
            f'{settings.secrets_file}:\n  [sources.{SOURCE}.{company.id}]\n  key = "rk_live_…"\n'
            "It is a restricted key that may read; make one in Stripe's dashboard, under "
            "Developers > API keys."
        )
    secret = key.get_secret_value().strip()
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise SourceError(
            f"The key of the Stripe account of company {company.id} holds characters that no key "
            "has: copy it anew."
        )
    if endpoint is not None:
        address = endpoint.get_secret_value()
    elif account.demo_port is not None:
        address = f"http://{HOST}:{account.demo_port}"
    else:
        address = account.endpoint or ENDPOINT
    return StripeClient(company.id, address, secret)

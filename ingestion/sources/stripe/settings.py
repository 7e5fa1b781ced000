"""Where a company's account is and with which key; nothing is opened.

Belongs here: finding endpoint and key. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from ingestion.credentials import Credentials
from ingestion.errors import SourceError
from ingestion.sources.stripe.client import ENDPOINT, StripeClient
from warehouse.companies import Company, StripeAccount
from warehouse.embedded import HOST
from warehouse.settings import Settings

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
    account = account_of(company)
    credentials = Credentials(
        SOURCE,
        company.id,
        "the Stripe account",
        {"key": "rk_live_…"},
        "It is a restricted key that may read; make one in Stripe's dashboard, under Developers > "
        "API keys.",
        None if account.demo_port is None else {"key": f"rk_standin_{company.id}"},
        settings,
    )
    usual = account.endpoint or ENDPOINT
    if account.demo_port is not None:
        usual = f"http://{HOST}:{account.demo_port}"
    key = credentials.secrets()["key"]
    return StripeClient(company.id, credentials.endpoint(usual), key)

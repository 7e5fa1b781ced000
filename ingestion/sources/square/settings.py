"""Where a company's Square account is and with which token; nothing is opened.

Belongs here: finding endpoint and token. Does not belong here: using them (`client.py`).
"""

from __future__ import annotations

from ingestion.credentials import Credentials
from ingestion.errors import SourceError
from ingestion.sources.square.client import ENDPOINT, SquareClient
from warehouse.companies import Company, SquareSeller
from warehouse.embedded import HOST
from warehouse.settings import Settings

SOURCE = "square"


def seller_of(company: Company) -> SquareSeller:
    """Returns the company's Square account.

    Raises:
        SourceError: companies.yml names none.
    """
    if company.sources.square is None:
        raise SourceError(
            f"Company {company.id} has no Square account. Name it in companies.yml:\n"
            "    sources:\n      square: {}"
        )
    return company.sources.square


def client_for(company: Company, settings: Settings | None = None) -> SquareClient:
    """Returns the client of a company's Square account.

    Args:
        company: The company.
        settings: Those of the installation; by default the process's own.

    Raises:
        SourceError: There is no account or no token; the message says where to put it.
    """
    seller = seller_of(company)
    credentials = Credentials(
        SOURCE,
        company.id,
        "the Square account",
        {"token": "EAAA…"},
        "It is the access token of an application with PAYMENTS_READ and MERCHANT_PROFILE_READ; "
        "find it in Square's Developer Console.",
        None if seller.demo_port is None else {"token": f"square_standin_{company.id}"},
        settings,
    )
    usual = seller.endpoint or ENDPOINT
    if seller.demo_port is not None:
        usual = f"http://{HOST}:{seller.demo_port}"
    token = credentials.secrets()["token"]
    return SquareClient(company.id, credentials.endpoint(usual), token)

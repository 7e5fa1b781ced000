"""The Stripe connector against a stand-in of the API and a real Postgres."""

from __future__ import annotations

from tests.integration.connectors.harness import Connector
from tests.integration.connectors.suite import ConnectorSuite


class TestStripe(ConnectorSuite):
    """What every connector has to do."""

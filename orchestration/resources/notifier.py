"""Tells people, through the outbox of alerts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import dagster as dg

from orchestration.alerts.alert import Alert


class Notifier(dg.ConfigurableResource):
    """Writes alerts into the log and the outbox, from where the sensor `alerts` sends them."""

    def tell(self, alert: Alert, logger: logging.Logger, emails: Sequence[str] = ()) -> bool:
        """Raises one alert.

        Args:
            alert: What to tell.
            logger: Where it is logged, once.
            emails: The company's own people.

        Returns:
            Whether it is new.
        """
        from orchestration.alerts.channels import routes
        from orchestration.alerts.outbox import raise_alert
        from warehouse.connection import connect
        from warehouse.settings import get_settings

        with connect() as connection:
            new = raise_alert(connection, alert, routes(get_settings(), tuple(emails)))
        if new:
            logger.error("%s", alert.text)
        return new

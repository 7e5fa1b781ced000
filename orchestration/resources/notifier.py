"""Tells people that something went wrong."""

from __future__ import annotations

import logging

import dagster as dg
import requests

TIMEOUT_SECONDS = 10


class Notifier(dg.ConfigurableResource):
    """Posts a JSON message to a webhook, where one is configured, and always logs it.

    Attributes:
        webhook_url: Where to post; empty means only the log.
    """

    webhook_url: str = ""

    def send(self, title: str, text: str, logger: logging.Logger) -> None:
        """Sends one message; a receiver that fails is logged, never raised.

        Args:
            title: What happened, in one line.
            text: What it means and what to do.
            logger: Where it is logged.
        """
        logger.error("%s\n%s", title, text)
        if not self.webhook_url:
            return
        try:
            requests.post(
                self.webhook_url, json={"title": title, "text": text}, timeout=TIMEOUT_SECONDS
            ).raise_for_status()
        except requests.RequestException as error:
            # The address may hold a token: the kind of failure says enough.
            logger.error("The alert webhook failed: %s", type(error).__name__)

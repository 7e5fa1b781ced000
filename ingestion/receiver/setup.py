"""What the receiver knows of companies and secrets, read anew when their files have changed.

So a secret that was rotated, or a company that was added, counts without a restart. Does not belong
here: what a signature is (`deliveries.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingestion.receiver.deliveries import Shopify, Stripe, Vendor, WooCommerce
from warehouse.companies import Company, load_companies
from warehouse.settings import Settings

#: Sources that send webhooks.
SOURCES = ("shopify", "stripe", "woocommerce")

SECRET, OLD_SECRET = "webhook_secret", "old_webhook_secret"

#: Between two looks at the files.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Endpoint:
    """Where one source of one company delivers.

    Attributes:
        vendor: Its rules.
        secrets: The current one, and the old one as long as it is set; none where nobody set one.
    """

    vendor: Vendor
    secrets: tuple[str, ...]


@dataclass
class Setup:
    """The installation as the receiver sees it.

    Attributes:
        settings: Those of the installation.
        clock: Seconds that only grow.
    """

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    _companies: dict[str, Company] = field(default_factory=dict)
    _endpoints: dict[tuple[str, str], Endpoint | None] = field(default_factory=dict)
    _look_at: float = -1.0
    _stamp: tuple[object, ...] | None = None

    def companies(self) -> dict[str, Company]:
        """Returns the companies of companies.yml.

        Raises:
            CompaniesFileError: The file has a mistake.
        """
        self._refresh()
        return self._companies

    def endpoint(self, company_id: str, source: str) -> Endpoint | None:
        """Returns where a company's source delivers; None where there is no such company or source.

        Raises:
            CompaniesFileError: companies.yml has a mistake.
            SecretsFileError: The file of secrets can't be read.
        """
        self._refresh()
        key = (company_id, source)
        if key not in self._endpoints:
            # What isn't there isn't remembered: whoever tries names would fill the memory.
            company = self._companies.get(company_id)
            if company is None or source not in SOURCES:
                return None
            self._endpoints[key] = self._find(company, source)
        return self._endpoints[key]

    def _refresh(self) -> None:
        now = self.clock()
        if now < self._look_at:
            return
        stamp = (_stamp(self.settings.companies_file), _stamp(self.settings.secrets_file))
        # Reading takes longer than a delivery may wait.
        if stamp != self._stamp:
            self._companies = load_companies(self.settings.companies_file)
            self._endpoints = {}
            self._stamp = stamp
        self._look_at = now + _LOOK_SECONDS

    def _find(self, company: Company, source: str) -> Endpoint | None:
        connected = getattr(company.sources, source)
        if connected is None:
            return None
        vendor: Vendor
        if source == "shopify":
            vendor = Shopify(connected.shop)
        else:
            vendor = Stripe() if source == "stripe" else WooCommerce()
        found = [
            self.settings.source_setting(source, company.id, name) for name in (SECRET, OLD_SECRET)
        ]
        secrets = tuple(each.get_secret_value().strip() for each in found if each is not None)
        if not secrets and connected.demo_port is not None:
            # The stand-in's, which is nobody's.
            secrets = (f"whsec_standin_{company.id}",)
        return Endpoint(vendor, secrets)


def metrics_folder(settings: Settings) -> Path:
    """Returns where the receiver's processes keep their figures."""
    return settings.run_folder / "receiver-metrics"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

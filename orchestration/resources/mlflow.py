"""MLflow as a resource."""

from __future__ import annotations

import dagster as dg

from ingestion.locks import one_at_a_time
from ml.registry.tracking import Tracking, ensure_store


class Mlflow(dg.ConfigurableResource):
    """Where contests are logged and models registered.

    Attributes:
        tracking_uri: Database or server; it may hold a password and is never logged.
        artifact_root: Folder or URI under which each experiment keeps its artifacts.
    """

    tracking_uri: str
    artifact_root: str

    def tracking(self) -> Tracking:
        """Returns the address for ml.registry."""
        tracking = Tracking(self.tracking_uri, self.artifact_root)
        with one_at_a_time("tables of mlflow"):
            ensure_store(tracking)
        return tracking

"""MLflow as a resource."""

from __future__ import annotations

import dagster as dg

from ml.registry.tracking import Tracking


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
        return Tracking(self.tracking_uri, self.artifact_root)

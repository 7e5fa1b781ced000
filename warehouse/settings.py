"""The one place that reads the environment.

Belongs here: where things are and how to reach them. Does not belong here: what a company is
(`warehouse/companies.py`) and anything that opens a connection.
"""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]

WAREHOUSE_DATABASE = "clv"
DAGSTER_DATABASE = "dagster"
MLFLOW_DATABASE = "mlflow"


class SecretsFileError(Exception):
    """.dlt/secrets.toml can't be used; the message names the file and never its contents."""


class Settings(BaseSettings):
    """Settings of one installation, each read from ``CLV_<NAME>``.

    Attributes:
        home: Folder of everything the platform writes on this machine.
        companies_file: The companies (tenants) and their sources.
        segments_file: The segments that people define over reporting.customer_360.
        database_url: libpq URL of the warehouse on a Postgres of one's own. Unset means the
            embedded server. The databases `dagster` and `mlflow` stand on the same server.
        postgres_port: Port at which the embedded server is tried first.
        webserver_port: Port at which the Dagster UI is tried first.
        mlflow_port: Port at which the MLflow UI is tried first.
        code_server_port: Port at which the Dagster code server is tried first.
        receiver_port: Port at which the receiver of webhooks and files is tried first.
        receiver_workers: Processes of the receiver.
        webhook_max_bytes: Longest body of a webhook.
        upload_max_bytes: Largest file that the receiver takes.
        dashboard_port: Port at which the dashboard is tried first.
        receiver_url: Where the dashboard sends files; unset means the receiver of this machine.
        alert_webhook_url: Where alerts are posted as JSON; no alert_ address means only the log.
        alert_webhook_secret: Signs what is posted there.
        alert_slack_url: An incoming webhook of Slack.
        alert_smtp_url: Mail server, smtp://user:password@host:587 or smtps://…
        alert_email_from: Sender of the mails.
        alert_emails: Who gets every alert; a company's own people stand in companies.yml.
    """

    model_config = SettingsConfigDict(env_prefix="CLV_", extra="ignore")

    home: Path = PROJECT_ROOT / ".clv"
    companies_file: Path = PROJECT_ROOT / "companies.yml"
    segments_file: Path = PROJECT_ROOT / "segments.yml"
    database_url: SecretStr | None = None
    postgres_port: int = Field(default=55432, ge=1024, le=65535)
    webserver_port: int = Field(default=3000, ge=1024, le=65535)
    mlflow_port: int = Field(default=5000, ge=1024, le=65535)
    code_server_port: int = Field(default=4266, ge=1024, le=65535)
    receiver_port: int = Field(default=8600, ge=1024, le=65535)
    receiver_workers: int = Field(default=2, ge=2, le=64)
    webhook_max_bytes: int = Field(default=5 * 1024**2, ge=1024)
    upload_max_bytes: int = Field(default=200 * 1024**2, ge=1024)
    dashboard_port: int = Field(default=8500, ge=1024, le=65535)
    receiver_url: str | None = None
    alert_webhook_url: SecretStr | None = None
    alert_webhook_secret: SecretStr | None = None
    alert_slack_url: SecretStr | None = None
    alert_smtp_url: SecretStr | None = None
    alert_email_from: str = "clv@localhost"
    alert_emails: tuple[str, ...] = ()

    @property
    def postgres_folder(self) -> Path:
        """Folder of the embedded server: data, port and password."""
        return self.home / "postgres"

    @property
    def run_folder(self) -> Path:
        """Folder of the records of running services."""
        return self.home / "run"

    @property
    def log_folder(self) -> Path:
        """Folder of the services' logs."""
        return self.home / "logs"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME of this installation."""
        return self.home / "dagster"

    @property
    def mlflow_artifacts(self) -> Path:
        """Root folder of MLflow's artifacts."""
        return self.home / "mlflow" / "artifacts"

    @property
    def uploads_folder(self) -> Path:
        """Files that people sent, by company and feed."""
        return self.home / "uploads"

    @property
    def secrets_file(self) -> Path:
        """Secrets of the sources, beside companies.yml; never committed."""
        return self.companies_file.parent / ".dlt" / "secrets.toml"

    def source_setting(self, source: str, company_id: str, name: str) -> SecretStr | None:
        """Looks up what one source of one company needs and companies.yml must not hold.

        ``CLV_<SOURCE>__<COMPANY>__<NAME>`` in the environment goes before
        ``[sources.<source>.<company>] <name>`` in .dlt/secrets.toml.

        Args:
            source: Name of the source, such as "shopify".
            company_id: The company.
            name: Such as "token".

        Returns:
            The value, None when it is in neither place or empty.

        Raises:
            SecretsFileError: The file can't be read as TOML.
        """
        value: object = os.environ.get(source_variable(source, company_id, name))
        if not value and self.secrets_file.is_file():
            try:
                node: object = tomllib.loads(self.secrets_file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                # The parser's message could quote the line, and so the secret.
                raise SecretsFileError(
                    f"{self.secrets_file} can't be read: make it valid TOML in UTF-8."
                ) from None
            for step in ("sources", source, company_id, name):
                node = node.get(step) if isinstance(node, dict) else None
            value = node
        return SecretStr(str(value)) if value else None


def source_variable(source: str, company_id: str, name: str) -> str:
    """Names the environment variable of a source's setting."""
    return f"CLV_{source}__{company_id}__{name}".upper()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Returns the settings of this process, read once."""
    return Settings()

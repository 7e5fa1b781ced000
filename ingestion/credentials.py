"""Where an API is and with which secret it is asked.

Belongs here: looking both up, and saying what to do where they are missing. Does not belong here:
using them (`sources/<name>/client.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from ingestion.errors import SourceError
from warehouse.settings import SecretsFileError, Settings, get_settings, source_variable


@dataclass(frozen=True)
class Credentials:
    """Looks up what a source of a company needs and companies.yml must not hold.

    Attributes:
        source: Name of the source.
        company_id: The company.
        shop: What messages call the shop, such as "example.myshopify.com".
        examples: What its secrets look like, by name, such as {"token": "shpat_…"}.
        advice: How people come by them.
        demo: Those of the made-up shop that `clv` serves, which are nobody's; None for a real one.
        settings: Those of the installation; by default the process's own.
    """

    source: str
    company_id: str
    shop: str
    examples: dict[str, str]
    advice: str
    demo: dict[str, str] | None = None
    settings: Settings | None = None

    def endpoint(self, usual: str) -> str:
        """Returns the address of the API.

        Args:
            usual: As companies.yml has it.

        Raises:
            SourceError: The file of secrets can't be read.
        """
        found = self._look_up("endpoint")
        return usual if found is None else found.get_secret_value()

    def secrets(self) -> dict[str, str]:
        """Returns the secrets by name.

        Raises:
            SourceError: One is missing or can't be one; the message says where to put it.
        """
        found = {name: self._look_up(name) for name in self.examples}
        if self.demo is not None and not any(found.values()):
            return self.demo
        return {name: self._sound(name, value) for name, value in found.items()}

    def _look_up(self, name: str) -> SecretStr | None:
        settings = self.settings or get_settings()
        try:
            return settings.source_setting(self.source, self.company_id, name)
        except SecretsFileError as error:
            raise SourceError(str(error)) from None

    def _sound(self, name: str, value: SecretStr | None) -> str:
        whose = f"The {name} of {self.shop} (company {self.company_id})"
        if value is None:
            settings = self.settings or get_settings()
            lines = "".join(f'\n  {each} = "{shown}"' for each, shown in self.examples.items())
            raise SourceError(
                f"{whose} is missing. Set {source_variable(self.source, self.company_id, name)} "
                f"in the environment, or write into {settings.secrets_file}:\n"
                f"  [sources.{self.source}.{self.company_id}]{lines}\n{self.advice}"
            )
        secret = value.get_secret_value().strip()
        if not (secret.isascii() and secret.isprintable() and " " not in secret):
            raise SourceError(f"{whose} holds characters that no {name} has: copy it anew.")
        return secret

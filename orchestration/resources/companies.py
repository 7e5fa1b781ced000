"""companies.yml as a resource."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from warehouse.companies import Company, ExchangeRates, load_companies, load_file


class CompaniesFile(dg.ConfigurableResource):
    """Reads companies.yml anew each time, so that an edit counts from the next run on.

    Attributes:
        path: The file.
    """

    path: str

    @property
    def folder(self) -> Path:
        """What the relative paths in the file start from."""
        return Path(self.path).parent

    def all(self) -> tuple[Company, ...]:
        """Returns every company.

        Raises:
            CompaniesFileError: The file has a mistake.
        """
        return tuple(load_companies(Path(self.path)).values())

    def sharing_priors(self, company_id: str) -> tuple[str, ...]:
        """Returns the other companies that share their fitted parameters.

        Raises:
            CompaniesFileError: The file has a mistake.
        """
        others = (company for company in self.all() if company.id != company_id)
        return tuple(company.id for company in others if company.share_priors)

    def exchange_rates(self) -> ExchangeRates | None:
        """Returns where exchange rates come from, None where nobody said.

        Raises:
            CompaniesFileError: The file has a mistake.
        """
        return load_file(Path(self.path)).exchange_rates

    def get(self, company_id: str) -> Company:
        """Returns one company.

        Raises:
            CompaniesFileError: The file has a mistake.
            dagster.Failure: The company is no longer in the file; retrying won't help.
        """
        companies = load_companies(Path(self.path))
        if company_id not in companies:
            raise dg.Failure(
                f"Company {company_id} is not in {self.path} (which has: {', '.join(companies)}). "
                "Add it there, or run another partition.",
                allow_retries=False,
            )
        return companies[company_id]

"""What lies ahead of a company and why, from one read of its days, its champion and predictions.

Belongs here: what is read, and what is handed to whom. Does not belong here: what is computed
(`ml/outlook`, `ml/explain`, `ml/segments`, `ml/monitoring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.explain import explained_basis, read_predicted, reason_tables
from warehouse.companies import Company

if TYPE_CHECKING:
    import pandas as pd

    from ml.models.candidate import Candidate
    from orchestration.resources.customer_days import CompanyDays
    from orchestration.resources.published import Published


def insight_tables(
    company: Company,
    days: CompanyDays,
    traits: pd.DataFrame,
    published: Published,
    champion: Candidate,
) -> dict[str, pd.DataFrame]:
    """Computes every table of what lies ahead and why.

    Args:
        company: Whose.
        days: Its customer-days.
        traits: What is known of its customers, see `CustomerDays.traits`.
        published: Where its predictions are read.
        champion: The one in service.

    Returns:
        The rows of each table of the schema ml, by its name.
    """
    import pandas as pd

    from ml.evaluation.calibration import Calibration
    from ml.models.preparation import Preparation
    from ml.outlook.tables import Company as Whose
    from ml.outlook.tables import outlook_tables, realised_accuracy
    from ml.scoring import measure_factors

    as_of = days.as_of
    calibration = getattr(champion, "calibration", None) or Calibration()
    prepared = Preparation(days.daily)
    margin_rate = measure_factors(days.daily, as_of, company.discount_rate).margin_rate
    whose = Whose(company.id, company.base_currency, as_of, company.churn_window_days, margin_rate)
    tables = outlook_tables(
        whose, prepared, published.paths(company.id, as_of), traits, calibration
    )
    closed = published.closed(company.id, as_of)
    tables["realised_accuracy"] = realised_accuracy(
        whose, prepared, closed.predictions, closed.expected_errors, calibration
    )
    basis = explained_basis(prepared, as_of, read_predicted(company.id, as_of), lambda: champion)
    reasons = reason_tables(company, prepared, as_of, basis, tables["customer_outlook"])
    drift = [rows for each in (tables, reasons) if len(rows := each["drift_metrics"])]
    found = tables | reasons
    return found | {"drift_metrics": pd.concat(drift, ignore_index=True)} if drift else found

"""How far the predictions can be trusted: what was held back from the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting.metrics.scope import Row, Scope, ask, ask_if_there

if TYPE_CHECKING:
    from psycopg import Connection

_SCORECARD = """
    select
        model, is_champion, horizon, horizon_days, cutoff, rows as customers, mae, rmse, spearman,
        normalised_gini, decile_mape, total_ratio, auc, composite
    from ml.clv_model_scores
    where
        company_id = %(company)s
        and segment = 'all'
        -- The half year, or what is nearest to it, at its latest cutoff: as in the summary.
        and (horizon, cutoff) = (
            select horizon, cutoff from ml.clv_model_scores
            where company_id = %(company)s and segment = 'all'
            order by abs(horizon_days - 183), horizon_days, cutoff desc, horizon
            limit 1
        )
    order by composite nulls last, model
"""

_DECILES = """
    select model, horizon, cutoff, decile, customers, predicted_value, actual_value, is_champion
    from ml.clv_decile_scores
    where
        company_id = %(company)s
        and horizon = (
            select horizon from ml.clv_decile_scores
            where company_id = %(company)s
            order by abs(horizon_days - 183), horizon_days, horizon
            limit 1
        )
    order by is_champion desc, model, decile
"""

_ELIGIBILITY = """
    select
        coalesce(eligibility, 'not_predicted') as eligibility,
        count(*) as customers,
        count(*)::double precision / sum(count(*)) over () as share_of_customers,
        sum(predicted_value_12m) as predicted_value_12m
    from reporting.customer_360
    where company_id = %(company)s
    group by 1
    order by customers desc, 1
"""

_REALISED = """
    select
        calculation_date, horizon_months, basis, window_end, customers, predicted, actual,
        total_ratio, mae, is_alarm
    from ml.realised_accuracy
    where company_id = %(company)s
    order by calculation_date desc, horizon_months, basis
"""

_DRIFT = """
    select kind, name, psi, psi_bound, is_drifted
    from ml.drift_metrics
    where
        company_id = %(company)s
        and calculation_date = (
            select max(calculation_date) from ml.drift_metrics where company_id = %(company)s
        )
    order by is_drifted desc, psi desc nulls last, kind, name
"""

#: What a customer's prediction rests on, by its code: a name, and what it means.
ELIGIBILITY = {
    "eligible": (
        "Came back",
        "Ordered on two days or more: the customer's own pace and order value count.",
    ),
    "one_time_buyer": (
        "Bought once",
        "Bought on one day: the pace comes from all customers of the company.",
    ),
    "no_paid_order": (
        "Never paid",
        "Has no paid order: there is nothing to learn from, the prediction is zero.",
    ),
    "not_predicted": (
        "Not predicted yet",
        "Came after the last prediction; the next one includes them.",
    ),
}


def scorecard(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how every model predicted what was held back from it, the best one first."""
    return ask(connection, scope, _SCORECARD)


def deciles(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns mean prediction and outcome of each tenth of the prediction, champion first."""
    return ask_if_there(connection, scope, "ml.clv_decile_scores", _DECILES)


def eligibility(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns on what the customers' predictions rest."""
    return ask(connection, scope, _ELIGIBILITY)


def realised(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how earlier predictions came true; none before the first window is over."""
    return ask_if_there(connection, scope, "ml.realised_accuracy", _REALISED)


def drift(connection: Connection[Any], scope: Scope) -> list[Row]:
    """Returns how far today's customers differ from those that the model learned from."""
    return ask_if_there(connection, scope, "ml.drift_metrics", _DRIFT)

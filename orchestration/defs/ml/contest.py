"""Assets of the models: the contest that picks the champion, and its predictions."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.lib.partitions import company_partitions
from orchestration.lib.retraining import reasons_to_train
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.contests import Contests, contest_settings
from orchestration.resources.customer_days import CustomerDays
from orchestration.resources.mlflow import Mlflow

CUSTOMER_DAILY = dg.AssetKey(["marts", "customer_daily"])
DIM_COMPANIES = dg.AssetKey(["marts", "dim_companies"])
DIM_CUSTOMERS = dg.AssetKey(["marts", "dim_customers"])
SCORES = dg.AssetKey(["ml", "clv_model_scores"])
PREDICTIONS = dg.AssetKey(["ml", "clv_predictions"])
PATHS = dg.AssetKey(["ml", "clv_prediction_paths"])


@dg.asset(
    key=SCORES,
    deps=[CUSTOMER_DAILY, DIM_COMPANIES],
    partitions_def=company_partitions,
    group_name="ml",
    kinds={"python", "mlflow", "postgres"},
    owners=OWNERS,
    description=(
        "Every candidate model on customers' spend that was held back from it, the naive baseline "
        "included. The best one is fitted on all data and registered in MLflow as champion. Held "
        "weekly, and when accuracy or drift ask for it; in between the champion scores on."
    ),
)
def clv_model_scores(
    context: dg.AssetExecutionContext,
    companies_file: CompaniesFile,
    customer_days: CustomerDays,
    held_contests: Contests,
    mlflow: Mlflow,
) -> dg.MaterializeResult:
    """Holds the contest of one company, unless the champion stems from these very data."""
    from ml.eligibility import company_eligibility
    from ml.evaluation.calibration import calibrate
    from ml.evaluation.contest import (
        all_score_rows,
        decile_rows,
        fit_challenger,
        fit_champions,
        hold_contests,
        main_contest,
    )
    from ml.models.counts import MIN_REPEAT_CUSTOMERS
    from ml.models.preparation import Preparation
    from ml.models.priors import DEFAULT, pooled
    from ml.monitoring.retraining import BY_HAND, decided
    from ml.registry.fingerprint import run_fingerprint, settings_fingerprint
    from ml.registry.tracking import (
        ContestRecord,
        champions_in_service,
        lent_priors,
        log_contest,
        registered_champion,
    )
    from orchestration.lib.links import dagster_run, mlflow_run
    from warehouse.bulk import replace_frame
    from warehouse.connection import connect

    company = companies_file.get(context.partition_key)
    days = customer_days.read(company.id)
    settings: dict[str, Any] = {"as_of": days.as_of.isoformat()} | contest_settings(company)
    tracking = mlflow.tracking()
    prior = DEFAULT
    if company.share_priors:
        prior = pooled(lent_priors(tracking, companies_file.sharing_priors(company.id)))
        settings["prior"] = prior.params()
    run = run_fingerprint(days.daily, settings)
    reasons = reasons_to_train(company.id, companies_file, held_contests, mlflow)
    asked_by = "; ".join(reasons) or BY_HAND
    context.log.info("Contest, because: %s", asked_by)
    registered = registered_champion(tracking, company.id, run)
    held = held_contests.decided(company.id)
    stands = held is not None and held["run"] == run and _scores_stand(company.id, run)
    if registered is not None and stands:
        context.log.info("Same data, settings and code as in the last contest: its outcome stands")
        return dg.MaterializeResult(
            metadata=table_metadata("ml", "clv_model_scores")
            | _figures(company.id)
            | {
                "registered_model": f"{registered.model_name} version {registered.version}",
                "mlflow_run_id": registered.mlflow_run_id,
                "mlflow": dg.MetadataValue.url(mlflow_run(registered.mlflow_run_id)),
            }
        )
    in_service = champions_in_service(tracking, company.id, run)
    prepared = Preparation(days.daily, prior)
    contests = hold_contests(prepared, days.as_of, company.horizons_months, in_service=in_service)
    contest = main_contest(contests)
    before = in_service.get(contest.horizon_months or 0)
    decision = decided(before, contest.champion)
    champion = fit_champions(contests, prepared, days.as_of)
    champion.calibration = calibrate(contests, prepared, days.as_of)
    registered = log_contest(
        tracking,
        ContestRecord(
            company.id,
            company.base_currency,
            run,
            contest,
            champion,
            settings,
            contests,
            fit_challenger(contest, prepared, days.as_of),
            in_service,
            {
                "clv.asked_by": asked_by,
                "clv.decision": decision,
                "clv.dagster_run": dagster_run(context.run_id),
                "clv.data": (
                    f"marts.customer_daily of {company.id} to {days.as_of}: "
                    f"{len(days.daily):,} customer-days, hash {run}"
                ),
            },
            prepared.own_fit(days.as_of),
        ),
    )
    with connect() as connection:
        # Earlier runs stand in MLflow: beside these rows theirs would look like one contest.
        replace_frame(
            connection,
            "ml.clv_model_scores",
            {"company_id": company.id},
            all_score_rows(contests, company.id, run),
        )
        replace_frame(
            connection,
            "ml.clv_decile_scores",
            {"company_id": company.id},
            decile_rows(contests, company.id),
        )
    held_contests.keep(
        company.id,
        run,
        {
            "as_of": days.as_of,
            "settings": settings_fingerprint(contest_settings(company)),
            "asked_by": asked_by,
            "decision": decision,
            "champion": contest.champion,
            "champion_before": before,
            "reason": contest.reason,
            "model_version": registered.version,
        },
    )
    customers = prepared.customers(days.as_of)
    eligibility = company_eligibility(
        len(customers),
        int((customers["frequency"] > 0).sum()),
        MIN_REPEAT_CUSTOMERS,
        bool(contest.backtests),
    )
    context.log.info("Champion: %s (%s)", contest.champion, contest.reason)
    return dg.MaterializeResult(
        metadata=table_metadata("ml", "clv_model_scores")
        | _figures(company.id)
        | {
            "champion": contest.champion,
            "asked_by": asked_by,
            "decision": decision,
            "champions": dg.MetadataValue.json(
                {f"{months}m": entry.champion for months, entry in contests.items()}
            ),
            "company_eligibility": eligibility.value,
            "reason": contest.reason,
            "fit": dg.MetadataValue.json(dict(champion.describe().diagnostics)),
            "registered_model": f"{registered.model_name} version {registered.version}",
            "mlflow_run_id": registered.mlflow_run_id,
            "mlflow": dg.MetadataValue.url(mlflow_run(registered.mlflow_run_id)),
            "cutoff": contest.cutoff.isoformat(),
        }
    )


def _scores_stand(company_id: str, run: str) -> bool:
    """Says whether the scores of a company are those of a run."""
    from warehouse.connection import connect

    with connect() as connection:
        runs = connection.execute(
            "select distinct run from ml.clv_model_scores where company_id = %s", (company_id,)
        ).fetchall()
    return runs == [(run,)]


def _figures(company_id: str) -> dict[str, float]:
    """Returns how many took part, and how the champion and the baseline did.

    Those of half a year, or what is nearest to it, at its latest cutoff.
    """
    from warehouse.connection import connect

    names = ("mae", "spearman", "normalised_gini", "decile_mape", "total_ratio")
    with connect() as connection:
        rows = connection.execute(
            "select model, is_champion, mae, spearman, normalised_gini, decile_mape, total_ratio"
            " from ml.clv_model_scores"
            " where company_id = %(company)s and segment = 'all' and (horizon, cutoff) = ("
            "     select horizon, cutoff from ml.clv_model_scores"
            "     where company_id = %(company)s and segment = 'all'"
            "     order by abs(horizon_days - 183), horizon_days, cutoff desc limit 1)",
            {"company": company_id},
        ).fetchall()
    return {"candidates": len(rows)} | {
        f"{model}_{name}": round(figure, 4)
        for model, is_champion, *figures in rows
        for name, figure in zip(names, figures, strict=True)
        if figure is not None and (is_champion or model == "naive")
    }


@dg.multi_asset(
    name="predict_customers",
    specs=[
        dg.AssetSpec(
            PREDICTIONS,
            deps=[SCORES, CUSTOMER_DAILY, DIM_COMPANIES, DIM_CUSTOMERS],
            owners=OWNERS,
            kinds={"python", "mlflow", "postgres"},
            description=(
                "What every customer is expected to order and spend within each horizon after "
                "the company's last day of data, by the champion."
            ),
        ),
        dg.AssetSpec(
            PATHS,
            deps=[SCORES, CUSTOMER_DAILY, DIM_COMPANIES],
            owners=OWNERS,
            kinds={"python", "mlflow", "postgres"},
            description=(
                "The course of each prediction, month by month, up to the longest horizon; from "
                "the same pass as the predictions."
            ),
        ),
    ],
    partitions_def=company_partitions,
    group_name="ml",
)
def clv_predictions(
    context: dg.AssetExecutionContext,
    companies_file: CompaniesFile,
    customer_days: CustomerDays,
    mlflow: Mlflow,
) -> Iterator[dg.MaterializeResult]:
    """Scores every customer of one company."""
    from ml.registry.champion import load_champion
    from ml.registry.tracking import version_in_service
    from ml.scoring import (
        Scope,
        measure_factors,
        path_rows,
        predict_paths,
        score_customers,
    )
    from warehouse.bulk import replace_frame
    from warehouse.connection import connect

    company = companies_file.get(context.partition_key)
    days = customer_days.read(company.id)
    if version_in_service(mlflow.tracking(), company.id) is None:
        raise dg.Failure(
            f"No model of {company.id} is in service: run the job train for it.",
            allow_retries=False,
        )
    champion = load_champion(mlflow.tracking(), company.id)
    with connect() as connection:
        customer_ids = [
            name
            for (name,) in connection.execute(
                "select customer_id from marts.dim_customers where company_id = %s", (company.id,)
            )
        ]
    paths = predict_paths(champion.candidate, days.daily, days.as_of, max(company.horizons_months))
    predictions = score_customers(
        champion.candidate,
        days.daily,
        days.as_of,
        company.horizons_months,
        measure_factors(days.daily, days.as_of, company.discount_rate),
        Scope(company.id, company.base_currency, champion.candidate.name, champion.version),
        customer_ids,
        paths,
    )
    with connect() as connection:
        # Predictions after this day stem from orders that are gone from the source again.
        connection.execute(
            "delete from ml.clv_predictions where company_id = %s and calculation_date > %s",
            (company.id, days.as_of),
        )
        replace_frame(
            connection,
            "ml.clv_predictions",
            {"company_id": company.id, "calculation_date": days.as_of},
            predictions,
        )
        # Without statistics the joins of reporting are planned as if the table were empty.
        connection.execute("analyze ml.clv_predictions")
        replace_frame(
            connection,
            "ml.clv_prediction_paths",
            {"company_id": company.id},
            path_rows(paths, days.as_of, company.id),
        )
        connection.execute("analyze ml.clv_prediction_paths")
    yearly = predictions[predictions["horizon_months"] == 12]
    yield dg.MaterializeResult(
        asset_key=PREDICTIONS,
        metadata=table_metadata("ml", "clv_predictions")
        | {
            "customers": len(yearly),
            "predicted_value_12_months": round(float(yearly["predicted_value"].sum()), 2),
            "currency": company.base_currency,
            "calculation_date": days.as_of.isoformat(),
            "model": champion.candidate.name,
            "model_version": champion.version,
            "eligibility": dg.MetadataValue.json(
                {str(k): int(v) for k, v in yearly["eligibility"].value_counts().items()}
            ),
        },
    )
    yield dg.MaterializeResult(
        asset_key=PATHS,
        metadata=table_metadata("ml", "clv_prediction_paths")
        | {"customers": len(paths.customers), "months": paths.value.shape[1]},
    )

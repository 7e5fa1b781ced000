"""Checks that show why a contest is due, and what the last one decided."""

import dagster as dg

from orchestration.lib.partitions import company_partitions
from orchestration.lib.retraining import reasons_to_train
from orchestration.resources.companies import CompaniesFile
from orchestration.resources.contests import Contests
from orchestration.resources.mlflow import Mlflow

SCORES = dg.AssetKey(["ml", "clv_model_scores"])


@dg.asset_check(
    asset=SCORES,
    name="no_contest_is_due",
    additional_deps=[
        dg.AssetKey(["ml", "drift_metrics"]),
        dg.AssetKey(["ml", "realised_accuracy"]),
    ],
    partitions_def=company_partitions,
    description=(
        "The last contest is less than a week of data old, its settings and code are today's, "
        "realised accuracy hasn't fallen by more than 20 % since, and nothing more has drifted. "
        "Otherwise the job train follows by itself."
    ),
)
def no_contest_is_due(
    context: dg.AssetCheckExecutionContext,
    companies_file: CompaniesFile,
    held_contests: Contests,
    mlflow: Mlflow,
) -> dg.AssetCheckResult:
    """Asks for one company."""
    reasons = reasons_to_train(context.partition_key, companies_file, held_contests, mlflow)
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(reasons) or "the champion scores on",
        metadata={"reasons": reasons},
    )


@dg.asset_check(
    asset=SCORES,
    name="the_gate_chose_who_serves",
    partitions_def=company_partitions,
    description=(
        "The registered model in service is the one that the last contest let through: another "
        "model takes over only if it also beats the one in service on the latest cutoff."
    ),
)
def the_gate_chose_who_serves(
    context: dg.AssetCheckExecutionContext, held_contests: Contests, mlflow: Mlflow
) -> dg.AssetCheckResult:
    """Compares one company's alias champion with its last contest."""
    from ml.registry.tracking import version_in_service

    decided = held_contests.decided(context.partition_key)
    served = version_in_service(mlflow.tracking(), context.partition_key)
    passed = decided is not None and decided["model_version"] == served
    said = (
        "no contest was held"
        if decided is None
        else f"{decided['decision']}: {decided['champion']} ({decided['reason']})"
    )
    if decided is not None and not passed:
        said = f"version {served} serves, the contest chose {decided['model_version']}; {said}"
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={**(decided or {}), "version_in_service": served or "none"},
    )

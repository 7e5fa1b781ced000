"""Checks on what lies ahead: two block, three warn people and whoever retrains."""

import dagster as dg

from orchestration.lib.partitions import company_partitions
from orchestration.resources.published import Published


def _result(problems: list[str], fine: str, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not problems,
        severity=severity,
        description="; ".join(problems) or fine,
        metadata={"problems": problems},
    )


@dg.asset_check(
    asset=["ml", "customer_outlook"],
    name="covers_every_customer",
    blocking=True,
    additional_deps=[dg.AssetKey(["marts", "dim_customers"])],
    partitions_def=company_partitions,
    description="Each customer of marts.dim_customers has an outlook, and nobody else.",
)
def outlook_covers_customers(
    context: dg.AssetCheckExecutionContext, published: Published
) -> dg.AssetCheckResult:
    """Compares one company's outlook with its customers."""
    return _result(
        published.missing_outlook(context.partition_key),
        "every customer has one",
        dg.AssetCheckSeverity.ERROR,
    )


@dg.asset_check(
    asset=["ml", "revenue_forecasts"],
    name="add_up",
    blocking=True,
    partitions_def=company_partitions,
    description="Cohorts add up to existing customers, these and new ones to all, to the cent.",
)
def forecasts_add_up(
    context: dg.AssetCheckExecutionContext, published: Published
) -> dg.AssetCheckResult:
    """Adds the forecasts of one company up."""
    return _result(
        published.forecasts_that_dont_add_up(context.partition_key),
        "they add up",
        dg.AssetCheckSeverity.ERROR,
    )


@dg.asset_check(
    asset=["ml", "interval_scores"],
    name="cover_what_they_say",
    partitions_def=company_partitions,
    description=(
        "In every decile of the prediction, spend lay within the intervals as often as they say, "
        "less 2 points and what chance explains (99 %)."
    ),
)
def intervals_cover(
    context: dg.AssetCheckExecutionContext, published: Published
) -> dg.AssetCheckResult:
    """Looks at the coverage of one company's intervals."""
    return _result(
        published.intervals_that_cover_less(context.partition_key),
        "they do",
        dg.AssetCheckSeverity.WARN,
    )


@dg.asset_check(
    asset=["ml", "drift_metrics"],
    name="stay_within_bounds",
    partitions_def=company_partitions,
    description="Nothing that the models see or say has moved past its bound.",
)
def nothing_has_drifted(
    context: dg.AssetCheckExecutionContext, published: Published
) -> dg.AssetCheckResult:
    """Looks at one company's latest drift."""
    return _result(
        published.drifted(context.partition_key), "nothing moved", dg.AssetCheckSeverity.WARN
    )


@dg.asset_check(
    asset=["ml", "realised_accuracy"],
    name="is_as_expected",
    partitions_def=company_partitions,
    description="Of what was predicted, the newest closed window is off by no more than expected.",
)
def accuracy_is_as_expected(
    context: dg.AssetCheckExecutionContext, published: Published
) -> dg.AssetCheckResult:
    """Looks at one company's newest closed windows."""
    return _result(
        published.alarms(context.partition_key), "as expected", dg.AssetCheckSeverity.WARN
    )

"""The jobs, in the order of the flow (orchestration/lib/flow.py), and one that watches."""

import dagster as dg

from orchestration.defs.quality.freshness import checks as freshness_checks
from orchestration.defs.quality.retraining import no_contest_is_due, the_gate_chose_who_serves
from orchestration.lib.flow import LAND, PUBLISH, REPORT, SCORE, TRAIN, TRANSFORM, at_most
from orchestration.lib.liveness import in_process
from orchestration.lib.partitions import company_partitions

RAW_COMPANIES = dg.AssetSelection.assets(["raw_files", "companies"])
RAW = (
    dg.AssetSelection.groups(
        "raw_files", "raw_shopify", "raw_square", "raw_stripe", "raw_woocommerce"
    )
    - RAW_COMPANIES
)
PREDICTED = dg.AssetSelection.groups("ml")
CONTEST = dg.AssetSelection.assets(["ml", "clv_model_scores"])
REPORTED = dg.AssetSelection.groups("reporting")
REPORTS = dg.AssetSelection.groups("report")
GOVERNANCE = dg.AssetSelection.groups("governance")

land = dg.define_asset_job(
    name=LAND,
    selection=RAW,
    partitions_def=company_partitions,
    executor_def=in_process,
    description="Lands the sources of one company and checks what landed.",
)

transform = dg.define_asset_job(
    name=TRANSFORM,
    selection=dg.AssetSelection.all() - RAW - PREDICTED - REPORTED - REPORTS - GOVERNANCE,
    executor_def=in_process,
    description="Models customers, orders, cohorts and features of all companies.",
)

score = dg.define_asset_job(
    name=SCORE,
    # What is said of the champion is said each night, also by a night without a contest.
    selection=(PREDICTED - CONTEST)
    | dg.AssetSelection.checks(no_contest_is_due, the_gate_chose_who_serves),
    partitions_def=company_partitions,
    executor_def=in_process,
    description="Predicts the customers of one company by the model in service.",
)

train = dg.define_asset_job(
    name=TRAIN,
    selection=PREDICTED,
    partitions_def=company_partitions,
    executor_def=in_process,
    description=(
        "Holds the contest of the models of one company, puts the winner in service where the gate "
        "lets it, and predicts its customers. Runs instead of score when a contest is due."
    ),
)

publish = dg.define_asset_job(
    name=PUBLISH,
    selection=REPORTED,
    executor_def=in_process,
    tags=at_most(60),
    description="Joins the predictions to the marts, for people and BI tools.",
)

report = dg.define_asset_job(
    name=REPORT,
    selection=REPORTS,
    partitions_def=company_partitions,
    executor_def=in_process,
    tags=at_most(60),
    description="Writes the report of one company: a page for the shop's owner.",
)

governance = dg.define_asset_job(
    name="governance",
    selection=GOVERNANCE,
    partitions_def=company_partitions,
    executor_def=in_process,
    tags=at_most(60),
    description=(
        "Writes what a quarter's models were, how good, and who read, exported and erased: one "
        "report a company."
    ),
)

# A job of checks alone can't have partitions; its runs say by their tag which company they are of.
watch = dg.define_asset_job(
    name="watch",
    selection=dg.AssetSelection.checks(*freshness_checks),
    executor_def=in_process,
    tags=at_most(30),
    description="Says of one company, source by source, whether it has landed lately.",
)

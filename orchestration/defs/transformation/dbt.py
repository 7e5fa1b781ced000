"""The dbt models as assets, in two halves: what the models of ml/ read, and what reads them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)

from ingestion.locks import at_rest, one_at_a_time
from orchestration.lib.dbt import dbt_project
from orchestration.lib.flow import held
from orchestration.lib.links import table_docs
from orchestration.lib.metadata import moving_figures, table_metadata
from orchestration.resources.companies import CompaniesFile
from warehouse.held import replace_held

TRANSLATOR = DagsterDbtTranslator(
    settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
)


@dbt_assets(
    manifest=dbt_project.manifest_path,
    project=dbt_project,
    selector="transformation",
    name="build_marts",
    dagster_dbt_translator=TRANSLATOR,
)
def build_marts(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, companies_file: CompaniesFile
) -> Iterator[Any]:
    """Builds and tests staging, intermediate and marts of all companies that landed well."""
    companies = [company.id for company in companies_file.all()]
    with at_rest(companies) as resting:
        reasons = held(context.instance, companies) | {
            name: "it is being landed" for name in companies if name not in resting
        }
        for company_id, reason in reasons.items():
            context.log.warning("%s is left at its last good load: %s", company_id, reason)
        replace_held(reasons)
        yield from _build(context, dbt)


@dbt_assets(
    manifest=dbt_project.manifest_path,
    project=dbt_project,
    selector="reporting",
    name="build_reporting",
    dagster_dbt_translator=TRANSLATOR,
)
def build_reporting(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Builds and tests reporting, which joins the predictions to the marts."""
    yield from _build(context, dbt)


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    # A folder for one build: dagster-dbt's own would pile up beside the models, one a run.
    with (
        one_at_a_time("models"),
        # dbt may still write while an error ends the build: what is left then is no error.
        TemporaryDirectory(prefix="clv-dbt-", ignore_cleanup_errors=True) as target,
    ):
        for event in dbt.cli(["build"], context=context, target_path=Path(target)).stream():
            if isinstance(event, dg.Output):
                key = context.asset_key_for_output(event.output_name)
                yield event.with_metadata(
                    {
                        **event.metadata,
                        **table_metadata(*key.path),
                        **moving_figures(*key.path),
                        "documentation": dg.MetadataValue.url(
                            table_docs(str(event.metadata["unique_id"].value))
                        ),
                    }
                )
            else:
                yield event

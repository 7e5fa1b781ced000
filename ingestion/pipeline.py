"""The one way in which a source is loaded: a dlt pipeline per source and company.

Belongs here: names, destination, crash safety. Does not belong here: what a source yields.
"""

from __future__ import annotations

import logging
import tempfile
from typing import Any

import dlt

from ingestion.errors import SourceError
from warehouse.connection import url


def load(source: Any, source_name: str, company_id: str) -> str:
    """Loads a dlt source into schema raw_<source_name> as one step that happens wholly or not.

    The working folder lives for one load only and the state is restored from the warehouse, so a
    process killed in the middle leaves nothing that a later one could trip over: what it had
    extracted is extracted again.

    Args:
        source: A dlt source that yields Arrow tables.
        source_name: Name of the source; also the pipeline's, with the company's.
        company_id: Company whose rows they are.

    Returns:
        dlt's load id, "" when the source had nothing.

    Raises:
        SourceError: What the source itself raised, unwrapped.
        dlt.pipeline.exceptions.PipelineStepFailed: Any other failure; the warehouse is as before.
    """
    dlt.config["runtime.dlthub_telemetry"] = False
    # It warns of every hint that Arrow's schema can't carry, at each load.
    logging.getLogger("dlt").setLevel(logging.ERROR)
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    # One process writes its few pages one after another; a pool costs more than it gives.
    dlt.config["normalize.workers"] = 1
    dlt.config["load.raise_on_failed_jobs"] = True
    # The default empties the table before it fills it: readers would see nothing in between.
    dlt.config["destination.replace_strategy"] = "insert-from-staging"
    with tempfile.TemporaryDirectory(prefix="clv-dlt-") as folder:
        pipeline = dlt.pipeline(
            pipeline_name=f"{source_name}_{company_id}",
            pipelines_dir=folder,
            # Companies that load at once must not share a staging dataset: they would empty each
            # other's half-loaded tables.
            destination=dlt.destinations.postgres(
                credentials=url(), staging_dataset_name_layout=f"%s_staging_{company_id}"
            ),
            dataset_name=f"raw_{source_name}",
        )
        try:
            info = pipeline.run(source, loader_file_format="parquet")
        except Exception as error:
            raise _own_error(error) or error from None
        return info.loads_ids[0] if info is not None and info.loads_ids else ""


def _own_error(error: BaseException | None) -> SourceError | None:
    """Finds our own error under those that dlt wraps around it."""
    while error is not None:
        if isinstance(error, SourceError):
            return error
        error = error.__cause__ or error.__context__
    return None

"""What asset checks share: a suite's outcome as theirs, and what earlier loads recorded."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from warehouse.quality.validation import Validation


def check_result(validation: Validation) -> dg.AssetCheckResult:
    """Reports a validation: passed, or the expectations that aren't met."""
    return dg.AssetCheckResult(
        passed=validation.success,
        description=(
            f"{validation.expectations} expectations are met"
            if validation.success
            else "; ".join(validation.failures)
        ),
        metadata={
            "expectations": validation.expectations,
            "failed": len(validation.failures),
            "failures": list(validation.failures),
        },
    )


def last_metadata(
    instance: dg.DagsterInstance, key: dg.AssetKey, partition: str, loads: int
) -> list[Mapping[str, dg.MetadataValue]]:
    """Returns the metadata of a partition's last materialisations, the newest first."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition]), limit=loads
    ).records
    return [
        record.asset_materialization.metadata
        for record in records
        if record.asset_materialization is not None
    ]

"""Assets of the segments that people define in segments.yml."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.owners import OWNERS
from orchestration.resources.segments import SegmentsFile

CUSTOMER_360 = dg.AssetKey(["reporting", "customer_360"])
MEMBERS = dg.AssetKey(["reporting", "custom_segments"])
SUMMARY = dg.AssetKey(["reporting", "custom_segment_summary"])


@dg.multi_asset(
    name="publish_segments",
    group_name="reporting",
    specs=[
        dg.AssetSpec(
            MEMBERS,
            deps=[CUSTOMER_360],
            kinds={"python", "postgres"},
            owners=OWNERS,
            description="Which customers are in which segment of segments.yml.",
        ),
        dg.AssetSpec(
            SUMMARY,
            deps=[CUSTOMER_360],
            kinds={"python", "postgres"},
            owners=OWNERS,
            description="Customers and value of each segment of segments.yml in each company.",
        ),
    ],
)
def publish_segments(
    context: dg.AssetExecutionContext, segments_file: SegmentsFile
) -> Iterator[dg.MaterializeResult]:
    """Asks of every customer which segments it is in."""
    from reporting.segments.publication import publish_segments as publish
    from warehouse.connection import connect

    with connect() as connection:
        segments = segments_file.read(connection)
        published = publish(connection, segments)
    for name, members in published.members.items():
        context.log.info("%s: %d customers", name, members)
    changes = {"joined": published.joined, "left": published.left}
    yield dg.MaterializeResult(
        asset_key=MEMBERS,
        metadata=table_metadata("reporting", "custom_segments")
        | changes
        | {"customers": dg.MetadataValue.json(published.members)},
    )
    yield dg.MaterializeResult(
        asset_key=SUMMARY, metadata=table_metadata("reporting", "custom_segment_summary")
    )

"""Whether readers are kept to their companies, whoever made what they read."""

import dagster as dg


@dg.asset_check(
    asset=["reporting", "customer_360"],
    name="readers_are_kept_to_their_companies",
    description=(
        "Every table and view that readers can reach has the policy that shows them the rows of "
        "their companies alone."
    ),
)
def readers_are_kept_to_their_companies() -> dg.AssetCheckResult:
    """Looks through the catalogue of the warehouse."""
    from warehouse.connection import connect
    from warehouse.exposure import exposures

    with connect() as connection:
        found = exposures(connection)
    records = [
        dg.TableRecord({"name": each.name, "problem": each.problem, "remedy": each.remedy})
        for each in found
    ]
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(f"{each.name}: {each.problem}" for each in found)
        or "nothing is open to readers of other companies",
        metadata={"exposures": dg.MetadataValue.table(records)} if records else {},
    )

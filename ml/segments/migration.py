"""Where the customers of a segment go."""

from __future__ import annotations

import pandas as pd

#: Fewer customers of a segment say nothing of where the next one goes.
MIN_CUSTOMERS = 20
_DECIMALS = 9


def migrations(customers: pd.DataFrame) -> pd.DataFrame:
    """Counts who went from which segment to which.

    Args:
        customers: `segment_from`, `segment_to`, `from_date`, one row a customer.

    Returns:
        `segment_from`, `segment_to`, `from_date`, `customers`, `probability` (of those of
        `segment_from`), `is_most_likely` (at most once a `segment_from`; of equal ones the first
        by name); by name.
    """
    counted = (
        customers.groupby(["segment_from", "segment_to", "from_date"], sort=True)
        .size()
        .rename("customers")
        .reset_index()
    )
    total = counted.groupby("segment_from")["customers"].transform("sum")
    ordered = counted.sort_values(["customers", "segment_to"], ascending=[False, True])
    best = ordered.drop_duplicates("segment_from")
    return counted.assign(
        probability=(counted["customers"] / total).round(_DECIMALS),
        is_most_likely=counted.index.isin(best.index) & (total >= MIN_CUSTOMERS).to_numpy(),
    )

"""What is expected of the tables that say why predictions are as they are, and who is alike.

For one company, whose rows are of one calculation only. What adds up over rows is SQL
(`unsound_insights`): Great Expectations looks at one row or one column at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    from psycopg import Connection

SHAPED = (
    "feature_importances",
    "feature_contributions",
    "feature_interactions",
    "customer_reasons",
    "customer_clusters",
    "cluster_profiles",
    "segment_migrations",
)

STAGES = ["all", "New", "Growing", "Established", "Loyal"]

_KEYS = {
    "feature_importances": ["scope", "feature"],
    "feature_contributions": ["feature", "place"],
    "feature_interactions": ["feature_a", "feature_b"],
    "customer_reasons": ["customer_id", "rank"],
    "customer_clusters": ["customer_id"],
    "cluster_profiles": ["cluster"],
    "segment_migrations": ["segment_from", "segment_to"],
}

# Each query returns a line for people where something is wrong.
_ADD_UP: dict[str, LiteralString] = {
    "feature_importances": """
        select
            format('%%s: shares add up to %%s, ranks run to %%s over %%s features',
                scope, round(sum(share)::numeric, 6), max(rank), count(*))
        from ml.feature_importances
        where company_id = %(company)s
        group by scope
        having
            abs(sum(share) - 1) > 0.0001
            or max(rank) <> count(*)
            or count(distinct rank) <> count(*)
        order by scope
    """,
    "customer_reasons": """
        select format('%%s customers have reasons ranked with a gap', count(*))
        from (
            select from ml.customer_reasons
            where company_id = %(company)s
            group by customer_id
            having max(rank) <> count(*)
        ) as gaps
        having count(*) > 0
    """,
    "customer_clusters": """
        with members as (
            select cluster, count(*) as customers
            from ml.customer_clusters
            where company_id = %(company)s
            group by cluster
        ),

        profiles as (
            select cluster, customers from ml.cluster_profiles where company_id = %(company)s
        )

        select
            format('cluster %%s: %%s members, %%s by its profile',
                cluster, coalesce(members.customers, 0), coalesce(profiles.customers, 0))
        from members
        full join profiles using (cluster)
        where members.customers is distinct from profiles.customers
        order by cluster
    """,
    "segment_migrations": """
        select format('%%s: probabilities add up to %%s',
            segment_from, round(sum(probability)::numeric, 6))
        from ml.segment_migrations
        where company_id = %(company)s
        group by segment_from
        having abs(sum(probability) - 1) > 0.0001 or count(*) filter (where is_most_likely) > 1
        order by segment_from
    """,
}


def unsound_insights(connection: Connection[Any], company_id: str, table: str) -> list[str]:
    """Returns what doesn't add up in a company's rows of a table, a line each."""
    query = _ADD_UP.get(table)
    if query is None:
        return []
    return [line for (line,) in connection.execute(query, {"company": company_id})]


def expectations(table: str) -> list[Any]:
    """Builds the suite of one of `SHAPED`; a table without rows meets it."""
    import great_expectations.expectations as gxe

    def between(low: float | None, high: float | None, *columns: str) -> list[Any]:
        return [
            gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)
            for column in columns
        ]

    one_night = gxe.ExpectColumnUniqueValueCountToBeBetween(
        column="calculation_date", min_value=0, max_value=1
    )
    key = _KEYS[table]
    keyed = (
        gxe.ExpectCompoundColumnsToBeUnique(column_list=key)
        if len(key) > 1
        else gxe.ExpectColumnValuesToBeUnique(column=key[0])
    )
    return [
        one_night,
        keyed,
        *{
            "feature_importances": lambda: [
                gxe.ExpectColumnValuesToBeInSet(column="scope", value_set=STAGES),
                *between(0, None, "importance"),
                *between(0, 1, "share"),
                *between(1, None, "rank", "customers"),
                *between(None, 1, "fidelity"),
            ],
            "feature_contributions": lambda: between(-1e15, 1e15, "contribution"),
            "feature_interactions": lambda: [
                *between(0, None, "strength"),
                *between(1, 10, "rank"),
                gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                    column_A="feature_b", column_B="feature_a"
                ),
            ],
            "customer_reasons": lambda: [
                *between(1, 3, "rank"),
                gxe.ExpectColumnValuesToMatchRegex(
                    column="reason", regex=r": (raises|lowers) the expected value\.$"
                ),
                gxe.ExpectColumnValuesToNotMatchRegex(column="reason", regex=r"\mnan\M"),
            ],
            "customer_clusters": lambda: [
                *between(1, None, "cluster"),
                gxe.ExpectColumnValueLengthsToBeBetween(column="label", min_value=1),
            ],
            "cluster_profiles": lambda: [
                *between(1, None, "customers"),
                *between(0, None, "average_value_12m", "average_order_value"),
                *between(1, None, "average_orders"),
                *between(0, 1, "share_of_customers", "churn_probability"),
                gxe.ExpectColumnValuesToBeInSet(
                    column="clv_tier", value_set=["High", "Medium", "Low"]
                ),
            ],
            "segment_migrations": lambda: [
                *between(0, 1, "probability"),
                *between(1, None, "customers"),
            ],
        }[table](),
    ]

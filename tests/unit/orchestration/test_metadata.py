"""Previews of tables."""

import pytest

from orchestration.lib.metadata import amounts_metadata, is_masked, preview


def test_a_preview_hides_who_somebody_is_and_stays_a_table() -> None:
    text = preview(
        ["company_id", "customer_id", "email", "note"],
        [("acme", "17", None, "a|b\n<script>"), ("acme", "18", "a@b.c", "x" * 60)],
        {"customer_id", "email"},
    )
    assert text.splitlines() == [
        "| company_id | customer_id | email | note |",
        "| --- | --- | --- | --- |",
        "| acme | ••• |  | a\\|b &lt;script> |",
        f"| acme | ••• | ••• | {'x' * 39}… |",
    ]


@pytest.mark.parametrize(
    ("schema", "column", "kind", "masked"),
    [
        ("marts", "customer_id", "text", True),
        ("ml", "customer_id", "text", True),
        ("marts", "email_hash", "text", True),
        ("raw_stripe", "billing_details", "jsonb", True),
        ("raw_stripe", "name", "text", True),
        ("raw_woocommerce", "username", "text", True),
        ("raw_shopify", "zip", "text", True),
        ("quarantine", "raw_row", "json", True),
        ("intermediate", "survivor_id", "text", True),
        ("ml", "name", "text", False),
        ("marts", "customers", "integer", False),
        ("marts", "customer_order_number", "integer", False),
        ("raw_files", "amount", "numeric", False),
        ("marts", "country", "text", False),
    ],
)
def test_what_may_say_who_somebody_is_is_masked(
    schema: str, column: str, kind: str, masked: bool
) -> None:
    assert is_masked(schema, column, kind) is masked


def test_sums_of_money_are_numbers_that_can_be_drawn() -> None:
    assert amounts_metadata({"orders USD": "12.50", "orders EUR": 3}) == {
        "amount orders EUR": 3.0,
        "amount orders USD": 12.5,
    }

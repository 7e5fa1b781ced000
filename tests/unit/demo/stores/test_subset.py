"""The check finds whatever differs; the official schema itself is not needed here."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLObjectType, build_schema, is_introspection_type, print_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.stores.shopify.subset import SCHEMA_FILE, disagreements, extract, main

COMMITTED = SCHEMA_FILE.read_text(encoding="utf-8")
OFFICIAL = build_schema(COMMITTED)


@pytest.mark.parametrize(
    ("ours", "changed", "line"),
    [
        ("  totalPriceSet: MoneyBag!", "  totalPriceSet: MoneyBag", "Order.totalPriceSet"),
        ("  kind: OrderTransactionKind!", "  kind: String!", "OrderTransaction.kind"),
        ("  refunds(first: Int): ", "  refunds(first: Int!): ", "Order.refunds(first)"),
        ("  refunds(first: Int): ", "  refunds: ", "Order.refunds arguments"),
        ("sortKey: OrderSortKeys = PROCESSED_AT", "sortKey: OrderSortKeys = ID", "default"),
        ("  EMV_AUTHORIZATION\n", "", "OrderTransactionKind: EMV_AUTHORIZATION is left out"),
        ("  unitCost: MoneyV2\n", "", "InventoryItem: unitCost is left out"),
        ("  unitCost: MoneyV2\n", "  cost: MoneyV2\n", "InventoryItem: cost is not in"),
        (
            "type Refund implements LegacyInteroperability & Node",
            "type Refund implements Node",
            "Ref",
        ),
        (
            "union PricingValue = MoneyV2 | PricingPercentageValue",
            "union PricingValue = MoneyV2",
            "P",
        ),
        ("scalar Decimal", "enum Decimal {\n  ONE\n}", "Decimal: is enum, officially scalar"),
        ('(reason: "Use `priceSet` instead.")', "", "deprecated otherwise"),
        (
            "directive @idempotent(key: String!)",
            "directive @idempotent(key: String)",
            "@idempotent",
        ),
    ],
)
def test_one_difference_is_found(ours: str, changed: str, line: str) -> None:
    assert ours in COMMITTED
    found = disagreements(build_schema(COMMITTED.replace(ours, changed)), OFFICIAL)
    assert found
    assert any(line in each for each in found), found


def test_a_type_that_shopify_does_not_have_is_found() -> None:
    invented = build_schema(
        COMMITTED.replace("  shop: Shop!\n", "  shop: Shop!\n  x: Made\n", 1)
        + "type Made {\n  id: ID\n}\n"
    )
    assert "Made: not in the official schema" in disagreements(invented, OFFICIAL)


def test_it_agrees_with_itself_and_with_more() -> None:
    assert disagreements(build_schema(COMMITTED), OFFICIAL) == []
    more = COMMITTED.replace("  shop: Shop!\n", "  shop: Shop!\n  extra: Extra\n", 1)
    richer = build_schema(more + "type Extra {\n  id: ID\n}\n")
    assert disagreements(build_schema(COMMITTED), richer) == []


_FIELDS = [
    (name, field)
    for name, each in OFFICIAL.type_map.items()
    if isinstance(each, GraphQLObjectType) and not is_introspection_type(each)
    for field in each.fields
]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(_FIELDS))
def test_any_field_that_is_missing_is_found(place: tuple[str, str]) -> None:
    changed = build_schema(COMMITTED)
    name, field = place
    del changed.type_map[name].fields[field]  # type: ignore[union-attr]
    found = disagreements(changed, OFFICIAL)
    assert any(each == f"{name}: {field} is left out" for each in found)


def test_the_extract_is_what_is_committed() -> None:
    assert extract(build_schema(COMMITTED)) == COMMITTED
    assert print_schema(build_schema(COMMITTED)) + "\n" == COMMITTED


def test_a_wanted_name_that_is_gone_is_said() -> None:
    with pytest.raises(ValueError, match="TransactionFee"):
        extract(build_schema(COMMITTED.replace("TransactionFee", "GatewayFee")))


def test_the_tool_checks_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    official, subset = tmp_path / "official.graphql", tmp_path / "subset.graphql"
    official.write_text(COMMITTED)
    arguments = ["--official", str(official), "--subset", str(subset)]
    assert main([*arguments, "--write"]) == 0
    assert main([*arguments, "--check"]) == 0
    subset.write_text(COMMITTED.replace("  test: Boolean!", "  test: Boolean"))
    assert main([*arguments, "--check"]) == 1
    assert "Order.test: Boolean, officially Boolean!" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--official", str(tmp_path / "none"), "--check"])

"""Every query is valid, and affordable in the strictest reading of the cost rules."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
    validate,
)

from ingestion.sources.shopify import queries, reconciliation
from ingestion.sources.shopify.queries import LISTINGS
from warehouse.settings import PROJECT_ROOT

SCHEMA = PROJECT_ROOT / "demo" / "stores" / "shopify" / "schema.graphql"

DOCUMENTS: dict[str, str] = {
    name: value
    for module in (queries, reconciliation)
    for name, value in vars(module).items()
    if isinstance(value, str) and value.lstrip().startswith(("query ", "mutation "))
} | {
    f"{listing.name}.{part}": getattr(listing, part)
    for listing in LISTINGS
    for part in ("page", "newest", "counted", "ids", "again")
}

BULK = {
    listing.name: queries.bulk_query(listing, f"{listing.created}:>='2026-01-01T00:00:00Z'")
    for listing in (queries.ORDERS, queries.CUSTOMERS, queries.PRODUCTS)
}

# What the variables of the dearest call are; a page begins at its listing's size.
FIRST = {
    **{f"{listing.name}.page": listing.first for listing in LISTINGS},
    **{f"{listing.name}.ids": queries.MAX_INPUT for listing in LISTINGS},
    "DISPUTES": queries.DISPUTES_FIRST,
    "PRODUCT_DELETIONS": queries.PRODUCT_DELETIONS_FIRST,
}
IDS = {
    "REFUNDS": queries.REFUNDS_AT_ONCE,
    **{f"{listing.name}.again": listing.first for listing in LISTINGS},
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True)


def test_all_queries_are_found() -> None:
    assert len(DOCUMENTS) > 25


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_query_is_valid(schema: GraphQLSchema, name: str) -> None:
    assert [error.message for error in validate(schema, parse(DOCUMENTS[name]))] == []


@pytest.mark.parametrize("name", BULK)
def test_a_bulk_query_is_valid_and_within_the_limits(schema: GraphQLSchema, name: str) -> None:
    document = parse(BULK[name])
    assert [error.message for error in validate(schema, document)] == []
    depths = list(connection_depths(schema, document))
    assert 1 <= len(depths) <= 5
    assert max(depths) <= 2
    assert "refundLineItems" not in BULK[name]


def test_one_wrong_field_fails(schema: GraphQLSchema) -> None:
    wrong = queries.ORDERS.page.replace("totalTipReceivedSet", "totalTipsReceivedSet")
    (error,) = validate(schema, parse(wrong))
    assert "Cannot query field 'totalTipsReceivedSet' on type 'Order'" in error.message


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_query_is_affordable(schema: GraphQLSchema, name: str) -> None:
    sizes = {"first": FIRST.get(name, queries.NEXT_FIRST), "ids": IDS.get(name, 1)}
    assert cost(schema, parse(DOCUMENTS[name]), sizes) <= queries.MAX_COST


def cost(schema: GraphQLSchema, document: DocumentNode, sizes: dict[str, int]) -> int:
    """An object costs 1, a connection 2 and its size times its content, a union its dearest."""

    def size(node: FieldNode, *names: str) -> int:
        for argument in node.arguments:
            if argument.name.value in names:
                value: Any = argument.value
                return int(value.value) if hasattr(value, "value") else sizes[argument.name.value]
        return 1

    def of(selections: SelectionSetNode, owner: Any) -> int:
        total, dearest = 0, 0
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                assert node.type_condition is not None
                inner = of(node.selection_set, schema.type_map[node.type_condition.name.value])
                if is_abstract_type(owner):
                    dearest = max(dearest, inner)
                else:
                    total += inner
                continue
            assert isinstance(node, FieldNode)
            name = node.name.value
            if name.startswith("__"):
                continue
            field = owner.fields[name]
            type_ = get_named_type(field.type)
            if is_leaf_type(type_) or node.selection_set is None:
                continue
            if type_.name.endswith("Connection"):
                total += 2 + size(node, "first") * of(node.selection_set, type_)
            elif name == "pageInfo":
                continue
            else:
                total += size(node, "ids") * (1 + of(node.selection_set, type_))
        return total + dearest

    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    root = schema.get_root_type(operation.operation)
    assert isinstance(root, GraphQLObjectType)
    return of(operation.selection_set, root)


def connection_depths(schema: GraphQLSchema, document: DocumentNode) -> list[int]:
    """How deep each connection stands among connections; a list on the way is not allowed."""
    found: list[int] = []

    def walk(selections: SelectionSetNode, owner: Any, depth: int, in_list: bool) -> None:
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                assert node.type_condition is not None
                inner = schema.type_map[node.type_condition.name.value]
                walk(node.selection_set, inner, depth, in_list)
                continue
            assert isinstance(node, FieldNode)
            if node.selection_set is None or node.name.value.startswith("__"):
                continue
            field = owner.fields[node.name.value]
            type_ = get_named_type(field.type)
            connects = type_.name.endswith("Connection")
            if connects:
                assert not in_list, node.name.value
                found.append(depth + 1)
            lists = "[" in str(field.type) and node.name.value != "edges"
            walk(node.selection_set, type_, depth + connects, in_list or lists)

    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert schema.query_type is not None
    walk(operation.selection_set, schema.query_type, 0, False)
    return found

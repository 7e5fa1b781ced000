"""Refusals in the shape that Shopify gives them."""

from __future__ import annotations

import re
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    Visitor,
    visit,
)

ACCESS_DOCUMENTATION = "https://shopify.dev/api/usage/access-scopes"
LIMIT_DOCUMENTATION = "https://shopify.dev/api/usage/rate-limits"

Json = dict[str, Any]

# graphql-core's words, Shopify's words, Shopify's code, names of what was found.
_RULES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        r"Cannot query field '(\w+)' on type '(\w+)'",
        "Field '{0}' doesn't exist on type '{1}'",
        "undefinedField",
        ("fieldName", "typeName"),
    ),
    (
        r"Unknown argument '(\w+)' on field '(\w+)\.(\w+)'",
        "Field '{2}' doesn't accept argument '{0}'",
        "argumentNotAccepted",
        ("argumentName", "typeName", "name"),
    ),
    (
        r"Field '(\w+)' argument '(\w+)' of type '[^']+' is required",
        "Field '{0}' is missing required arguments: {1}",
        "missingRequiredArguments",
        ("name", "arguments"),
    ),
    (
        r"Field '(\w+)' of type '([^']+)' must have a selection",
        "Field must have selections (field '{0}' returns {1} but has no selections. "
        "Did you mean '{0} {{ ... }}'?)",
        "selectionMismatch",
        ("nodeName", "typeName"),
    ),
    (
        r"Field '(\w+)' must not have a selection since type '([^']+)' has no subfields",
        "Selections can't be made on scalars (field '{0}' returns {1} but has selections)",
        "selectionMismatch",
        ("nodeName", "typeName"),
    ),
    (
        r"Variable '\$(\w+)' is not defined",
        "Variable ${0} is used but not declared",
        "variableNotDefined",
        ("variableName",),
    ),
    (
        r"Variable '\$(\w+)' is never used",
        "Variable ${0} is declared but isn't used",
        "variableNotUsed",
        ("variableName",),
    ),
    (
        r"Variable '\$(\w+)' of type '([^']+)' used in position expecting type '([^']+)'",
        "Type mismatch on variable ${0} and argument ({1} / {2})",
        "variableMismatch",
        ("variableName", "typeName", "argumentType"),
    ),
    (
        r"Value '?([^']+)'? does not exist in '(\w+)' enum",
        "Argument has an invalid value ({0}). Expected type '{1}'.",
        "argumentLiteralsIncompatible",
        ("value", "typeName"),
    ),
    (
        r"Unknown type '(\w+)'",
        "{0} isn't a defined input type",
        "variableRequiresValidType",
        ("typeName",),
    ),
    (
        r"Unknown fragment '(\w+)'",
        "Fragment {0} was used, but not defined",
        "useAndDefineFragment",
        ("fragmentName",),
    ),
    (
        r"Fragment '(\w+)' is never used",
        "Fragment {0} was defined, but not used",
        "useAndDefineFragment",
        ("fragmentName",),
    ),
)


def validation_error(error: GraphQLError, document: Node | None) -> Json:
    """Puts an error of parsing or validation into Shopify's words and shape."""
    locations = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    for pattern, message, code, names in _RULES:
        if match := re.search(pattern, error.message):
            found = match.groups()
            return {
                "message": message.format(*found),
                "locations": locations,
                "path": _path(document, error),
                "extensions": {"code": code, **dict(zip(names, found, strict=True))},
            }
    return {"message": error.message, "locations": locations}


def execution_error(error: GraphQLError) -> Json:
    """Puts an error of one field into Shopify's shape."""
    shaped: Json = {"message": error.message}
    if error.locations:
        shaped["locations"] = [
            {"line": each.line, "column": each.column} for each in error.locations
        ]
    if error.extensions:
        shaped["extensions"] = error.extensions
    if error.path:
        shaped["path"] = error.path
    return shaped


def access_denied(name: str, scope: str) -> GraphQLError:
    """A field that the token may not read."""
    return GraphQLError(
        f"Access denied for {name} field. Required access: `{scope}` access scope.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": ACCESS_DOCUMENTATION,
            "requiredAccess": f"`{scope}` access scope.",
        },
    )


def throttled() -> Json:
    """An empty bucket; the answer around it is a 200."""
    return {
        "message": "Throttled",
        "extensions": {"code": "THROTTLED", "documentation": LIMIT_DOCUMENTATION},
    }


def max_cost_exceeded(cost: int, limit: int) -> Json:
    """A query that no bucket is large enough for."""
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit "
        f"({limit}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": cost,
            "maxCost": limit,
            "documentation": LIMIT_DOCUMENTATION,
        },
    }


def internal(request_id: str) -> Json:
    """An accident inside Shopify, which is a 200 too."""
    return {
        "message": "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests).",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id},
    }


def _path(document: Node | None, error: GraphQLError) -> list[str]:
    """Returns the way from the operation to the node that is wrong."""
    if document is None or not error.nodes:
        return []
    wanted, found = error.nodes[0], list[str]()

    class Finder(Visitor):
        def enter(self, node: Node, _key: Any, _parent: Any, _path: Any, ancestors: Any) -> None:
            if node is wanted and not found:
                found.extend(filter(None, map(_step, [*ancestors, node])))

    visit(document, Finder())
    return found


def _step(node: Any) -> str | None:
    if isinstance(node, OperationDefinitionNode):
        name = f" {node.name.value}" if node.name else ""
        return f"{node.operation.value}{name}"
    if isinstance(node, FragmentDefinitionNode):
        return f"fragment {node.name.value}"
    if isinstance(node, InlineFragmentNode):
        return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
    if isinstance(node, FieldNode):
        return node.alias.value if node.alias else node.name.value
    return None

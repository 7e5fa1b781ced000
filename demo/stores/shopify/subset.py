"""The committed part of the Admin schema, and its agreement with the official one.

``python -m demo.stores.shopify.subset --official PATH --check`` lists every disagreement between
`schema.graphql` and the official file (plain or gzipped); ``--write`` makes `schema.graphql` anew
from what `wanted` names. The official file is never needed to build, run or test.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from graphql import (
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_introspection_type,
    is_leaf_type,
    is_specified_directive,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    print_schema,
    validate_schema,
)

from demo.stores.shopify.wanted import MUTATION_FIELDS, QUERY_FIELDS, TYPES

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")

Fielded = GraphQLObjectType | GraphQLInterfaceType


def read_sdl(path: Path) -> str:
    """Returns the text of an SDL file, gzipped or not."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.read()
    return path.read_text(encoding="utf-8")


def extract(official: GraphQLSchema) -> str:
    """Makes the SDL of what `wanted` names, sorted by name.

    Args:
        official: The whole schema; it is cut down in place.

    Raises:
        ValueError: A name of `wanted` is not in the official schema, or nothing of it is left.
    """
    missing = sorted(
        {name for name in TYPES if name not in official.type_map}
        | {
            f"{root}.{name}"
            for root, names in _roots(official)
            for name in names
            if name not in cast(GraphQLObjectType, official.type_map[root]).fields
        }
    )
    if missing:
        raise ValueError(f"not in the official schema: {', '.join(missing)}")
    for name in TYPES:
        kept = official.type_map[name]
        if isinstance(kept, Fielded):
            kept.fields = {
                field: definition
                for field, definition in kept.fields.items()
                if _is_wanted(official, name, field, TYPES)
            }
            kept.interfaces = tuple(each for each in kept.interfaces if each.name in TYPES)
        elif isinstance(kept, GraphQLUnionType):
            kept.types = tuple(each for each in kept.types if each.name in TYPES)
    parts = GraphQLSchema(
        query=official.query_type,
        mutation=official.mutation_type,
        types=[official.type_map[name] for name in TYPES],
        directives=official.directives,
    )
    if errors := validate_schema(parts):
        raise ValueError("; ".join(error.message for error in errors))
    return print_schema(lexicographic_sort_schema(parts)) + "\n"


def disagreements(subset: GraphQLSchema, official: GraphQLSchema) -> list[str]:
    """Lists where the subset is not what the official schema says.

    Compared are kinds, fields, arguments, input fields, their types with nullability, defaults,
    deprecations, enum values, interfaces, union members and directives. A field of a carried type
    may be left out only if the type it returns is not carried.

    Returns:
        One line for each, in the order of the names; empty when they agree.
    """
    carried = {name for name in subset.type_map if not name.startswith("__")}
    found = [
        line for name in sorted(carried) for line in _compare_types(subset, official, name, carried)
    ]
    theirs = {each.name: each for each in official.directives}
    for directive in subset.directives:
        if is_specified_directive(directive):
            continue
        if directive.name not in theirs:
            found.append(f"@{directive.name}: not in the official schema")
        else:
            found += _compare_directives(directive, theirs[directive.name])
    if _root_names(subset) != _root_names(official):
        found.append(f"schema: roots {_root_names(subset)}, officially {_root_names(official)}")
    return found


def _root_names(schema: GraphQLSchema) -> dict[str, str]:
    roots = {"query": schema.query_type, "mutation": schema.mutation_type}
    return {kind: root.name for kind, root in roots.items() if root}


def _roots(schema: GraphQLSchema) -> Iterable[tuple[str, frozenset[str]]]:
    names = _root_names(schema)
    return [(names["query"], QUERY_FIELDS), (names["mutation"], MUTATION_FIELDS)]


def _is_wanted(official: GraphQLSchema, type_name: str, field: str, carried: Iterable[str]) -> bool:
    for root, names in _roots(official):
        if type_name == root:
            return field in names
    owner = cast(Fielded, official.type_map[type_name])
    returned = get_named_type(owner.fields[field].type)
    return is_leaf_type(returned) or returned.name in carried


def _compare_types(
    subset: GraphQLSchema, official: GraphQLSchema, name: str, carried: set[str]
) -> list[str]:
    ours = subset.type_map[name]
    theirs = official.type_map.get(name)
    if theirs is None:
        return [f"{name}: not in the official schema"]
    if type(ours) is not type(theirs):
        return [f"{name}: is {_kind(ours)}, officially {_kind(theirs)}"]
    if is_introspection_type(ours) or is_specified_scalar_type(ours):
        return []
    found: list[str] = []
    if isinstance(ours, Fielded):
        official_type = cast(Fielded, theirs)
        expected = {each.name for each in official_type.interfaces} & carried
        found += _compare_names(
            f"{name} implements", {each.name for each in ours.interfaces}, expected
        )
        wanted = {
            field for field in official_type.fields if _is_wanted(official, name, field, carried)
        }
        found += _compare_names(name, set(ours.fields), wanted, set(official_type.fields))
        for field, definition in ours.fields.items():
            if field in official_type.fields:
                other = official_type.fields[field]
                path = f"{name}.{field}"
                found += _compare_values(path, definition, other)
                found += _compare_inputs(path, definition.args, other.args)
    elif isinstance(ours, GraphQLUnionType):
        members = {each.name for each in cast(GraphQLUnionType, theirs).types}
        found += _compare_names(name, {each.name for each in ours.types}, members & carried)
    elif is_enum_type(ours):
        values = cast(GraphQLEnumType, theirs).values
        found += _compare_names(name, set(cast(GraphQLEnumType, ours).values), set(values))
        for value, definition in cast(GraphQLEnumType, ours).values.items():
            if (
                value in values
                and definition.deprecation_reason != values[value].deprecation_reason
            ):
                found.append(f"{name}.{value}: deprecated otherwise")
    elif is_input_object_type(ours):
        found += _compare_inputs(
            name,
            cast(GraphQLInputObjectType, ours).fields,
            cast(GraphQLInputObjectType, theirs).fields,
        )
    return found


def _compare_directives(ours: GraphQLDirective, theirs: GraphQLDirective) -> list[str]:
    path = f"@{ours.name}"
    places = [each.name for each in ours.locations], [each.name for each in theirs.locations]
    found = [] if places[0] == places[1] else [f"{path}: on {places[0]}, officially {places[1]}"]
    return found + _compare_inputs(path, ours.args, theirs.args)


def _compare_inputs(path: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    found = _compare_names(f"{path} arguments", set(ours), set(theirs))
    for name, definition in ours.items():
        if name in theirs:
            found += _compare_values(f"{path}({name})", definition, theirs[name])
            if definition.default_value != theirs[name].default_value:
                found.append(
                    f"{path}({name}): default {_default(definition)}, "
                    f"officially {_default(theirs[name])}"
                )
    return found


def _compare_values(path: str, ours: Any, theirs: Any) -> list[str]:
    found = []
    if str(ours.type) != str(theirs.type):
        found.append(f"{path}: {ours.type}, officially {theirs.type}")
    if ours.deprecation_reason != theirs.deprecation_reason:
        found.append(f"{path}: deprecated otherwise")
    return found


def _compare_names(
    path: str, ours: set[str], expected: set[str], known: set[str] | None = None
) -> list[str]:
    surplus = sorted(ours - (known if known is not None else expected))
    return [f"{path}: {name} is not in the official schema" for name in surplus] + [
        f"{path}: {name} is left out" for name in sorted(expected - ours)
    ]


def _kind(named: GraphQLNamedType) -> str:
    return type(named).__name__.removeprefix("GraphQL").removesuffix("Type").lower()


def _default(definition: Any) -> str:
    value = definition.default_value
    return "none" if value is Undefined else repr(value)


def main(arguments: list[str] | None = None) -> int:
    """Checks or writes `schema.graphql`; returns the exit code, 1 when they disagree."""
    parser = argparse.ArgumentParser(prog="python -m demo.stores.shopify.subset")
    parser.add_argument("--official", type=Path, required=True, help="the whole schema, .gz or not")
    parser.add_argument(
        "--subset", type=Path, default=SCHEMA_FILE, help="default: the committed one"
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="list the disagreements")
    action.add_argument("--write", action="store_true", help="make the subset anew")
    chosen = parser.parse_args(arguments)
    if not chosen.official.is_file():
        parser.error(f"no such file: {chosen.official}")
    official = build_schema(read_sdl(chosen.official))
    if chosen.write:
        chosen.subset.write_text(extract(official), encoding="utf-8")
        return 0
    found = disagreements(build_schema(read_sdl(chosen.subset)), official)
    for line in found:
        print(line)  # noqa: T201
    summary = f"{len(found)} disagreements with {chosen.official.name}"
    print(summary if found else f"agrees with {chosen.official.name}", file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""A record lands as a dict of the same fields does, or is none."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from ingestion.arrow import BadColumnError, Column, Table
from ingestion.records import plain

PARENT = "__parentId"
THINGS = Table(
    "things",
    (
        Column("id", "id", "id", required=True),
        Column("parent_id", PARENT, "id"),
        Column("kind", "part.__typename"),
        Column("amount", "bag.money.amount", "money"),
        Column("pieces", "pieces", "number"),
        Column("test", "test", "flag"),
        Column("tags", "tags", "json"),
    ),
)
THING = THINGS.record({"parts": dict}, rest=("note", "flags"))
GOOD: dict[str, Any] = {
    "id": "gid://shopify/Thing/7",
    "part": {"__typename": "Part"},
    "bag": {"money": {"amount": "12.5"}},
    "pieces": "3",
    "test": False,
    "tags": ["x", "é"],
    "note": "n",
    "flags": [],
    "parts": [],
}


def decode(node: dict[str, Any]) -> Any:
    return msgspec.json.decode(orjson.dumps(node), type=THING)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"part": None, "bag": None, "tags": None, "pieces": None, "test": None, "note": None},
        {"bag": {"money": None}, "tags": {"a": [1, None]}, "pieces": 4},
        {"tags": 'quoted " and \\ and \n', "note": 'also "'},
        {"tags": ["\u007f", "\u0001"], "flags": {"\u0002": 1}},
    ],
)
def test_a_record_lands_as_the_dict_does(change: dict[str, Any]) -> None:
    node = GOOD | change
    record = decode(node)
    for each in (record, node):
        each[PARENT] = "gid://shopify/Parent/9"
        each.pop("parts")
    assert THINGS.build("acme", [record]).equals(THINGS.build("acme", [node]))


@pytest.mark.parametrize("missing", [["note"], ["note", "flags"], ["tags", "bag", "pieces"]])
def test_a_field_that_did_not_come_is_missing(missing: list[str]) -> None:
    node = {key: value for key, value in GOOD.items() if key not in missing}
    record = decode(node)
    record.pop("parts"), node.pop("parts")
    assert THINGS.build("acme", [record]).equals(THINGS.build("acme", [node]))


def test_records_and_dicts_land_together() -> None:
    dicts = [{**GOOD, "id": f"gid://shopify/Thing/{n}", "parts": n} for n in range(4)]
    for each in dicts:
        each.pop("parts")
    mixed = [dicts[0], decode({**dicts[1], "parts": []}), dicts[2]]
    table, refused = THINGS.split("acme", mixed)
    assert sorted(table.column("id").to_pylist()) == ["0", "1", "2"]
    assert not refused


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": None}, "id"),
        ({"bag": {"money": {"amount": "1.23456"}}}, "bag.money.amount"),
        ({"bag": {"money": {"amount": 5}}}, "bag.money.amount"),
        ({"part": {"__typename": ["a"]}}, "part.__typename"),
        ({"pieces": 1.5}, "pieces"),
        ({"test": "yes"}, "test"),
        ({"tags": "\x00"}, "(json)"),
        ({"note": "\x00"}, "(json)"),
    ],
)
def test_what_does_not_fit_says_where(change: dict[str, Any], place: str) -> None:
    with pytest.raises(BadColumnError) as caught:
        THINGS.build("acme", [decode(GOOD | change)])
    assert caught.value.column in {place, change and next(iter(change))}


@pytest.mark.parametrize("change", [{"new": 1}, {"bag": "5"}, {"parts": None}, {"part": {"x": 1}}])
def test_another_shape_makes_no_record(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(GOOD | change)


def test_half_a_character_which_postgres_refuses_makes_no_record() -> None:
    content = orjson.dumps(GOOD | {"tags": "?"}).replace(b'"?"', b'"\\ud83d"')
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(content, type=THING)


def test_a_record_is_kept_as_evidence_as_it_came() -> None:
    assert plain(decode(GOOD)) == GOOD

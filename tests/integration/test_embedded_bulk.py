"""Bulk reads and writes against a real table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.bulk import fingerprint, read_frame, replace_frame, replace_rows

COLUMNS = ("company", "n", "x", "amount", "day", "at", "said", "ok")
ROW = (
    "acme",
    1,
    0.1,
    Decimal("1.5"),
    date(2025, 1, 1),
    datetime(2025, 1, 1, tzinfo=UTC),
    "a",
    True,
)


@pytest.fixture
def table(connection: psycopg.Connection) -> Iterator[str]:
    connection.execute(
        'create table "Bulk; --" (company text not null, n bigint, x double precision,'
        " amount numeric(18,4), day date, at timestamptz, said text, ok boolean)"
    )
    connection.commit()
    yield "public.Bulk; --"
    connection.rollback()
    connection.execute('drop table "Bulk; --"')
    connection.commit()


def rows(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute('select * from "Bulk; --" order by company, n').fetchall()


class TestRows:
    def test_a_row_that_does_not_fit_leaves_everything_as_it_was(
        self, connection: psycopg.Connection, table: str
    ) -> None:
        replace_rows(connection, table, {"company": "acme"}, COLUMNS, [ROW])
        bad = [("acme", n, 1.0, 1, None, None, None, True) for n in range(1000)]
        bad.append((None, 0, 0.0, 0, None, None, None, True))
        with pytest.raises(psycopg.errors.NotNullViolation):
            replace_rows(connection, table, {"company": "acme"}, COLUMNS, bad)
        assert rows(connection) == [ROW]

    def test_a_source_that_breaks_leaves_everything_as_it_was(
        self, connection: psycopg.Connection, table: str
    ) -> None:
        def breaking() -> Iterator[tuple[object, ...]]:
            yield ROW
            raise RuntimeError("the file ends in the middle")

        replace_rows(connection, table, {}, COLUMNS, [ROW])
        with pytest.raises(RuntimeError):
            replace_rows(connection, table, {}, COLUMNS, breaking())
        assert rows(connection) == [ROW]

    def test_only_the_slice_is_replaced(self, connection: psycopg.Connection, table: str) -> None:
        other = ("other", *ROW[1:])
        nameless = ("none", 5, None, None, None, None, None, None)
        replace_rows(connection, table, {}, COLUMNS, [ROW, other, nameless])
        assert replace_rows(connection, table, {"company": "acme", "n": 1}, COLUMNS, []) == 0
        assert rows(connection) == [nameless, other]
        replace_rows(connection, table, {"said": None}, COLUMNS, [])
        assert rows(connection) == [other]
        replace_rows(connection, table, {}, COLUMNS, [])
        assert rows(connection) == []

    def test_it_is_committed(self, connection: psycopg.Connection, table: str) -> None:
        replace_rows(connection, table, {}, COLUMNS, [ROW])
        connection.rollback()
        assert rows(connection) == [ROW]

    def test_rows_are_streamed(self, connection: psycopg.Connection, table: str) -> None:
        many = (("acme", n, None, None, None, None, None, None) for n in range(120_000))
        assert replace_rows(connection, table, {}, COLUMNS, many) == 120_000
        assert connection.execute(f'select count(*), max(n) from "{table[7:]}"').fetchone() == (
            120_000,
            119_999,
        )


class TestFrames:
    def test_a_row_of_another_slice(self, connection: psycopg.Connection, table: str) -> None:
        frame = pd.DataFrame({"company": ["acme", "other"], "n": [1, 2]})
        with pytest.raises(ValueError, match="company is not 'acme'"):
            replace_frame(connection, table, {"company": "acme"}, frame)
        assert rows(connection) == []

    def test_an_empty_frame_empties_the_slice(
        self, connection: psycopg.Connection, table: str
    ) -> None:
        replace_rows(connection, table, {}, COLUMNS, [ROW])
        frame = pd.DataFrame({"company": pd.Series([], dtype=str)})
        assert replace_frame(connection, table, {"company": "acme"}, frame) == 0
        assert rows(connection) == []

    def test_missing_values_are_null(self, connection: psycopg.Connection, table: str) -> None:
        frame = pd.DataFrame(
            {
                "company": ["acme"],
                "n": pd.array([None], dtype="Int64"),
                "x": [np.nan],
                "amount": [None],
                "day": [pd.NaT],
                "at": [pd.NaT],
                "said": [None],
                "ok": [None],
            }
        )
        replace_frame(connection, table, {"company": "acme"}, frame)
        assert rows(connection) == [("acme", *[None] * 7)]

    def test_many_chunks(self, connection: psycopg.Connection, table: str) -> None:
        frame = pd.DataFrame({"company": "acme", "n": range(120_001), "x": 0.5})
        assert replace_frame(connection, table, {"company": "acme"}, frame) == 120_001
        found = read_frame('select n, x from "Bulk; --" order by n')
        assert found["n"].tolist() == list(range(120_001))

    @settings(
        max_examples=25,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        values=st.lists(
            st.tuples(
                st.floats(allow_nan=False),
                # PostgreSQL has no text with a null character or half a surrogate pair.
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                st.dates(date(1, 1, 1), date(9999, 12, 31)),
                st.booleans(),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_what_is_written_is_read(
        self,
        connection: psycopg.Connection,
        table: str,
        values: list[tuple[float, str, date, bool]],
    ) -> None:
        frame = pd.DataFrame(values, columns=["x", "said", "day", "ok"])
        frame.insert(0, "n", range(len(frame)))
        frame.insert(0, "company", "acme")
        replace_frame(connection, table, {"company": "acme"}, frame)
        found = connection.execute('select x, said, day, ok from "Bulk; --" order by n').fetchall()
        for (x, *rest), (found_x, *found_rest) in zip(values, found, strict=True):
            assert math.copysign(1, x) == math.copysign(1, found_x)
            assert x == found_x, "to the last bit"
            assert rest == found_rest


class TestReads:
    def test_money_is_not_read_as_text_by_accident(self, warehouse_settings: object) -> None:
        with pytest.raises(TypeError, match="price: cast"):
            read_frame("select 1 as n, 1.5::numeric(18,4) as price")

    def test_types(self, warehouse_settings: object) -> None:
        frame = read_frame(
            "select $1::text as said, $2::bigint as n, $2::double precision / 4 as x,"
            " date '2025-02-01' as day, null::double precision as missing",
            ["a'b", 3],
        )
        assert frame["said"].tolist() == ["a'b"]
        assert (frame["n"] + 1).tolist() == [4]
        assert frame["x"].tolist() == [0.75]
        assert (frame["day"] - pd.Timestamp("2025-01-01")).dt.days.tolist() == [31]
        assert frame["missing"].isna().all()

    def test_no_rows_keep_their_columns(self, warehouse_settings: object) -> None:
        frame = read_frame("select 1 as n, 'a' as said where false")
        assert list(frame.columns) == ["n", "said"]
        assert frame.empty


class TestFingerprint:
    def test_order_does_not_matter(self, connection: psycopg.Connection, table: str) -> None:
        some = [("acme", n, n / 7, None, None, None, "x", True) for n in range(50)]
        replace_rows(connection, table, {}, COLUMNS, some)
        before = fingerprint(connection, table)
        replace_rows(connection, table, {}, COLUMNS, some[::-1])
        assert fingerprint(connection, table) == before

    @pytest.mark.parametrize(
        "change",
        [
            "update {} set x = x + 1e-16 where n = 3",
            "update {} set said = null where n = 3",
            "update {} set said = '' where n = 3",
            "update {} set said = 'x,x' where n = 3",
            "delete from {} where n = 3",
            "insert into {} select * from {} where n = 3",
            "update {} set n = case n when 3 then 4 when 4 then 3 else n end where n in (3, 4)",
        ],
    )
    def test_every_change_shows(
        self, connection: psycopg.Connection, table: str, change: str
    ) -> None:
        some = [("acme", n, n / 7, None, None, None, "x", True) for n in range(50)]
        replace_rows(connection, table, {}, COLUMNS, some)
        before = fingerprint(connection, table)
        connection.execute(change.replace("{}", '"Bulk; --"'))
        assert fingerprint(connection, table) != before

    def test_a_session_setting_does_not_matter(
        self, connection: psycopg.Connection, table: str
    ) -> None:
        replace_rows(connection, table, {}, COLUMNS, [ROW])
        before = fingerprint(connection, table)
        for setting in (
            "timezone = 'Asia/Tokyo'",
            "datestyle = 'German'",
            "extra_float_digits = 0",
        ):
            connection.execute(f"set {setting}")
        connection.commit()
        assert fingerprint(connection, table) == before
        assert connection.execute("show timezone").fetchone() == ("Asia/Tokyo",)

    def test_columns_can_be_left_out(self, connection: psycopg.Connection, table: str) -> None:
        replace_rows(connection, table, {}, COLUMNS, [ROW])
        before = fingerprint(connection, table, exclude=["said"])
        connection.execute("update \"Bulk; --\" set said = 'another load'")
        assert fingerprint(connection, table, exclude=["said"]) == before

    def test_an_empty_table_has_one(self, connection: psycopg.Connection, table: str) -> None:
        assert len(fingerprint(connection, table)) == 32

    def test_a_missing_table(self, connection: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.UndefinedTable):
            fingerprint(connection, "marts.no_such_table")

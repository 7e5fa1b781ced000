"""Rates as the ECB writes them, and everything that can be wrong with a file of them."""

import gzip
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.quarantine import Quarantine, RejectedRow
from ingestion.sources.rates.reading import EXCHANGE_RATES, RateTotals, read_rates

# The first lines of the ECB's own eurofxref-hist.csv, its trailing commas included.
HISTORY = (
    "Date,USD,JPY,CYP,ISK,\n"
    "2026-04-13,1.1684,186.41,N/A,143.1,\n"
    "2026-04-10,1.1712,186.55,N/A,143.3,\n"
    "2007-12-31,1.4721,164.93,0.585274,N/A,\n"
)
# And of eurofxref.csv, the file of the last day.
LAST_DAY = "Date, USD, JPY, \n13 April 2026, 1.1684, 186.41, \n"


def read(
    folder: Path, content: str | bytes, name: str = "rates.csv"
) -> tuple[list[tuple[str, str, Decimal, str]], RateTotals, list[RejectedRow]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    totals = RateTotals()
    with Quarantine("0_all", "rates", "exchange_rates") as quarantine:
        pages = list(read_rates(path, name, "here", totals, quarantine))
        assert all(page.schema == EXCHANGE_RATES for page in pages)
        rows = [
            (str(row["rate_date"]), row["currency"], row["units_per_eur"], row["source"])
            for page in pages
            for row in page.to_pylist()
        ]
        assert (len(rows), quarantine.rows) == (totals.landed_rows, totals.rejected_rows)
        return rows, totals, quarantine.first


def test_the_history_of_the_ecb(tmp_path: Path) -> None:
    rows, totals, _ = read(tmp_path, HISTORY)
    assert rows == [
        ("2026-04-13", "USD", Decimal("1.1684"), "here"),
        ("2026-04-13", "JPY", Decimal("186.41"), "here"),
        ("2026-04-13", "ISK", Decimal("143.1"), "here"),
        ("2026-04-10", "USD", Decimal("1.1712"), "here"),
        ("2026-04-10", "JPY", Decimal("186.55"), "here"),
        ("2026-04-10", "ISK", Decimal("143.3"), "here"),
        ("2007-12-31", "USD", Decimal("1.4721"), "here"),
        ("2007-12-31", "JPY", Decimal("164.93"), "here"),
    ]
    assert (totals.rejected_rows, totals.withdrawn_rows) == (0, 1)
    assert totals.last_date == date(2026, 4, 13)


def test_the_ecbs_file_of_the_last_day(tmp_path: Path) -> None:
    rows, _, _ = read(tmp_path, LAST_DAY)
    assert [row[:3] for row in rows] == [
        ("2026-04-13", "USD", Decimal("1.1684")),
        ("2026-04-13", "JPY", Decimal("186.41")),
    ]


def test_the_ecbs_data_portal(tmp_path: Path) -> None:
    rows, totals, rejected = read(
        tmp_path,
        "KEY,FREQ,CURRENCY,CURRENCY_DENOM,TIME_PERIOD,OBS_VALUE\n"
        "EXR.D.USD.EUR.SP00.A,D,USD,EUR,2026-04-13,1.1684\n"
        "EXR.D.USD.GBP.SP00.A,D,USD,GBP,2026-04-13,1.34\n",
    )
    assert [row[:3] for row in rows] == [("2026-04-13", "USD", Decimal("1.1684"))]
    assert (totals.rejected_rows, rejected[0].reason) == (1, "it isn't a rate of the euro")


def test_a_long_form_may_name_its_sources(tmp_path: Path) -> None:
    rows, _, _ = read(
        tmp_path,
        "date,currency,units_per_eur,source\n2026-04-13,USD,1.1684,ecb\n2026-04-14,usd,1.17,\n",
    )
    assert rows == [
        ("2026-04-13", "USD", Decimal("1.1684"), "ecb"),
        ("2026-04-14", "USD", Decimal("1.17"), "here"),
    ]


def test_archives_are_read(tmp_path: Path) -> None:
    plain, _, _ = read(tmp_path, HISTORY)
    assert read(tmp_path, gzip.compress(HISTORY.encode()), "rates.csv.gz")[0] == plain
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("eurofxref-hist.csv", HISTORY)
    assert read(tmp_path, (tmp_path / "made.zip").read_bytes(), "rates.zip")[0] == plain


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("2026-04-13,USD,0", "rate", "write a number above 0"),
        ("2026-04-13,USD,-1", "rate", "write a number above 0"),
        ("2026-04-13,USD,1e3", "rate", "write a number above 0"),
        ("2026-04-13,USD,", "rate", "write a number above 0"),
        ("2026-04-13,EUR,2", "rate", "one euro is 1 EUR"),
        ("2026-04-13,XXQ,2", "currency", "not an ISO 4217"),
        ("13.04.2026,USD,2", "date", "not a day such as"),
        ("1998-12-31,USD,2", "date", "is not between"),
        (f"{datetime.now(UTC).date() + timedelta(days=2)},USD,2", "date", "is not between"),
        ("2026-04-10,USD,9", "USD", "has a rate already"),
        ("2026-04-13,USD", "(row)", "has 2 fields, the header 3"),
        ("2026-04-13,USD,\x00", "(row)", "not utf-8"),
        ('2026-04-13,USD,"1', "(row)", "quote never ends"),
    ],
)
def test_a_wrong_rate_is_quarantined(tmp_path: Path, row: str, column: str, says: str) -> None:
    rows, _, rejected = read(tmp_path, f"date,currency,rate\n2026-04-10,USD,1.1712\n{row}\n")
    assert [each[0] for each in rows] == ["2026-04-10"]
    ((line, found, reason),) = [
        (each.line_number, each.column_name, each.reason) for each in rejected
    ]
    assert (line, found) == (3, column)
    assert says in reason


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b,c\n1,2,3\n",
        "Date,USD\n",
        "Date,USD\n2026-04-13,N/A\n",
        "Date,USD,USD\n",
        b"\x1f\x8bx",
    ],
)
def test_a_file_without_rates_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(SourceError, match=r"rates\.csv"):
        read(tmp_path, content)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*',\n\r"x.-', "1", "USD", "N/A", "2026-04-13", "\x00", "é"])))
def test_any_text_is_read_or_refused_in_words(tmp_path: Path, pieces: list[str]) -> None:
    for header in ("Date,USD,\n", "date,currency,units_per_eur\n"):
        try:
            read(tmp_path, header + "".join(pieces))
        except SourceError as error:
            assert "rates.csv" in str(error)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.dates(date(1999, 1, 1), date(2026, 4, 13)),
        st.decimals("0.000001", "999999", places=6),
        min_size=1,
    )
)
def test_a_rate_is_read_back_exactly(tmp_path: Path, rates: dict[date, Decimal]) -> None:
    wide = "Date,USD,\n" + "".join(f"{day},{rate:f},\n" for day, rate in rates.items())
    rows, _, _ = read(tmp_path, wide)
    assert {row[0]: row[2] for row in rows} == {str(day): rate for day, rate in rates.items()}

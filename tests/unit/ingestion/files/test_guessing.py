"""What a file looks like, by its bytes and values."""

from pathlib import Path

import pytest

from ingestion.sources.files.guessing import (
    SAMPLE_BYTES,
    guess_date_formats,
    guess_decimal,
    guess_delimiter,
    guess_encoding,
    is_ambiguous,
    sample,
)


def encoding_of(content: bytes, folder: Path) -> str:
    path = folder / "a.csv"
    path.write_bytes(content)
    return guess_encoding(*sample(path, "a.csv"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "who,city\nJosé,Köln\n山田,東京\n"),
        ("cp1252", "who,city\nJosé,Köln\nZoë,Orléans\nAna,Paris € 12\n"),
        ("cp1252", "Kunde;Ort\nMüller;Düsseldorf\nGroß;Nürnberg\nJäger;Fürth\n"),
        ("cp932", "注文番号,顧客名,金額\n1,山田太郎,1200\n2,さとう花子,500\n"),
        ("euc_jp", "注文番号,顧客名,金額\n1,山田太郎,1200\n2,さとう花子,500\n"),
        ("cp949", "주문번호,고객,금액\n1,김철수,1200\n"),
        ("gb18030", "订单号,客户,金额\n1,王小明,12\n2,李四,5\n"),
        ("big5", "訂單編號,客戶,金額\n1,王小明,12\n2,陳先生,5\n"),
        ("cp1251", "заказ,клиент,сумма\n1,Иванов Пётр,1200\n2,Анна Смирнова,5\n"),
        ("cp1250", "klient,miasto\nŁukasz Żółć,Łódź\nŚwiętosława Gęś,Kraków\n"),
        ("utf-16-le", "who,day\nJosé,2026-01-01\n"),
        ("utf-16-be", "who,day\nJosé,2026-01-01\n"),
    ],
)
def test_encodings(encoding: str, text: str, tmp_path: Path) -> None:
    guessed = encoding_of(text.encode(encoding), tmp_path)
    assert text.encode(encoding).decode(guessed) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str, tmp_path: Path) -> None:
    guessed = encoding_of("wer,Ort\nJörg,Köln\n".encode(encoding), tmp_path)
    assert guessed in {"utf-8", "utf-16", "utf-32"}
    assert guessed.removesuffix("-sig") == encoding.removesuffix("-sig")


def test_an_accent_far_into_the_file_counts(tmp_path: Path) -> None:
    content = b"who,day\n" + b"Ana,2026-01-01\n" * 200_000 + "José,2026-01-01\n".encode("cp1252")
    assert len(content) > 20 * SAMPLE_BYTES
    assert encoding_of(content, tmp_path) == "cp1252"


def test_one_broken_line_does_not_turn_utf8_into_something_else(tmp_path: Path) -> None:
    content = "José,1\nZoë,2\nJörg,3\n".encode() + b"Ren\xe9,4\n"
    assert encoding_of(content, tmp_path) == "utf-8"


@pytest.mark.parametrize(
    ("header", "expected", "delimiter"),
    [
        ("a,b,c", (), ","),
        ("a;b;c", (), ";"),
        ("a\tb\tc", (), "\t"),
        ("a|b|c", (), "|"),
        ('"a;b","c"', (), ","),
        ("name, first;day;paid", ("day", "paid"), ";"),
        ("alone", (), ","),
        ("", (), ","),
        ('"never ends', (), ","),
    ],
)
def test_delimiters(header: str, expected: tuple[str, ...], delimiter: str) -> None:
    assert guess_delimiter(header, expected) == delimiter


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["1.234,56", "12,00"], (",", ".")),
        (["1,234.56", "12.00"], (".", ",")),
        (["12.00", "1,234"], (".", ",")),
        (["12,00", "1.234"], (",", ".")),
        (["1 234,56"], (",", " ")),
        (["1'234.50"], (".", "'")),
        (["1.234.567"], (",", ".")),
        (["12.5", "3"], (".", None)),
        (["12,5 €", "3 €"], (",", None)),
        (["12", "3"], (".", None)),
        (["0.125"], (".", None)),
        (["1234.567"], (".", None)),
        (["1,234"], (None, None)),
        (["1.234", "5.678"], (None, None)),
        (["1.5", "1,5"], (None, None)),
        ([], (".", None)),
    ],
)
def test_decimal_marks(texts: list[str], marks: tuple[str | None, str | None]) -> None:
    assert guess_decimal(texts) == marks


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2026-01-31", "2026-02-01"], None),
        (["2026-01-31 10:00:00"], None),
        (["12/1/2009 7:45", "12/13/2009 10:33"], "%m/%d/%Y %H:%M"),
        (["1/12/2009 7:45", "13/12/2009 10:33"], "%d/%m/%Y %H:%M"),
        (["31.01.2026"], "%d.%m.%Y"),
        (["01/31/26"], "%m/%d/%y"),
        (["31 Jan 2026", "1 Feb 2026"], "%d %b %Y"),
        (["Jan 31, 2026, 10:20 AM"], "%b %d, %Y, %I:%M %p"),
        (["1767571200"], "epoch"),
        (["1767571200000"], "epoch_ms"),
        # One bad day among many doesn't bring day and month in doubt.
        ([*(f"{month}/13/2026" for month in range(1, 13)), "13/1/2026"], "%m/%d/%Y"),
    ],
)
def test_date_formats(texts: list[str], first: str | None) -> None:
    formats = guess_date_formats(texts)
    assert formats[0] == first
    assert not is_ambiguous(formats)


def test_days_that_could_be_months_are_in_doubt() -> None:
    formats = guess_date_formats(["01/02/2026", "03/04/2026"])
    assert {"%d/%m/%Y", "%m/%d/%Y"} <= set(formats)
    assert is_ambiguous(formats)


@pytest.mark.parametrize("texts", [[], ["blue"], ["12"], ["489434", "489435"], ["12.50"]])
def test_what_is_no_date(texts: list[str]) -> None:
    assert guess_date_formats(texts) == []

"""`clv map`: what well-known exports are taken for, and what is asked instead of guessed."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import SourceError
from ingestion.sources.files.mapping import Guess, guess_file
from warehouse.companies import Company

COMPANY = Company(
    id="shop", name="Shop", base_currency="GBP", timezone="Europe/London", margin_rate=0.3
)

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,\
Created at,Lineitem quantity,Lineitem name,Lineitem price,Billing Name,Billing Country,Source
#1003,zoe@example.com,paid,2026-01-31 12:34:56 -0500,fulfilled,USD,45.00,5.00,4.50,54.50,\
2026-01-31 12:34:50 -0500,1,Blue shirt,25.00,Zoe,US,web
#1003,zoe@example.com,,,,,,,,,2026-01-31 12:34:50 -0500,2,"Socks, red",10.00,,,
#1002,ann@example.com,voided,,unfulfilled,USD,25.00,5.00,2.50,32.50,\
2026-01-30 23:34:50 -0500,1,Blue shirt,25.00,Ann,US,web
#1002,ann@example.com,,,,,,,,,2026-01-30 23:34:50 -0500,1,Hat,25.00,,,
#1001,bob@example.com,paid,2026-01-29 10:00:00 -0500,fulfilled,USD,25.00,5.00,2.50,32.50,\
2026-01-29 10:00:00 -0500,1,Blue shirt,25.00,Bob,CA,pos
"""
WOOCOMMERCE = """\
Order Number;Order Status;Order Date;First Name (Billing);Email (Billing);Country Code (Billing);\
Order Currency;Order Total Amount;Item #;Item Name;Quantity;Item Cost
101;Completed;31.01.2026 10:20;Zoë;zoe@example.com;DE;EUR;1.234,50;1;Hose;1;1.200,00
101;Completed;31.01.2026 10:20;Zoë;zoe@example.com;DE;EUR;1.234,50;2;Gürtel;1;34,50
102;Cancelled;30.01.2026 9:20;Jörg;joerg@example.com;DE;EUR;24,50;1;Gürtel;1;24,50
103;Processing;29.01.2026 9:20;Jörg;joerg@example.com;AT;EUR;49,00;1;Gürtel;1;24,50
103;Processing;29.01.2026 9:20;Jörg;joerg@example.com;AT;EUR;49,00;2;Hut;1;24,50
"""
STRIPE = """\
id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Description,Fee,\
Status,Customer ID,Customer Email
ch_1,2026-01-31 23:34:56,54.50,4.50,usd,TRUE,54.50,Order 1,1.88,Paid,cus_1,zoe@example.com
ch_2,2026-01-31 13:34:56,20.00,0.00,usd,FALSE,20.00,Order 2,0,Failed,cus_2,bob@example.com
"""
ONLINE_RETAIL = """\
Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country
489434,85048,15CM CHRISTMAS GLASS BALL 20 LIGHTS,12,12/1/2009 7:45,6.95,13085,United Kingdom
C489449,22087,PAPER BUNTING WHITE LACE,-12,12/13/2009 10:33,2.95,16321,Australia
489597,21523,"DOOR MAT ""FANCY"" RED",1,12/15/2009 14:34,8.47,,United Kingdom
"""
CDNOW = """\
customer_id,date,number_of_cds,dollar_value
1,2025-01-01,1,11.77
2,2025-01-12,1,12
2,2025-01-12,5,77
"""
SQUARE = """\
Date,Time,Time Zone,Gross Sales,Discounts,Net Sales,Tax,Tip,Partial Refunds,Total Collected,Source,\
Fees,Net Total,Transaction ID,Payment ID,Event Type,Location,Customer ID,Customer Name
01/31/26,10:20:30,Pacific Time (US & Canada),"$1,212.00",$0.00,"$1,212.00",$1.00,$0.00,$0.00,\
"$1,213.00",Point of Sale,($0.44),$12.56,tx1,p1,Payment,Main,C1,Zoe
01/29/26,10:20:30,Pacific Time (US & Canada),($8.00),$0.00,($8.00),$1.00,$0.00,$0.00,($9.00),\
Point of Sale,($0.44),$12.56,tx3,p3,Refund,Main,C2,Bob
"""
PAYPAL = """\
"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net",\
"From Email Address","To Email Address","Transaction ID","Item Title","Quantity","Country"
"31/01/2026","10:20:30","PST","Zoe","Express Checkout Payment","Completed","USD","1,012.00",\
"-0.50","1,011.50","zoe@example.com","me@example.com","4TX1","Shirt","1","United States"
"29/01/2026","10:20:30","PST","Bob","Payment Refund","Completed","USD","-10.00","0.50","-9.50",\
"bob@example.com","me@example.com","4TX3","Shirt","","Germany"
"""
GERMAN = """\
Bestellnummer;Kundennummer;E-Mail;Bestelldatum;Artikelname;Menge;Gesamtbetrag;Währung;Land
B-1;K-1;a@example.com;3. März 2026;Gürtel;1;€ 1.012,00;EUR;Deutschland
B-2;K-2;b@example.com;15. Mai 2026;Hose;2;€ 24,50;EUR;Österreich
"""
FRENCH = """\
Numéro de commande;Code client;Date de commande;Quantité;Prix unitaire;Devise;Pays
1;C1;31/01/2026;2;12,50;EUR;France
2;C2;28/02/2026;1;1 200,00;EUR;Belgique
"""
JAPANESE = """\
注文番号,顧客番号,注文日,商品名,数量,金額,通貨
1,山田,2026/01/31,シャツ,1,"￥1,200",JPY
2,鈴木,2026/02/01,くつした,2,￥500,JPY
"""


def guess(folder: Path, content: str | bytes, name: str = "a.csv", **given: Any) -> Guess:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return guess_file(path, COMPANY, "orders", name, given=given)


def landed(found: Guess) -> list[tuple[Any, ...]]:
    names = ("order_id", "customer_id", "email", "order_date", "amount", "currency")
    return [tuple(str(row[name]) if row[name] else None for name in names) for row in found.landed]


@pytest.mark.parametrize(
    ("content", "encoding", "columns", "other", "first"),
    [
        pytest.param(
            SHOPIFY,
            "utf-8",
            {
                "order_id": "Name",
                "email": "Email",
                "ordered_at": "Created at",
                "unit_price": "Lineitem price",
                "quantity": "Lineitem quantity",
                "currency": "Currency",
                "channel": "Source",
                "country": "Billing Country",
                "product": "Lineitem name",
            },
            {"currency": "USD", "skip": {"Financial Status": ("voided",)}},
            [
                ("#1003", None, "zoe@example.com", "2026-01-31", "25.0000", "USD"),
                ("#1003", None, "zoe@example.com", "2026-01-31", "20.0000", "USD"),
                ("#1001", None, "bob@example.com", "2026-01-29", "25.0000", "USD"),
            ],
            id="shopify",
        ),
        pytest.param(
            WOOCOMMERCE,
            "cp1252",
            {
                "order_id": "Order Number",
                "email": "Email (Billing)",
                "ordered_at": "Order Date",
                "unit_price": "Item Cost",
                "quantity": "Quantity",
                "currency": "Order Currency",
                "country": "Country Code (Billing)",
                "product": "Item Name",
            },
            {
                "date_format": "%d.%m.%Y %H:%M",
                "decimal": ",",
                "thousands": ".",
                "delimiter": ";",
                "encoding": "cp1252",
                "skip": {"Order Status": ("Cancelled",)},
            },
            [
                ("101", None, "zoe@example.com", "2026-01-31", "1200.0000", "EUR"),
                ("101", None, "zoe@example.com", "2026-01-31", "34.5000", "EUR"),
                ("103", None, "joerg@example.com", "2026-01-29", "24.5000", "EUR"),
                ("103", None, "joerg@example.com", "2026-01-29", "24.5000", "EUR"),
            ],
            id="woocommerce",
        ),
        pytest.param(
            STRIPE,
            "utf-8",
            {
                "order_id": "id",
                "customer_id": "Customer ID",
                "email": "Customer Email",
                "ordered_at": "Created date (UTC)",
                "amount": "Amount",
                "refunded": "Amount Refunded",
                "currency": "Currency",
                "product": "Description",
            },
            {"timezone": "UTC", "skip": {"Status": ("Failed",)}},
            [("ch_1", "cus_1", "zoe@example.com", "2026-01-31", "50.0000", "USD")],
            id="stripe",
        ),
        pytest.param(
            ONLINE_RETAIL,
            "utf-8",
            {
                "order_id": "Invoice",
                "customer_id": "Customer ID",
                "ordered_at": "InvoiceDate",
                "unit_price": "Price",
                "quantity": "Quantity",
                "country": "Country",
                "product": "Description",
            },
            {"currency": "GBP", "date_format": "%m/%d/%Y %H:%M"},
            [
                ("489434", "13085", None, "2009-12-01", "83.4000", "GBP"),
                ("C489449", "16321", None, "2009-12-13", "-35.4000", "GBP"),
            ],
            id="online_retail",
        ),
        pytest.param(
            CDNOW,
            "utf-8",
            {
                "customer_id": "customer_id",
                "order_date": "date",
                "amount": "dollar_value",
                "quantity": "number_of_cds",
            },
            {"currency": "GBP"},
            [
                (None, "1", None, "2025-01-01", "11.7700", "GBP"),
                (None, "2", None, "2025-01-12", "12.0000", "GBP"),
                (None, "2", None, "2025-01-12", "77.0000", "GBP"),
            ],
            id="cdnow",
        ),
        pytest.param(
            SQUARE,
            "utf-8",
            {
                "order_id": "Transaction ID",
                "customer_id": "Customer ID",
                "order_date": "Date",
                "amount": "Net Sales",
                "channel": "Source",
            },
            {"currency": "USD", "date_format": "%m/%d/%y", "thousands": ","},
            [
                ("tx1", "C1", None, "2026-01-31", "1212.0000", "USD"),
                ("tx3", "C2", None, "2026-01-29", "-8.0000", "USD"),
            ],
            id="square",
        ),
        pytest.param(
            PAYPAL,
            "utf-8",
            {
                "order_id": "Transaction ID",
                "email": "From Email Address",
                "order_date": "Date",
                "amount": "Gross",
                "quantity": "Quantity",
                "currency": "Currency",
                "country": "Country",
                "product": "Item Title",
            },
            {"date_format": "%d/%m/%Y", "thousands": ","},
            [
                ("4TX1", None, "zoe@example.com", "2026-01-31", "1012.0000", "USD"),
                ("4TX3", None, "bob@example.com", "2026-01-29", "-10.0000", "USD"),
            ],
            id="paypal",
        ),
        pytest.param(
            GERMAN,
            "utf-8-sig",
            {
                "order_id": "Bestellnummer",
                "customer_id": "Kundennummer",
                "email": "E-Mail",
                "order_date": "Bestelldatum",
                "amount": "Gesamtbetrag",
                "quantity": "Menge",
                "currency": "Währung",
                "country": "Land",
                "product": "Artikelname",
            },
            {"date_format": "%d. %B %Y", "decimal": ",", "thousands": ".", "delimiter": ";"},
            [
                ("B-1", "K-1", "a@example.com", "2026-03-03", "1012.0000", "EUR"),
                ("B-2", "K-2", "b@example.com", "2026-05-15", "24.5000", "EUR"),
            ],
            id="german",
        ),
        pytest.param(
            FRENCH,
            "utf-16",
            {
                "order_id": "Numéro de commande",
                "customer_id": "Code client",
                "order_date": "Date de commande",
                "unit_price": "Prix unitaire",
                "quantity": "Quantité",
                "currency": "Devise",
                "country": "Pays",
            },
            {
                "date_format": "%d/%m/%Y",
                "decimal": ",",
                "thousands": " ",
                "delimiter": ";",
                "encoding": "utf-16",
            },
            [
                ("1", "C1", None, "2026-01-31", "25.0000", "EUR"),
                ("2", "C2", None, "2026-02-28", "1200.0000", "EUR"),
            ],
            id="french",
        ),
        pytest.param(
            JAPANESE,
            "cp932",
            {
                "order_id": "注文番号",
                "customer_id": "顧客番号",
                "order_date": "注文日",
                "amount": "金額",
                "quantity": "数量",
                "currency": "通貨",
                "product": "商品名",
            },
            {"date_format": "%Y/%m/%d", "thousands": ",", "encoding": "cp932"},
            [
                ("1", "山田", None, "2026-01-31", "1200.0000", "JPY"),
                ("2", "鈴木", None, "2026-02-01", "500.0000", "JPY"),
            ],
            id="japanese",
        ),
    ],
)
def test_well_known_layouts(
    tmp_path: Path,
    content: str,
    encoding: str,
    columns: dict[str, str],
    other: dict[str, Any],
    first: list[tuple[Any, ...]],
) -> None:
    found = guess(tmp_path, content.encode(encoding))
    assert found.problems == []
    assert found.feed is not None
    assert found.feed.columns == columns
    assert landed(found) == first
    written = found.feed.model_dump(exclude_defaults=True, exclude={"feed", "path", "columns"})
    usual = {"delimiter": ",", "encoding": "utf-8"}
    assert written == usual | other


def test_counts_are_of_the_whole_file_and_reasons_are_summed_up(tmp_path: Path) -> None:
    lines = [f"{n},2026-01-{n % 28 + 1:02},{n}.50\n" for n in range(1, 20_001)]
    lines[15_000::1000] = [f"{n},2026-01-01,{n}x\n" for n in range(5)]
    found = guess(tmp_path, gzip.compress(("customer,date,total\n" + "".join(lines)).encode()))
    assert (found.totals.landed_rows, found.totals.rejected_rows) == (19_995, 5)
    assert list(found.reasons.values()) == [5]
    assert "total: … is not a number" in next(iter(found.reasons))
    assert [row.line_number for row in found.rejected][:1] == [15_002]


@pytest.mark.parametrize(
    ("content", "given", "says"),
    [
        ("who,date,total\n", {}, "no rows below it"),
        ("", {}, "is empty"),
        (" \n\n", {}, "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x01\x02\x03\x04", {}, "is no text"),
        (b"PK\x03\x04nonsense", {}, "can't be read"),
        ("just one line of words\nand another\n", {}, "single column"),
        ("1,2026-01-01,5.00\n2,2026-01-02,6.00\n", {}, "has no header"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused(
    tmp_path: Path, content: str | bytes, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(SourceError, match=says) as raised:
        guess(tmp_path, content, **given)
    assert "a.csv" in str(raised.value)
    with pytest.raises(SourceError, match="is missing"):
        guess_file(tmp_path / "b.csv", COMPANY, "orders", "b.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("customer,date,colour\n1,2026-01-31,blue\n", "No column is the amount"),
        ("customer,colour,total\n1,blue,5.00\n", "No column is the date"),
        ("colour,date,total\nblue,2026-01-31,5.00\n", "No column names the customer"),
        ("customer,date,total\n1,01/02/2026,5.00\n", "whether day or month comes first"),
        ('customer,date,total\n1,2026-01-31,"1,234"\n', "a decimal mark or a thousands separator"),
    ],
)
def test_what_the_file_does_not_say_is_asked(tmp_path: Path, content: str, says: str) -> None:
    found = guess(tmp_path, content)
    assert found.feed is None
    assert any(says in problem for problem in found.problems), found.problems


def test_what_was_asked_can_be_given(tmp_path: Path) -> None:
    content = 'customer,date,total\n1,01/02/2026,"1,234"\n'
    found = guess(tmp_path, content, date_format="%d/%m/%Y", decimal=",")
    assert landed(found) == [(None, "1", None, "2026-02-01", "1.2340", "GBP")]


def test_an_orders_total_on_each_line_is_pointed_out(tmp_path: Path) -> None:
    lines = "".join(f"{n // 2},c{n // 2},2026-01-31,{n // 2}9.50\n" for n in range(2, 12))
    found = guess(tmp_path, "order id,customer,date,total\n" + lines)
    assert any("would count several times" in note for note in found.notes)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["", "customer,date,total\n", "a;b\n", "\ufeff"]),
    st.lists(
        st.sampled_from([*"\n\r,;\t|\"'x1-.$€é\x00", "2026-01-31", "5,00", "1,2026-01-31,5\n"])
    ),
    st.sampled_from(["utf-8", "utf-16", "cp932"]),
)
def test_any_file_is_mapped_or_refused_in_words(
    tmp_path: Path, head: str, pieces: list[str], encoding: str
) -> None:
    try:
        found = guess(tmp_path, (head + "".join(pieces)).encode(encoding, "replace"))
    except SourceError as error:
        assert "a.csv" in str(error)
        return
    assert (found.feed is None) == bool(found.problems)

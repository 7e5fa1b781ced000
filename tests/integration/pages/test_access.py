"""Who sees what of the dashboard, by any address, parameter or form: without a browser."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape

import pytest
import requests

from reporting.dashboard.pages import PAGES
from reporting.metrics import customers
from reporting.metrics.scope import Scope
from tests.integration.pages.conftest import HOSTILE, NEW, NORTH, PASSWORD, SOUTH, Shown
from tests.integration.pages.served import Served, log_in, serving, token_of
from warehouse.connection import connect


@pytest.fixture(scope="module")
def served(shown: Shown, readers: None) -> Iterator[Served]:
    with serving(shown.settings, shown.folder) as made:
        yield made


@pytest.fixture(scope="module")
def nora(served: Served) -> requests.Session:
    return log_in(served, "nora reads north")


@pytest.mark.parametrize("name", [*PAGES, "upload", "report", "customers/n000"])
def test_nobody_sees_anything_without_a_login(served: Served, name: str) -> None:
    answer = requests.get(f"{served.base}/companies/{NORTH}/{name}", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    forged = {"clv_session": "abc.def"}
    answer = requests.get(
        f"{served.base}/companies/{NORTH}/{name}", cookies=forged, allow_redirects=False
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("name", [*PAGES, "report", "customers/n000"])
def test_a_reader_sees_its_company_and_no_other(
    served: Served, nora: requests.Session, name: str
) -> None:
    assert nora.get(f"{served.base}/companies/{NORTH}/{name}").status_code == 200
    other = nora.get(f"{served.base}/companies/{SOUTH}/{name}")
    nowhere = nora.get(f"{served.base}/companies/nosuch/{name}")
    assert other.status_code == nowhere.status_code == 404
    # Not even that there is one.
    assert other.text == nowhere.text
    assert "South" not in other.text


@pytest.mark.parametrize(
    "address",
    [
        f"/companies/{NORTH}/customers/s000",
        f"/companies/{NORTH}/customers/../../{SOUTH}/customers/s000",
        f"/companies/{SOUTH}/exports/customers/customers.csv",
        f"/companies/{NORTH}%2F..%2F{SOUTH}/overview",
        f"/companies/{NORTH}/nosuch",
        f"/companies/{NORTH}/exports/overview/nosuch.csv",
        f"/companies/{SOUTH}/uploads/00000000-0000-0000-0000-000000000000",
        f"/companies/{NORTH}/exports/customers/../../../{SOUTH}/exports/customers/customers.csv",
        f"/companies/{SOUTH}/exports/at-risk/at_risk.csv?search=s0",
        f"/companies/{SOUTH}/report",
        f"/companies/{SOUTH}/upload",
        f"/companies/%70{SOUTH[1:]}/overview",
        f"/companies/{SOUTH.upper()}/overview",
        f"/companies/{SOUTH}%00/overview",
        f"/companies/{SOUTH};{NORTH}/overview",
        f"/companies/{SOUTH}%20/overview",
        f"/companies/{NORTH},{SOUTH}/overview",
        f"/companies/{NORTH}/customers/s000%00",
        f"/companies/{NORTH}/customers/..%2f..%2f{SOUTH}%2fcustomers%2fs000",
        f"/companies/{NORTH}/customers/n000' or company_id='{SOUTH}",
        "/companies/%/customers",
        "/companies/*/overview",
        "/static/x/../../settings.py",
        "/static/x/..%2f..%2flogins.py",
        "/documentation",
        "/documentation/../companies",
        "/openapi.json",
        "/docs",
    ],
)
def test_addresses_lead_to_nobody_else(
    served: Served, nora: requests.Session, address: str
) -> None:
    answer = nora.get(served.base + address)
    assert answer.status_code == 404
    assert "s000@" not in answer.text


def test_headers_and_cookies_make_nobody_else(served: Served, nora: requests.Session) -> None:
    other = f"{served.base}/companies/{SOUTH}/overview"
    for headers in (
        {"X-Forwarded-User": "saul reads south"},
        {"X-Original-URL": f"/companies/{SOUTH}/overview"},
        {"X-Forwarded-Prefix": f"/companies/{SOUTH}"},
        {"Authorization": "Basic c2F1bCByZWFkcyBzb3V0aDpmb3IgdGVzdHMgb25seQ=="},
        {"X-HTTP-Method-Override": "POST"},
    ):
        assert nora.get(other, headers=headers).status_code == 404, headers
    mine = nora.cookies["clv_session"]
    value, _, signature = mine.rpartition(".")
    page = f"{served.base}/companies/{NORTH}/overview"
    for cookie in (
        value,
        f"{value}.",
        f"{value}x.{signature}",
        f"{value}.{signature[::-1]}",
        f".{signature}",
        "\u00e4.b".encode().decode("latin-1"),
    ):
        answer = requests.get(
            page, headers={"Cookie": f"clv_session={cookie}"}, allow_redirects=False
        )
        assert answer.status_code == 303, cookie
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert nora.request(method, page).status_code in {404, 405}, method


def test_a_cookie_is_worth_nothing_after_its_log_out(served: Served) -> None:
    session = log_in(served, "saul reads south")
    start = f"{served.base}/companies/{SOUTH}/overview"
    kept = {"clv_session": session.cookies["clv_session"]}
    assert requests.get(start, cookies=kept, allow_redirects=False).status_code == 200
    session.post(f"{served.base}/logout", data={"token": token_of(session.get(start).text)})
    assert requests.get(start, cookies=kept, allow_redirects=False).status_code == 303


def test_parameters_lead_to_nobody_else(served: Served, nora: requests.Session) -> None:
    clean = nora.get(f"{served.base}/companies/{NORTH}/customers").text
    for query in (
        f"company={SOUTH}",
        f"company_id={SOUTH}",
        "order=company_id",
        "order=1;drop table marts.dim_customers",
        "page=-1",
        "page=99999999999999999999",
        "page=²",
        "search=%00",
        f"search=s00&company_id={SOUTH}&channel=",
        "by=company_id",
    ):
        answer = nora.get(f"{served.base}/companies/{NORTH}/customers?{query}")
        assert answer.status_code == 200, query
        assert "s000" not in answer.text
    for query in ("channel=' or 1=1 --", "country=nowhere", "product=x", "period=0"):
        answer = nora.get(f"{served.base}/companies/{NORTH}/overview?{query}")
        assert answer.status_code == 400, query
        assert "known" in answer.text
    assert "s000" not in clean
    search = nora.get(f"{served.base}/companies/{NORTH}/customers?search=s0").text
    assert "No customer is like that." in search


def test_the_database_keeps_companies_apart_not_the_pages(shown: Shown, readers: None) -> None:
    """As the role of the session, the queries themselves find nothing of others."""
    from psycopg import connect as psycopg_connect
    from psycopg.conninfo import make_conninfo

    from warehouse.connection import url

    address = make_conninfo(
        url(settings=shown.settings), user="nora reads north", password=PASSWORD
    )
    with closing(psycopg_connect(address)) as connection:
        assert customers.customer_list(connection, Scope(SOUTH)) == []
        assert customers.customer(connection, Scope(SOUTH), "s000") is None
        assert customers.customer_list(connection, Scope(NORTH))


def test_a_grant_that_is_taken_away_counts_at_once(served: Served, shown: Shown) -> None:
    session = log_in(served, "bea reads both")
    assert session.get(f"{served.base}/companies/{SOUTH}/overview").status_code == 200
    with connect(settings=shown.settings) as connection:
        connection.execute(
            "delete from access.reader_companies"
            " where role_name = 'bea reads both' and company_id = %s",
            (SOUTH,),
        )
    try:
        assert session.get(f"{served.base}/companies/{SOUTH}/overview").status_code == 404
    finally:
        with connect(settings=shown.settings) as connection:
            connection.execute(
                "insert into access.reader_companies (role_name, company_id)"
                " values ('bea reads both', %s)",
                (SOUTH,),
            )


def test_personal_data_are_for_those_who_may(served: Served, nora: requests.Session) -> None:
    page = f"{served.base}/companies/{NORTH}/customers/n001"
    assert "n001@pages_north.example" in nora.get(page).text
    assert "n001@pages_north.example" not in log_in(served, "bea reads both").get(page).text


def test_who_is_bound_by_no_policy_cannot_log_in(served: Served, shown: Shown) -> None:
    from psycopg.conninfo import conninfo_to_dict

    from warehouse.connection import url

    known = conninfo_to_dict(url(settings=shown.settings))
    session = log_in(served, str(known["user"]), str(known["password"]))
    assert session.get(f"{served.base}/", allow_redirects=False).headers["location"] == "/login"


def test_wrong_passwords_are_told_from_nothing_and_counted(served: Served) -> None:
    said = set()
    for user in ("nobody at all", "saul reads south"):
        session = requests.Session()
        form = session.get(f"{served.base}/login")
        data = {"user": user, "password": "secret-that-is-wrong", "token": token_of(form.text)}
        answer = session.post(f"{served.base}/login", data=data)
        assert answer.status_code == 401
        said.add(unescape(re.sub(r'value="[^"]*"', "", answer.text)))
    assert len(said) == 1
    for _ in range(6):
        answer = log_in_answer(served, "guessed at", "guess")
    assert answer.status_code == 401
    assert "Too many tries" in answer.text
    assert "secret-that-is-wrong" not in served.log.read_text()
    assert PASSWORD not in served.log.read_text()


def log_in_answer(served: Served, user: str, password: str) -> requests.Response:
    session = requests.Session()
    form = session.get(f"{served.base}/login")
    return session.post(
        f"{served.base}/login",
        data={"user": user, "password": password, "token": token_of(form.text)},
    )


def test_forms_of_other_sites_do_nothing(served: Served) -> None:
    session = log_in(served, "saul reads south")
    start = f"{served.base}/companies/{SOUTH}/overview"
    assert session.post(f"{served.base}/logout", data={"token": "forged"}).status_code == 403
    assert session.get(start, allow_redirects=False).status_code == 200
    token = token_of(session.get(start).text)
    assert session.post(f"{served.base}/logout", data={"token": token}).status_code == 200
    assert session.get(start, allow_redirects=False).status_code == 303
    bare = requests.post(
        f"{served.base}/login", data={"user": "saul reads south", "password": PASSWORD}
    )
    assert bare.status_code == 403


def test_the_cookie_is_no_script_s(served: Served) -> None:
    session = requests.Session()
    form = session.get(f"{served.base}/login")
    answer = session.post(
        f"{served.base}/login",
        data={"user": "saul reads south", "password": PASSWORD, "token": token_of(form.text)},
        allow_redirects=False,
    )
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    page = session.get(f"{served.base}/companies/{SOUTH}/overview")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"


def test_an_export_is_the_whole_table_and_no_formula(
    served: Served, nora: requests.Session, shown: Shown
) -> None:
    answer = nora.get(f"{served.base}/companies/{NORTH}/exports/customers/customers.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    with connect(settings=shown.settings) as connection:
        wanted = customers.customer_list(connection, Scope(NORTH))
    assert len(found) == len(wanted) > 50
    assert [row["value_to_date"] for row in found] == [str(r["value_to_date"]) for r in wanted]
    assert {row["currency"] for row in found} == {"EUR"}
    ids = {row["customer_id"] for row in found}
    assert f"'{HOSTILE[0]}" in ids
    assert not any(value.startswith(("=", "@")) for row in found for value in row.values())


def test_an_export_has_the_filters_of_its_page(served: Served, nora: requests.Session) -> None:
    page = f"{served.base}/companies/{NORTH}/cohorts?product=Lamp&channel=shop"
    (link,) = re.findall(r'class="export" href="([^"]+cohorts\.csv[^"]*)"', nora.get(page).text)
    assert "product=Lamp" in link
    assert "channel=shop" in link
    answer = nora.get(served.base + unescape(link)).content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(answer)))
    whole = nora.get(f"{served.base}/companies/{NORTH}/exports/cohorts/cohorts.csv")
    everybody = list(csv.DictReader(io.StringIO(whole.content.decode("utf-8-sig"))))
    customers_of = [sum(int(row["cohort_size"]) for row in rows) for rows in (found, everybody)]
    assert 0 < customers_of[0] < customers_of[1]


def test_pages_take_filters_along_and_say_which_do_not_count(
    served: Served, nora: requests.Session
) -> None:
    chosen = "period=365d&channel=shop&country=DE&product=Lamp"
    for name, shown in PAGES.items():
        page = nora.get(f"{served.base}/companies/{NORTH}/{name}?{chosen}")
        assert page.status_code == 200, name
        text = unescape(page.text)
        for other in PAGES:
            assert f'href="/companies/{NORTH}/{other}?{chosen}"' in text, (name, other)
        missing = {"period", "channel", "country", "product"} - shown.filters
        assert bool(missing) == bool(shown.others), name
        if shown.others:
            assert shown.others in text
        for part in shown.filters:
            assert f'id="{part}"' in text, (name, part)
    overview = nora.get(f"{served.base}/companies/{NORTH}/overview?{chosen}").text
    assert "Revenue is forecast for the whole company" in overview
    acquisition = nora.get(f"{served.base}/companies/{NORTH}/acquisition?{chosen}").text
    assert "don&#39;t count in this section" in acquisition


def test_the_documentation_of_the_tables_is_served_once_it_is_written(
    served: Served, nora: requests.Session, shown: Shown
) -> None:
    address = f"{served.base}/documentation"
    assert requests.get(address, allow_redirects=False).status_code == 303
    assert "clv docs" in nora.get(address).text
    file = shown.settings.home / "docs" / "index.html"
    file.parent.mkdir(exist_ok=True)
    file.write_text("<title>tables</title>")
    try:
        answer = nora.get(address)
        assert answer.text == "<title>tables</title>"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    finally:
        file.unlink()


def test_every_table_of_every_page_can_be_exported(served: Served, nora: requests.Session) -> None:
    seen = 0
    for name in PAGES:
        page = nora.get(f"{served.base}/companies/{NORTH}/{name}").text
        for link in re.findall(r'class="export" href="([^"]+)"', page):
            answer = nora.get(served.base + unescape(link))
            assert answer.status_code == 200, link
            assert len(answer.text.splitlines()) > 1, link
            seen += 1
    assert seen >= 15


def test_what_customers_are_called_is_text(served: Served, nora: requests.Session) -> None:
    page = nora.get(f"{served.base}/companies/{NORTH}/customers?search=%3Cscript").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    for who in HOSTILE:
        address = f"{served.base}/companies/{NORTH}/customers/{requests.utils.quote(who, safe='')}"
        assert nora.get(address).status_code == 200, who


def test_a_company_without_orders_has_an_honest_page(served: Served) -> None:
    page = log_in(served, "bea reads both").get(f"{served.base}/companies/{NEW}/overview")
    assert page.status_code == 200
    assert "has no orders yet" in page.text

"""A feed is written into companies.yml and nothing else in it changes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.sources.files.companies_file import render_feed, write_feed
from warehouse.companies import CompaniesFileError, Company, FileFeed, load_companies
from warehouse.settings import PROJECT_ROOT

SHOP = Company(id="shop", name="Shop", base_currency="EUR", timezone="UTC", margin_rate=0.3)


def feed(name: str = "orders", **changes: Any) -> FileFeed:
    columns = {"customer_id": "Kunde: Nr", "order_date": "Datum", "amount": "#1 Betrag"}
    return FileFeed.model_validate(
        {"feed": name, "path": "data/a.csv", "columns": columns, "currency": "EUR"} | changes
    )


def feeds(path: Path, company: str = "shop") -> dict[str, FileFeed]:
    return {each.feed: each for each in load_companies(path)[company].sources.files}


def test_a_new_file_a_new_company_and_a_new_feed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "companies.yml"
    write_feed(path, SHOP, feed())
    assert load_companies(path)["shop"].margin_rate == 0.3
    write_feed(path, SHOP.model_copy(update={"id": "other"}), feed())
    write_feed(path, SHOP, feed("till", decimal=",", skip={"a, b": ("no: 1", "ja")}))
    assert list(load_companies(path)) == ["shop", "other"]
    assert list(feeds(path)) == ["orders", "till"]
    assert feeds(path)["till"].skip == {"a, b": ("no: 1", "ja")}
    assert [each.name for each in path.parent.iterdir()] == ["companies.yml"]


def test_comments_and_layout_stay_in_the_installations_own_file(tmp_path: Path) -> None:
    path = tmp_path / "companies.yml"
    before = (PROJECT_ROOT / "companies.yml").read_text()
    path.write_text(before)
    path.chmod(0o640)
    for company in load_companies(path).values():
        write_feed(path, company, feed("new"))
    after = path.read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines())
    assert after.count("feed: new") == 3
    assert path.stat().st_mode & 0o777 == 0o640
    for company in ("cdnow", "acme", "bolt"):
        assert feeds(path, company)["new"] == feed("new")


CASES = {
    "no sources": "companies:\n  - id: shop\n    name: S\n    base_currency: EUR\n"
    "    timezone: UTC   # zone\n    margin_rate: 0.3\n# the end\n",
    "other sources": "companies:\n- id: shop\n  name: S\n  base_currency: EUR\n  timezone: UTC\n"
    "  margin_rate: 0.3\n  sources:\n    # a comment\n    shopify:\n      shop: a.myshopify.com\n\n"
    "- id: b\n  name: B\n  base_currency: EUR\n  timezone: UTC\n  margin_rate: 0.3\n",
    "the feed, and one after it": """\
companies:
  - id: shop
    name: >-
      S
    base_currency: EUR
    timezone: UTC
    margin_rate: 0.3
    sources:
      files:
      # first
      - feed: orders
        path: old.csv
        columns: {email: a, order_date: b, amount: c}
        currency: EUR
      # second
      - feed: till
        path: |-
          t.csv
        columns: {email: a, order_date: b, amount: c}
        currency: EUR
""",
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("case", CASES)
def test_where_it_goes(tmp_path: Path, case: str, end: str) -> None:
    path = tmp_path / "companies.yml"
    path.write_bytes(CASES[case].replace("\n", end).encode())
    before = load_companies(path)
    write_feed(path, before["shop"], feed())
    after = load_companies(path)
    assert feeds(path)["orders"] == feed()
    assert set(feeds(path)) == {"orders", *(each.feed for each in before["shop"].sources.files)}
    assert list(after) == list(before)
    written = path.read_bytes().decode()
    assert written.count("\n") == written.count(end)
    for comment in ("# zone", "# the end", "# a comment", "# first", "# second"):
        assert written.count(comment) == CASES[case].count(comment)


@pytest.mark.parametrize(
    "content",
    [
        "companies: [{id: shop, name: S, base_currency: EUR, timezone: UTC, margin_rate: 0.3}]\n",
        "companies:\n  - id: shop\n    name: S\n    base_currency: EUR\n    timezone: UTC\n"
        "    margin_rate: 0.3\n    sources: {}\n",
        "companies:\n  - id: shop\n    name: S\n    base_currency: EUR\n    timezone: UTC\n"
        "    margin_rate: 0.3\n    sources: {files: []}\n",
    ],
)
def test_a_layout_that_text_cannot_be_put_into_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "companies.yml"
    path.write_text(content)
    with pytest.raises(CompaniesFileError, match="Write this yourself under sources > files"):
        write_feed(path, SHOP, feed())
    assert path.read_text() == content
    assert [each.name for each in tmp_path.iterdir()] == ["companies.yml"]


def test_a_file_with_a_mistake_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "companies.yml"
    path.write_text("companies: 1\n")
    with pytest.raises(CompaniesFileError, match="has a mistake"):
        write_feed(path, SHOP, feed())
    assert path.read_text() == "companies: 1\n"


HEADER = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" :#'\"[]{},&*!|>%@`-?\\~"),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(HEADER, min_size=3, max_size=3), HEADER, st.sampled_from([";", "\t", "|", ","]))
def test_any_header_is_read_back(
    tmp_path: Path, headers: list[str], value: str, delimiter: str
) -> None:
    path = tmp_path / "companies.yml"
    path.write_text(CASES["no sources"])
    columns = dict(zip(("customer_id", "order_date", "amount"), headers, strict=True))
    one = feed(columns=columns, delimiter=delimiter, skip={headers[0]: (value,)}, path=value)
    write_feed(path, SHOP, one)
    assert feeds(path)["orders"] == one
    assert "\n".join(render_feed(one)).count("feed:") >= 1

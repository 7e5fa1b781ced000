"""A file on its way: sent, checked, accepted, landed; and what is turned away."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ingestion import uploads
from ingestion.errors import SourceError
from ingestion.sources.files import land_files
from tests.integration.receiver.conftest import COMPANY, TOKEN, Receiver, Told
from warehouse.companies import load_companies
from warehouse.connection import connect
from warehouse.readers import grant_companies
from warehouse.settings import Settings

CSV = (
    b"Order,E-Mail,Date,Total,Currency\n"
    b"A1,ada@example.com,2026-01-03,10.50,USD\n"
    b"A2,bob@example.com,2026-01-04,20.00,USD\n"
    b"A3,bob@example.com,not a day,5.00,USD\n"
)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def sender(told: Told, receiver: Receiver) -> Iterator[Sender]:
    companies_file = Path(receiver.environment["CLV_COMPANIES_FILE"])
    before = companies_file.read_text()
    yield Sender(told, companies_file)
    companies_file.write_text(before)
    told.connection.execute("delete from inbox.uploads")
    told.connection.commit()
    shutil.rmtree(told.settings.uploads_folder, ignore_errors=True)
    time.sleep(1.1)


class Sender:
    """Somebody who sends files."""

    def __init__(self, told: Told, companies_file: Path) -> None:
        self.told = told
        self.companies_file = companies_file
        self.address = f"{told.receiver.address}/companies/{COMPANY}/uploads"
        self.folder = told.settings.uploads_folder / COMPANY

    def send(
        self, content: bytes = CSV, name: str = "orders.csv", headers: Any = BEARER, **fields: str
    ) -> requests.Response:
        return requests.post(
            self.address, files={"file": (name, content)}, data=fields, headers=headers, timeout=30
        )

    def get(self, upload: dict[str, Any], status: set[str]) -> dict[str, Any]:
        """Follows an upload until it has one of some states."""
        for _ in range(600):
            found = requests.get(
                f"{self.address}/{upload['upload_id']}", headers=BEARER, timeout=30
            ).json()
            if found["status"] in status:
                return dict(found)
            time.sleep(0.1)
        raise AssertionError(found)

    def checked(self, **what: Any) -> dict[str, Any]:
        answer = self.send(**what)
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "checking"
        return self.get(answer.json(), {"ready", "refused"})

    def accept(self, upload: dict[str, Any]) -> requests.Response:
        address = f"{self.address}/{upload['upload_id']}/accept"
        return requests.post(address, headers=BEARER, timeout=30)

    def land(self) -> None:
        company = load_companies(self.companies_file)[COMPANY]
        with uploads.landing(COMPANY):
            land_files(company, self.companies_file.parent)

    def landed(self) -> list[tuple[Any, ...]]:
        self.told.connection.rollback()
        return self.told.connection.execute(
            "select feed, source_file, order_id, amount::float from raw_files.order_lines"
            " where company_id = %s order by order_id",
            (COMPANY,),
        ).fetchall()


def test_a_file_is_checked_accepted_and_landed(sender: Sender) -> None:
    upload = sender.checked(feed="till")
    preview = upload["preview"]
    assert upload["status"] == "ready"
    assert (upload["rows_checked"], upload["bytes"]) == (3, len(CSV))
    assert preview["is_new_feed"] is True
    assert preview["columns"]["email"] == "E-Mail"
    assert (preview["would_land"], preview["would_be_quarantined"]) == (2, 1)
    assert preview["amounts"] == {"USD": "30.5000"}
    assert preview["first_rows"][0]["order_id"] == "A1"
    (rejected,) = preview["first_quarantined"]
    assert (rejected["line_number"], rejected["column"]) == (4, "Date")
    # Nothing has happened yet.
    assert COMPANY not in uploads.requested()
    assert not (sender.folder / "till").exists()

    accepted = sender.accept(upload)
    assert (accepted.status_code, accepted.json()["status"]) == (202, "requested")
    assert COMPANY in uploads.requested()
    (feed,) = load_companies(sender.companies_file)[COMPANY].sources.files
    assert (feed.feed, feed.columns["email"]) == ("till", "E-Mail")
    assert not list((sender.folder / ".incoming").iterdir())
    sender.land()
    assert [(row[0], row[2], row[3]) for row in sender.landed()] == [
        ("till", "A1", 10.5),
        ("till", "A2", 20.0),
    ]
    landed = sender.get(upload, {"landed"})
    assert landed["preview"] is None
    assert COMPANY not in uploads.requested()
    assert sender.accept(upload).status_code == 409

    # A month later: beside the first, and by the mapping that is there.
    more = CSV.replace(b"A", b"B").replace(b"not a day", b"2026-02-05")
    upload = sender.checked(content=more, name="february.csv", feed="till", mode="add")
    assert upload["preview"]["is_new_feed"] is False
    assert upload["preview"]["would_land"] == 3
    assert sender.accept(upload).status_code == 202
    sender.land()
    assert [row[2] for row in sender.landed()] == ["A1", "A2", "B1", "B2", "B3"]

    # And one that takes the place of all.
    upload = sender.checked(name="all.csv", feed="till", mode="replace")
    assert sender.accept(upload).status_code == 202
    sender.land()
    assert [row[2] for row in sender.landed()] == ["A1", "A2"]
    assert sorted(path.name for path in (sender.folder / "till").iterdir()) == ["all.csv"]
    kept = sender.folder / ".replaced" / "till"
    assert sorted(path.name for path in kept.iterdir()) == ["february.csv", "orders.csv"]


def test_a_file_that_does_not_fit_is_refused_with_what_to_do(sender: Sender) -> None:
    upload = sender.checked(content=b"a,b\n1,2\n")
    assert upload["status"] == "refused"
    assert "map customer_id or email" in upload["problem"]
    assert sender.accept(upload).status_code == 409
    assert sender.checked(content=b"\x00\x01\x02" * 100)["status"] == "refused"


def test_a_landing_that_fails_is_seen_and_can_be_asked_for_again(sender: Sender) -> None:
    upload = sender.checked(feed="shaky")
    sender.accept(upload)
    (sender.folder / "shaky" / "orders.csv").unlink()
    with pytest.raises(SourceError):
        sender.land()
    failed = sender.get(upload, {"failed"})
    assert "is missing" in failed["problem"]
    assert sender.accept(upload).json()["status"] == "requested"


def test_a_feed_that_reads_another_path_is_left_alone(sender: Sender) -> None:
    before = sender.companies_file.read_text()
    feed = "      files:\n      - feed: books\n        path: books.csv\n        columns:\n"
    feed += "          customer_id: c\n          order_date: d\n          amount: a\n"
    feed += "        currency: USD\n"
    sender.companies_file.write_text(
        before.replace("  sources:\n", f"  sources:\n{feed}".replace("      ", "    ", 1))
    )
    assert load_companies(sender.companies_file)[COMPANY].sources.files
    time.sleep(1.1)
    answer = sender.send(feed="books")
    assert answer.status_code == 409
    assert "reads books.csv" in answer.json()["error"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/cron.d/x.csv", "x.csv"),
        ("..\\..\\x.csv", "x.csv"),
        ("/etc/passwd.csv", "passwd.csv"),
        (".hidden.csv", "hidden.csv"),
        ("Umsätze März.csv", "Ums_tze_M_rz.csv"),
        ("a*?[b].csv", "a_b_.csv"),
    ],
)
def test_a_name_is_nothing_but_a_name(sender: Sender, name: str, kept: str) -> None:
    upload = sender.checked(name=name)
    assert upload["file_name"] == kept
    folder = sender.folder / ".incoming" / upload["upload_id"]
    assert {path.name for path in folder.iterdir()} == {kept, "preview.json"}
    gone = requests.delete(f"{sender.address}/{upload['upload_id']}", headers=BEARER, timeout=30)
    assert gone.json() == {"status": "discarded"}
    assert not folder.exists()


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (409, {"name": "x.exe"}),
        (409, {"name": ".csv"}),
        (409, {"name": "x.csv/.."}),
        (400, {"feed": "../x"}),
        (400, {"feed": ".incoming"}),
        (400, {"mode": "append"}),
        (400, {"settings": "{"}),
        (400, {"settings": '{"path": "/etc/passwd"}'}),
        (413, {"content": b"x" * 150_000}),
        (413, {"content": b"x" * 400_000}),
    ],
)
def test_what_is_wrong_is_turned_away_and_not_kept(
    sender: Sender, status: int, what: dict[str, Any]
) -> None:
    assert sender.send(**what).status_code == status
    waiting = sender.folder / ".incoming"
    assert not waiting.exists() or not list(waiting.iterdir())


def test_no_form_no_file(sender: Sender) -> None:
    assert requests.post(sender.address, data=CSV, headers=BEARER, timeout=30).status_code == 415
    nothing = requests.post(
        sender.address, files={"other": ("x.csv", CSV)}, headers=BEARER, timeout=30
    )
    assert nothing.status_code == 400


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_who_may_send(sender: Sender, warehouse_settings: Settings) -> None:
    with connect(settings=warehouse_settings) as connection:
        passwords = {
            "keeper": grant_companies(connection, "keeper", [COMPANY], personal_data=True),
            "viewer": grant_companies(connection, "viewer", [COMPANY]),
            "other": grant_companies(connection, "other", ["elsewhere"], personal_data=True),
        }
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic ???"}, 401),
        (basic("keeper", "wrong"), 401),
        (basic("nobody", "x"), 401),
        (basic("viewer", passwords["viewer"] or ""), 403),
        (basic("other", passwords["other"] or ""), 403),
        (basic("keeper", passwords["keeper"] or ""), 202),
    ):
        assert sender.send(headers=headers).status_code == status, headers
    (found,) = requests.get(sender.address, headers=BEARER, timeout=30).json()
    assert found["uploaded_by"] == "keeper"
    text = sender.told.receiver.log.read_text()
    for secret in (TOKEN, *passwords.values()):
        assert secret is not None
        assert secret not in text
    elsewhere = sender.address.replace(COMPANY, "elsewhere")
    # Without a token of its own nobody is told whether there is such a company.
    assert requests.get(elsewhere, headers=BEARER, timeout=30).status_code == 401


def test_a_check_that_was_cut_short_is_made_again(sender: Sender) -> None:
    upload = sender.send(feed="cut").json()
    sender.told.receiver.kill()
    sender.told.connection.execute("update inbox.uploads set status = 'checking'")
    sender.told.connection.commit()
    sender.told.receiver.start()
    assert sender.get(upload, {"ready", "refused"})["status"] == "ready"

from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from demo.cdnow import export, purchases


def test_the_log_is_whole() -> None:
    rows = list(purchases())
    assert len(rows) == 69_659
    assert len({customer for customer, *_ in rows}) == 23_570
    assert sum(Decimal(dollars) for *_, dollars in rows) == Decimal("2500315.63")
    assert sum(Decimal(dollars) == 0 for *_, dollars in rows) == 80
    assert len({row[:2] for row in rows}) == 67_591
    assert sum(count - 1 for count in Counter(rows).values()) == 255
    assert (min(row[1] for row in rows), max(row[1] for row in rows)) == (
        "2025-01-01",
        "2026-06-30",
    )


def test_dates_are_moved_by_28_years_and_keep_their_weekday() -> None:
    log = (files("lifetimes") / "datasets" / "CDNOW_master.txt").read_text().split("\n")[1:]
    for line, (customer, moved, *_) in zip(log, purchases(), strict=False):
        fields = line.split()
        before = date.fromisoformat(fields[1])
        after = date.fromisoformat(moved)
        assert fields[0] == customer
        assert after == before.replace(year=before.year + 28)
        assert after.weekday() == before.weekday()


def test_an_export_is_whole_or_absent(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "cdnow.csv"
    assert export(target) == 69_659
    assert len(target.read_text().splitlines()) == 69_660
    assert [path.name for path in target.parent.iterdir()] == ["cdnow.csv"]

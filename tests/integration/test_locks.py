"""Who may load, and who waits."""

from __future__ import annotations

import threading

import pytest

from ingestion.errors import SourceError
from ingestion.locks import at_rest, exclusive_load, one_at_a_time, writing
from warehouse.settings import Settings

PATIENCE = 10
SOON = 0.5


def started(work: threading.Thread) -> threading.Thread:
    work.start()
    return work


def test_a_second_load_of_the_same_shop_is_refused(warehouse_settings: Settings) -> None:
    with exclusive_load("shopify", "acme"):
        with exclusive_load("shopify", "bolt"), exclusive_load("stripe", "acme"):
            pass
        with (
            pytest.raises(SourceError, match=r"acme is being loaded already \(database session \d"),
            exclusive_load("shopify", "acme"),
        ):
            pass
    with exclusive_load("shopify", "acme"):
        pass


def test_a_load_waits_until_the_models_have_read_its_company(warehouse_settings: Settings) -> None:
    written = threading.Event()

    def load(company_id: str) -> None:
        with writing(company_id):
            written.set()

    with at_rest(["acme"]) as resting:
        assert resting == {"acme"}
        load("bolt")
        written.clear()
        waiting = started(threading.Thread(target=load, args=["acme"]))
        assert not written.wait(SOON)
    assert written.wait(PATIENCE)
    waiting.join(PATIENCE)


def test_the_models_leave_out_a_company_that_is_being_written(warehouse_settings: Settings) -> None:
    with writing("acme"), writing("acme"), at_rest(["acme", "bolt"]) as resting:
        assert resting == {"bolt"}
    with at_rest(["acme", "bolt"]) as resting:
        assert resting == {"acme", "bolt"}


def test_what_only_one_may_do_is_waited_for(warehouse_settings: Settings) -> None:
    done = threading.Event()

    def work() -> None:
        with one_at_a_time("models"):
            done.set()

    with one_at_a_time("models"):
        waiting = started(threading.Thread(target=work))
        assert not done.wait(SOON)
    assert done.wait(PATIENCE)
    waiting.join(PATIENCE)

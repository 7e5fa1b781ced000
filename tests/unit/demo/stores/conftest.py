"""A small shop, built once, and a fresh stand-in of it for each test."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from demo.stores.business.model import Shop
from demo.stores.business.profiles import ACME
from demo.stores.business.shop import build
from demo.stores.shopify.app import Limits, StandIn
from tests.unit.demo.stores.asking import Client


@pytest.fixture(scope="session")
def built() -> Shop:
    """A tenth of acme; not to be changed."""
    return build(ACME, seed=3, scale=0.1)


@pytest.fixture
def shop(built: Shop) -> Shop:
    return copy.deepcopy(built)


@pytest.fixture
def make(shop: Shop) -> Callable[..., Client]:
    def build_client(**limits: Any) -> Client:
        usual = {"bucket": 1_000_000, "restore": 1_000_000, "bulk_seconds": 0.01}
        return Client(StandIn(shop, Limits(**{**usual, **limits})))

    return build_client


@pytest.fixture
def client(make: Callable[..., Client]) -> Client:
    return make()

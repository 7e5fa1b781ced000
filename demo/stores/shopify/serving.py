"""How the Shopify stand-in is started."""

from __future__ import annotations

import argparse

from demo.stores.business.profiles import PROFILES
from demo.stores.business.shop import build
from demo.stores.serving import Served
from demo.stores.shopify.app import Limits, StandIn, recent_token_for, token_for
from demo.stores.shopify.cost import MODELS
from demo.stores.shopify.wanted import API_VERSION


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what only this stand-in is told."""
    usual = Limits()
    parser.add_argument("--bucket", type=float, default=usual.bucket, help="points it holds")
    parser.add_argument("--restore", type=float, default=usual.restore, help="points a second")
    parser.add_argument("--cost-model", choices=sorted(MODELS), default=usual.cost_model)
    parser.add_argument("--bulk-at-once", type=int, default=usual.bulk_at_once)
    parser.add_argument("--bulk-seconds", type=float, default=usual.bulk_seconds)


def serve(chosen: argparse.Namespace) -> Served:
    """Makes the shop and its stand-in."""
    company = chosen.company
    limits = Limits(
        chosen.bucket, chosen.restore, chosen.cost_model, chosen.bulk_at_once, chosen.bulk_seconds
    )
    stand_in = StandIn(build(PROFILES[company], chosen.seed, chosen.scale), limits)
    said = (
        f"token {token_for(company)}",
        f"token of the last 60 days {recent_token_for(company)}",
    )
    return Served(stand_in.app, said, f"/admin/api/{API_VERSION}/graphql.json")

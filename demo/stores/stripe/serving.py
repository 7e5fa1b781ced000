"""How the Stripe stand-in is started."""

from __future__ import annotations

import argparse

from demo.stores.business.profiles import PROFILES
from demo.stores.serving import Served
from demo.stores.stripe.account import build
from demo.stores.stripe.app import StandIn, key_for


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: this stand-in is told no more than all are."""


def serve(chosen: argparse.Namespace) -> Served:
    """Makes the account and its stand-in."""
    stand_in = StandIn(build(PROFILES[chosen.company], chosen.seed, chosen.scale))
    return Served(stand_in.app, (f"key {key_for(chosen.company)}",), "")

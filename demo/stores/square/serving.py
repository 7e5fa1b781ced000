"""How the Square stand-in is started."""

from __future__ import annotations

import argparse

from demo.stores.business.profiles import PROFILES
from demo.stores.serving import Served
from demo.stores.square.app import StandIn, token_for
from demo.stores.square.model import build


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: this stand-in is told no more than all are."""


def serve(chosen: argparse.Namespace) -> Served:
    """Makes the account and its stand-in."""
    stand_in = StandIn(build(PROFILES[chosen.company], chosen.seed, chosen.scale))
    return Served(stand_in.app, (f"token {token_for(chosen.company)}",), "")

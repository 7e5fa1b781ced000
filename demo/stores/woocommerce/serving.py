"""How the WooCommerce stand-in is started."""

from __future__ import annotations

import argparse

from demo.stores.business.profiles import PROFILES
from demo.stores.business.site import build_site
from demo.stores.serving import Served
from demo.stores.woocommerce.app import Setup, Site, key_for


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what only this stand-in is told."""
    usual = Setup()
    parser.add_argument("--timezone", help="of the site; default: the company's")
    parser.add_argument("--plain-permalinks", action="store_true", help="no /wp-json, as it may be")
    parser.add_argument("--not-found", action="store_true", help="404 where the API isn't")
    parser.add_argument("--folder", default=usual.folder, help="where the site lies: /shop")
    parser.add_argument(
        "--version", default="{}.{}".format(*usual.version), help="of WooCommerce: 8.2, 9.0, 11.0"
    )
    parser.add_argument("--decimals", type=int, default=usual.decimals, help="of every amount")


def serve(chosen: argparse.Namespace) -> Served:
    """Makes the site and its stand-in."""
    major, minor = chosen.version.split(".")[:2]
    setup = Setup(
        timezone=chosen.timezone,
        permalinks=not chosen.plain_permalinks,
        not_found=chosen.not_found,
        folder=chosen.folder,
        version=(int(major), int(minor)),
        decimals=chosen.decimals,
    )
    site = Site(build_site(PROFILES[chosen.company], chosen.seed, chosen.scale), setup)
    key, secret = key_for(chosen.company)
    return Served(site.app, (f"key {key}", f"secret {secret}"), chosen.folder)

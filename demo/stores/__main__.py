"""Serves one company's stand-in: ``python -m demo.stores --company acme --port 8765``."""

from __future__ import annotations

import argparse
import gc
import sys

import uvicorn

from demo.stores.business.profiles import PROFILES
from demo.stores.business.shop import build
from demo.stores.shopify.app import Limits, StandIn, recent_token_for, token_for
from demo.stores.shopify.cost import MODELS
from demo.stores.shopify.wanted import API_VERSION


class _Announcing(uvicorn.Server):
    """A server that says where it is once it can be reached."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}/admin/api/{API_VERSION}/graphql.json", flush=True)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Serves until it is stopped; returns the exit code."""
    usual = Limits()
    parser = argparse.ArgumentParser(prog="python -m demo.stores", description=__doc__)
    parser.add_argument("--company", choices=sorted(PROFILES), required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is about 1,000 customers")
    parser.add_argument("--bucket", type=float, default=usual.bucket, help="points it holds")
    parser.add_argument("--restore", type=float, default=usual.restore, help="points a second")
    parser.add_argument("--cost-model", choices=sorted(MODELS), default=usual.cost_model)
    parser.add_argument("--bulk-at-once", type=int, default=usual.bulk_at_once)
    parser.add_argument("--bulk-seconds", type=float, default=usual.bulk_seconds)
    chosen = parser.parse_args(arguments)
    company = chosen.company
    limits = Limits(
        chosen.bucket, chosen.restore, chosen.cost_model, chosen.bulk_at_once, chosen.bulk_seconds
    )
    stand_in = StandIn(build(PROFILES[company], chosen.seed, chosen.scale), limits)
    # The shop stays: looking through it for garbage again and again takes long and finds none.
    gc.freeze()
    print(f"token {token_for(company)}")  # noqa: T201
    print(f"token of the last 60 days {recent_token_for(company)}", flush=True)  # noqa: T201
    config = uvicorn.Config(
        stand_in.app,
        host=chosen.host,
        port=chosen.port,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
    )
    _Announcing(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

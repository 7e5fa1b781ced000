"""Serves one company's stand-in: ``python -m demo.stores --company acme --port 8765``."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import Any

import uvicorn

from demo.stores.business.profiles import PROFILES
from demo.stores.shopify import serving as shopify
from demo.stores.square import serving as square
from demo.stores.stripe import serving as stripe
from demo.stores.woocommerce import serving as woocommerce

#: Each has `add_options` and `serve`.
APIS: dict[str, Any] = {
    "shopify": shopify,
    "square": square,
    "stripe": stripe,
    "woocommerce": woocommerce,
}


class _Announcing(uvicorn.Server):
    """A server that says where it is once it can be reached."""

    def __init__(self, config: uvicorn.Config, path: str) -> None:
        super().__init__(config)
        self.path = path

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        scheme = "https" if self.config.is_ssl else "http"
        print(f"{scheme}://127.0.0.1:{port}{self.path}", flush=True)  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Serves until it is stopped; returns the exit code."""
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--api", choices=sorted(APIS), default="shopify")
    api = APIS[which.parse_known_args(arguments)[0].api]
    parser = argparse.ArgumentParser(
        prog="python -m demo.stores", description=__doc__, parents=[which]
    )
    parser.add_argument("--company", choices=sorted(PROFILES), required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is about 1,000 customers")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="serve by HTTPS")
    api.add_options(parser)
    chosen = parser.parse_args(arguments)
    served = api.serve(chosen)
    # The shop stays: looking through it for garbage again and again takes long and finds none.
    gc.freeze()
    for line in served.said:
        print(line, flush=True)  # noqa: T201
    certificate, key = chosen.tls or (None, None)
    config = uvicorn.Config(
        served.app,
        host=chosen.host,
        port=chosen.port,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        # A client that keeps its connection doesn't keep the stand-in.
        timeout_graceful_shutdown=1,
    )
    _Announcing(config, served.path).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Starts the dashboard: ``python -m reporting.dashboard --host 127.0.0.1 --port 8500``."""

from __future__ import annotations

import argparse


def main() -> None:
    """Serves until it is ended."""
    import uvicorn

    from reporting.dashboard.app import create_app

    parser = argparse.ArgumentParser(prog="python -m reporting.dashboard")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        create_app(),
        host=arguments.host,
        port=arguments.port,
        # Addresses hold ids of customers.
        access_log=False,
        log_level="info",
        server_header=False,
    )


if __name__ == "__main__":
    main()

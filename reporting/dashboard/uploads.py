"""CSV files on their way to the receiver: mapping preview, progress, outcome."""

from __future__ import annotations

from fastapi import FastAPI


def add_uploads(app: FastAPI) -> None:
    """Adds the pages of uploads."""

"""Blocks into HTML, and the files that a page needs with it."""

from __future__ import annotations

import base64
import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.blocks import formats

if TYPE_CHECKING:
    from jinja2 import Environment

BLOCK_TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")


def environment(*folders: Path) -> Environment:
    """Returns templates that escape what they are given.

    Args:
        folders: Of templates, beside those of the blocks.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader([*folders, BLOCK_TEMPLATES]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        count=formats.count,
        day=formats.day,
        money=formats.money,
        month=formats.month,
        percent=formats.percent,
    )
    return made


def plotly_file() -> Path:
    """Returns plotly.js as the plotly package ships it.

    Raises:
        FileNotFoundError: The package isn't installed.
    """
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("plotly is not installed: make installs what requirements.lock has")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Returns plotly.js compressed, in base64; the same bytes each time."""
    packed = gzip.compress(plotly_file().read_bytes(), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")

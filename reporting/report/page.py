"""The report as one HTML file that needs nothing else: styles, script and figures are inside."""

from __future__ import annotations

import os
from pathlib import Path

from reporting.blocks.rendering import STATIC, environment, packed_plotly
from reporting.report.content import Report

TEMPLATES = Path(__file__).with_name("templates")


def render(report: Report) -> str:
    """Returns the page; equal numbers give equal bytes."""
    page = environment(TEMPLATES).get_template("report.html")
    return page.render(
        facts=report.facts,
        sections=report.sections,
        style=(STATIC / "clv.css").read_text(encoding="utf-8"),
        charts=(STATIC / "charts.js").read_text(encoding="utf-8"),
        unpack=(STATIC / "unpack.js").read_text(encoding="utf-8"),
        plotly=packed_plotly() if report.sections else "",
    )


def write(report: Report, target: Path) -> None:
    """Writes the page to a file, whole or not at all.

    Raises:
        OSError: The file can't be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # The numbers are nobody else's business on a machine that is shared.
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(render(report))
    draft.replace(target)

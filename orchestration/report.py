"""What `clv report` does: the report of a company, as a file."""

from __future__ import annotations

from pathlib import Path

from warehouse.connection import connect
from warehouse.settings import Settings


def report_file(settings: Settings, company_id: str) -> Path:
    """Returns where a company's report stands; the next one takes its place."""
    return settings.home / "reports" / f"{company_id}.html"


def write_report(settings: Settings, company_id: str, target: Path | None = None) -> Path:
    """Writes the report of a company as it stands in the warehouse now.

    Args:
        settings: Those of the installation.
        company_id: The company.
        target: The file; by default `report_file`.

    Returns:
        The file.

    Raises:
        UnknownCompanyError: The warehouse has no such company.
        EmbeddedServerError, ConnectionFailedError: The warehouse can't be used.
        ReportNotWrittenError: The file can't be written.
    """
    from reporting.report.content import read_report
    from reporting.report.page import write

    target = target or report_file(settings, company_id)
    with connect(settings=settings) as connection:
        # One snapshot: a publication that ends meanwhile would mix two days.
        connection.execute("set transaction isolation level repeatable read read only")
        report = read_report(connection, company_id)
    try:
        write(report, target)
    except OSError as error:
        raise ReportNotWrittenError(
            f"{target} can't be written ({error.strerror}). Name another file with --out."
        ) from error
    return target


class ReportNotWrittenError(Exception):
    """The report can't be written; the message says where and what to do."""

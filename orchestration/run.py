"""What `clv run` and `clv demo` do, and what they show at the end.

Belongs here: the order of things and their words. Does not belong here: the worker
(`orchestration/refresh.py`) and the numbers (`reporting/summary.py`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestration import services
from orchestration.environment import runtime_environment
from orchestration.refresh import Outcome, refresh
from reporting.summary import Score, Summary, summarise
from warehouse.companies import CompaniesFileError, Company, load_companies
from warehouse.settings import PROJECT_ROOT, Settings

DEMO_COMPANY = "cdnow"


def run(settings: Settings, company_ids: list[str], console: Console) -> bool:
    """Refreshes companies and shows what their customers are worth.

    Args:
        settings: Those of the installation.
        company_ids: The companies; none means all of companies.yml.
        console: Where people look.

    Returns:
        Whether every company was refreshed.

    Raises:
        CompaniesFileError: companies.yml has a mistake, or a company isn't in it.
        LockError: Another refresh is at work.
        EmbeddedServerError, ConnectionFailedError, MissingRightError, ServiceError: See
            `orchestration.services.prepare`.
    """
    companies = load_companies(settings.companies_file)
    unknown = [name for name in company_ids if name not in companies]
    if unknown:
        raise CompaniesFileError(
            f"{', '.join(unknown)} is not in {settings.companies_file}, which has: "
            f"{', '.join(companies)}."
        )
    with console.status("Starting Postgres"):
        services.start_postgres(settings)
        with ThreadPoolExecutor(max_workers=1) as beside:
            shops = beside.submit(services.start_demo_shops, settings)
            services.prepare(settings)
            shops.result()
    outcomes = refresh(
        company_ids or list(companies), settings, runtime_environment(settings), console
    )
    for outcome in outcomes:
        if outcome.success:
            console.print(summary_panel(summarise(outcome.company_id)))
        else:
            console.print(_failure_panel(outcome, settings))
    if any(outcome.success for outcome in outcomes):
        console.print(_where_to_look())
    return all(outcome.success for outcome in outcomes)


def demo(settings: Settings, console: Console) -> bool:
    """Runs every company of companies.yml, after writing CDNOW's purchases where they are missing.

    Returns:
        Whether every company was refreshed.

    Raises:
        CompaniesFileError: See `run`; also when the demo's CSV can't be written.
    """
    company = load_companies(settings.companies_file).get(DEMO_COMPANY)
    if company is not None:
        _export_purchases(company, settings.companies_file.parent)
    return run(settings, [], console)


def _export_purchases(company: Company, folder: Path) -> None:
    """Writes CDNOW's log as the company's file; one that is there is the user's and stays."""
    for feed in company.sources.files:
        target = folder / feed.path
        if target.exists():
            continue
        exported = subprocess.run(
            [sys.executable, "-m", "demo.cdnow", str(target)],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if exported.returncode:
            said = exported.stderr.strip().splitlines() or ["no reason given"]
            raise CompaniesFileError(
                f"The demo's purchases can't be written to {target}: {said[-1]}. Make the folder "
                "writable, or change the path in companies.yml."
            )


def summary_panel(summary: Summary) -> Panel:
    """Returns what the end of a run says of a company."""
    value = summary.value
    numbers = Table.grid(padding=(0, 3))
    numbers.add_column(style="dim")
    numbers.add_column(justify="right", style="bold")
    numbers.add_column(style="dim")
    numbers.add_row("Customers", f"{value.customers:,}", f"{value.orders:,} orders")
    numbers.add_row(
        "Revenue to date",
        f"{value.revenue:,.2f} {value.currency}",
        f"net, to {value.as_of_date:%d %B %Y}",
    )
    numbers.add_row(
        "Predicted 12-month value",
        f"{value.predicted_value:,.2f} {value.currency}",
        f"{value.predicted_value / max(value.customers, 1):,.2f} a customer",
    )
    numbers.add_row(
        "Share of the top 10 %",
        f"{value.top_share:.1%}",
        f"{value.top_value:,.2f} {value.currency}",
    )
    if value.quarantined:
        numbers.add_row(
            "In quarantine", f"{value.quarantined:,} rows", "quarantine.rejected_rows says why"
        )
    grid = Table.grid()
    grid.add_row(numbers)
    grid.add_row("")
    grid.add_row(_accuracy(summary))
    return Panel(
        grid, title=f"[bold]{escape(value.company)}[/]", title_align="left", padding=(1, 2)
    )


def _accuracy(summary: Summary) -> Table | Text:
    if summary.champion is None or summary.naive is None:
        return Text("Too few customers yet for a contest of the models on held-back data.", "dim")
    champion, naive = summary.champion, summary.naive
    table = Table(
        title=f"Spend held back from the models: {champion.horizon.removesuffix('w')} weeks after "
        f"{champion.cutoff:%d %B %Y}",
        title_justify="left",
        title_style="dim",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("")
    for name in ("Error a customer", "Spearman", "Gini", "Decile error"):
        table.add_column(name, justify="right", no_wrap=True)

    def add(role: str, score: Score, style: str) -> None:
        table.add_row(
            f"{role} {score.model}",
            f"{score.mae:,.2f} {summary.value.currency}",
            f"{score.spearman:.3f}",
            f"{score.normalised_gini:.3f}",
            f"{score.decile_mape:.0%}",
            style=style,
        )

    add("Champion", champion, "green")
    if not naive.is_champion:
        add("Baseline", naive, "")
    return table


def _failure_panel(outcome: Outcome, settings: Settings) -> Panel:
    text = Text("\n".join(outcome.problems) or "The run failed without a message.")
    text.append("\n\nThe tables keep their last good state. ", style="dim")
    text.append(
        f"More: {settings.log_folder / 'refresh.log'}, or the run in the Dagster UI.", "dim"
    )
    return Panel(
        text,
        title=f"[bold red]{outcome.company_id} was not refreshed[/]",
        title_align="left",
        border_style="red",
        padding=(1, 2),
    )


def _where_to_look() -> Table:
    clv = _command()
    table = Table.grid(padding=(0, 2))
    table.add_row(f"[bold]{clv} up[/]", "Dagster UI: runs and checks; MLflow UI: models")
    table.add_row(f'[bold]psql "$({clv} url)"[/]', "reporting.customer_360, marts.*, ml.*")
    table.add_row(f"[bold]{clv} down[/]", "stops everything")
    return table


def _command() -> str:
    """Returns how this person can call `clv` from here."""
    program = Path(sys.executable).with_name("clv")
    if shutil.which("clv") == str(program):
        return "clv"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)

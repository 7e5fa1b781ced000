"""Refreshes companies in a process of its own and shows how far it is.

Belongs here: the lock, the worker's life and death, what a person sees meanwhile. Does not belong
here: what a run does (`orchestration/defs`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import psutil
from rich.console import Console
from rich.markup import escape
from rich.status import Status

from warehouse.connection import connect
from warehouse.locks import exclusive
from warehouse.settings import Settings

#: Name under which every connection of a worker's processes is known to Postgres.
APPLICATION_NAME = "clv-refresh"

#: Jobs and steps as a person would say them.
JOBS = {
    "land": "Land",
    "transform": "Transform",
    "score": "Score",
    "train": "Score",
    "publish": "Publish",
    "report": "Report",
}
STEPS = {
    "raw_shopify": "Land the Shopify shop",
    "raw_shopify_great_expectations": "Check what the shop sent",
    "raw_shopify__orders_reconciles_with_shop": "Reconcile with the shop",
    "raw_square": "Land the Square account",
    "raw_square_great_expectations": "Check what Square sent",
    "raw_square__payments_reconciles_with_account": "Reconcile with Square",
    "raw_stripe": "Land the Stripe account",
    "raw_stripe_great_expectations": "Check what the account sent",
    "raw_stripe__charges_reconciles_with_account": "Reconcile with the account",
    "raw_woocommerce": "Land the WooCommerce site",
    "raw_woocommerce_great_expectations": "Check what the site sent",
    "raw_woocommerce__orders_reconciles_with_site": "Reconcile with the site",
    "raw_files__companies": "Land the companies",
    "raw_files__order_lines": "Land the purchases",
    "raw_files__companies_great_expectations": "Check the companies",
    "raw_files__marketing_spend": "Land the marketing spend",
    "raw_files__marketing_spend_great_expectations": "Check the marketing spend",
    "raw_files__marketing_spend_reconciles_with_files": "Reconcile the spend with its files",
    "raw_rates__exchange_rates": "Land the exchange rates",
    "raw_rates__exchange_rates_great_expectations": "Check the exchange rates",
    "raw_rates__exchange_rates_are_fresh": "Look how old the exchange rates are",
    "raw_files__order_lines_great_expectations": "Check the purchases",
    "raw_files__order_lines_reconciles_with_files": "Reconcile with the files",
    "build_marts": "Model customers, orders, cohorts and features",
    "ml__clv_model_scores": "Hold the contest of the models",
    "ml__clv_model_scores_great_expectations": "Check the scores",
    "predict_customers": "Predict every customer",
    "ml__clv_predictions_great_expectations": "Check the predictions",
    "ml__clv_predictions_covers_every_customer": "Check that nobody is missing",
    "insights": "Look ahead, and say why",
    "insights_great_expectations": "Check the reasons",
    "ml__interval_scores_cover_what_they_say": "Check the intervals",
    "ml__customer_outlook_covers_every_customer": "Check that nobody is missing ahead",
    "ml__revenue_forecasts_add_up": "Check that the forecasts add up",
    "ml__drift_metrics_stay_within_bounds": "Look for drift",
    "ml__realised_accuracy_is_as_expected": "Compare with what came",
    "ml__clv_model_scores_no_contest_is_due": "Ask whether the models are to compete",
    "ml__clv_model_scores_the_gate_chose_who_serves": "Look who is in service",
    "ml__clv_prediction_paths_lead_to_the_predictions": "Check the monthly paths",
    "build_reporting": "Publish customer values",
    "publish_segments": "Publish the segments of segments.yml",
    "report__clv_report": "Write the report",
    "report__deliverables": "Write the files to take away",
    "reporting__customer_360_readers_are_kept_to_their_companies": "Check who sees what",
}


@dataclass
class Outcome:
    """What a refresh did to one company.

    Attributes:
        company_id: The company.
        success: Whether its run succeeded.
        problems: What failed, a message each.
    """

    company_id: str
    success: bool = False
    problems: list[str] = field(default_factory=list)


def refresh(
    company_ids: list[str],
    settings: Settings,
    environment: Mapping[str, str],
    console: Console,
) -> list[Outcome]:
    """Materialises everything for the companies, through Dagster.

    Args:
        company_ids: Companies of companies.yml.
        settings: Where things are.
        environment: Variables of the worker (orchestration/environment.py).
        console: Where progress is shown.

    Returns:
        One outcome a company.

    Raises:
        LockError: Another refresh is at work.
    """
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    settings.log_folder.mkdir(parents=True, exist_ok=True)
    with exclusive(settings.run_folder / "refresh.lock", "A refresh of the companies"):
        _end_leftovers(settings)
        return _run_worker(company_ids, settings, environment, console)


def _run_worker(
    company_ids: list[str],
    settings: Settings,
    environment: Mapping[str, str],
    console: Console,
) -> list[Outcome]:
    progress = _Progress(console)
    read_end, write_end = os.pipe()
    log_file = settings.log_folder / "refresh.log"
    log_file.touch(mode=0o600)  # messages may quote a row
    with log_file.open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "orchestration.worker", *company_ids],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[write_end],
            start_new_session=True,
            env={
                **environment,
                "CLV_PROGRESS_FD": str(write_end),
                "PGAPPNAME": APPLICATION_NAME,
            },
        )
    os.close(write_end)
    _remember(settings, worker.pid)
    try:
        with os.fdopen(read_end, encoding="utf-8") as pipe:
            progress.follow(pipe)
        worker.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    ended = {outcome.company_id for outcome in progress.outcomes}
    died = (
        f"The worker ended with code {worker.returncode} before this company was done. "
        f"{log_file} says more; run the command again."
    )
    return progress.outcomes + [
        Outcome(company_id, problems=[died])
        for company_id in company_ids
        if company_id not in ended
    ]


class _Progress:
    """Shows the worker's events, and keeps what came of each company.

    Attributes:
        outcomes: The companies whose run ended.
    """

    def __init__(self, console: Console) -> None:
        self.outcomes: list[Outcome] = []
        self._console = console
        self._job = ""
        self._problems: list[tuple[str | None, str]] = []
        # Two companies may be at work at once.
        self._steps: dict[str | None, _Step] = {}

    def follow(self, pipe: IO[str]) -> None:
        """Reads events until the worker closes its end."""
        with self._console.status("Starting Dagster") as status:
            for line in pipe:
                with suppress(json.JSONDecodeError):  # a killed worker may leave half a line
                    event = json.loads(line)
                    getattr(self, f"_on_{event.pop('event')}")(status, **event)

    def _on_run(self, status: Status, job: str, company: str | None) -> None:
        if JOBS[job] != self._job:
            self._job = JOBS[job]
            self._console.print(f"[bold]{self._job}[/]")

    def _on_run_done(self, status: Status, company: str | None) -> None:
        self._show_done(company)

    def _on_step(self, status: Status, company: str | None, step: str) -> None:
        following = _Step(step)
        last = self._steps.get(company)
        # Steps of one title, such as the checks of a source's tables, are one line.
        if last is not None and last.done and following.title == last.title:
            last.done = False
        else:
            self._show_done(company)
            self._steps[company] = following
        status.update(f"{company or ''} {following.title}".strip())

    def _on_asset(self, status: Status, company: str | None, asset: str, rows: int | None) -> None:
        step = self._steps[company]
        step.assets += 1
        step.rows = rows
        status.update(f"{company or ''} {step.title} [dim]{asset}[/]".strip())

    def _on_check(
        self,
        status: Status,
        company: str | None,
        asset: str,
        check: str,
        passed: bool,
        severity: str,
        text: str | None,
    ) -> None:
        self._steps[company].checks += 1
        if not passed:
            problem = f"{asset}, {check}: {text or 'failed'}"
            whose = f"{company}: " if company else ""
            self._console.print(f"  [yellow]![/] {escape(whose + problem)}")
            if severity == "ERROR":
                self._problems.append((company, problem))

    def _on_warning(self, status: Status, company: str | None, text: str) -> None:
        self._console.print(f"  [yellow]![/] {escape(text)}")

    def _on_step_done(self, status: Status, company: str | None) -> None:
        step = self._steps[company]
        step.ended = time.monotonic()
        step.done = True

    def _show_done(self, company: str | None) -> None:
        step = self._steps.get(company)
        # A source that the company doesn't have is no step to anybody.
        if step is not None and step.done and (step.assets or step.checks):
            self._console.print(step.line("[green]✓[/]", company))
        self._steps.pop(company, None)

    def _on_step_failed(self, status: Status, company: str | None, reason: str) -> None:
        step = self._steps.pop(company, _Step())
        step.ended = time.monotonic()
        self._console.print(step.line("[red]✗[/]", company))
        self._problems.append((company, reason))

    def _on_ended(self, status: Status, company: str, success: bool) -> None:
        # What went wrong in a run of all is everybody's.
        problems = [text for of, text in self._problems if of in (company, None)]
        self.outcomes.append(Outcome(company, success, problems))


@dataclass
class _Step:
    """One step of a run, while it runs."""

    key: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    done: bool = False
    assets: int = 0
    checks: int = 0
    rows: int | None = None

    @property
    def title(self) -> str:
        known = STEPS.get(self.key)
        if known is None and self.key.endswith("_is_fresh"):
            return "Look who is up to date"
        if known is None and self.key.endswith("_great_expectations"):
            schema = self.key.split("__")[0]
            return STEPS.get(f"{schema}_great_expectations", f"Check {schema}")
        return known or self.key

    def line(self, mark: str, company: str | None) -> str:
        counted = []
        if self.assets == 1 and self.rows is not None:
            counted.append(f"{self.rows:,} row{'s' if self.rows != 1 else ''}")
        elif self.assets > 1:
            counted.append(f"{self.assets} tables")
        if self.checks > 1:
            counted.append(f"{self.checks} checks")
        seconds = self.ended - self.started
        whose = f"{company:<10} " if company else ""
        title = f"{whose}{self.title}"
        return f"  {mark} {title:<46} {seconds:5.1f} s  [dim]{', '.join(counted)}[/]"


def _remember(settings: Settings, pid: int) -> None:
    """Writes down the worker's process group, which is its pid, and when it was born."""
    with suppress(psutil.NoSuchProcess):
        born = psutil.Process(pid).create_time()
        (settings.run_folder / "refresh.json").write_text(json.dumps({"group": pid, "born": born}))


def _end_leftovers(settings: Settings) -> None:
    """Ends what a killed refresh left running: its processes, then their database sessions."""
    record_file = settings.run_folder / "refresh.json"
    with suppress(FileNotFoundError, ValueError, KeyError):
        record = json.loads(record_file.read_text())
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                in_group = os.getpgid(process.pid) == record["group"]
                if in_group and process.create_time() >= record["born"] - 1:
                    process.kill()
    record_file.unlink(missing_ok=True)
    with connect() as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = %s and pid <> pg_backend_pid()",
            (APPLICATION_NAME,),
        )

"""What `clv map` shows and does.

Belongs here: its words. Does not belong here: the guess (`ingestion/sources/files/mapping.py`) and
writing companies.yml (`companies_file.py` there).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ingestion.sources.files.companies_file import render_feed, write_feed
from ingestion.sources.files.mapping import Guess, guess_file
from warehouse.companies import CompaniesFileError, Company, load_companies

#: Of a company that isn't in companies.yml yet.
_NEW = {"base_currency": "USD", "timezone": "UTC", "margin_rate": 0.4}

_SHOWN_COLUMNS = (
    *("line_number", "order_id", "customer_id", "email", "ordered_at", "order_date", "amount"),
    *("quantity", "currency", "channel", "country", "product"),
)

_SHOWN_ROWS = 3

_LONGEST_VALUE = 25


def map_file(
    path: Path,
    companies_file: Path,
    company_id: str,
    feed_name: str | None,
    given: Mapping[str, Any],
    write: bool,
    console: Console,
) -> bool:
    """Guesses a file's mapping, shows what would land, and writes it to companies.yml if asked to.

    Args:
        path: The file.
        companies_file: companies.yml, which need not be there.
        company_id: Whose file it is; a company that isn't in companies.yml yet is made.
        feed_name: What the feed is to be called; None takes it from the file's name.
        given: Settings that aren't guessed; of a new company also base_currency and timezone.
        write: Whether companies.yml is to be changed.
        console: Where people look.

    Returns:
        Whether the file can be landed by the guess.

    Raises:
        SourceError: The file can't be read at all.
        CompaniesFileError: companies.yml has a mistake, or can't be written.
    """
    company, is_new = _company(companies_file, company_id, given)
    name = feed_name or _feed_name(path)
    settings = {key: value for key, value in given.items() if value is not None}
    settings.pop("timezone", None)
    with console.status(f"Reading {path.name}"):
        guess = guess_file(path, company, name, _written_path(path, companies_file), given=settings)
    _show(guess, console)
    if guess.feed is None:
        return False
    if is_new and given.get("currency") is None and guess.settings.get("currency"):
        company = company.model_copy(update={"base_currency": guess.settings["currency"]})
    if write:
        write_feed(companies_file, company, guess.feed)
        console.print(
            f"Written to {escape(str(companies_file))}. Look at base_currency, timezone and "
            f"margin_rate of {company.id}, then: clv run {company.id}"
            if is_new
            else f"Written to {escape(str(companies_file))}. Now: clv run {company.id}",
            soft_wrap=True,
        )
    else:
        console.print(
            f"Nothing is written yet: add --write to put this into {escape(str(companies_file))}.",
            soft_wrap=True,
        )
    return True


def _company(
    companies_file: Path, company_id: str, given: Mapping[str, Any]
) -> tuple[Company, bool]:
    """Returns the company of the file, or a new one."""
    known = load_companies(companies_file) if companies_file.exists() else {}
    if company_id in known:
        return known[company_id], False
    chosen = {"base_currency": given.get("currency"), "timezone": given.get("timezone")}
    settings = _NEW | {key: value for key, value in chosen.items() if value is not None}
    try:
        made = Company.model_validate(
            {"id": company_id, "name": company_id.replace("_", " ").title(), **settings}
        )
    except ValueError as error:
        said = "; ".join(
            f"{each['loc'][0]}: {each['msg']}"
            for each in error.errors()  # type: ignore[attr-defined]
        )
        raise CompaniesFileError(f"Company {company_id} can't be made: {said}.") from None
    return made, True


def _feed_name(path: Path) -> str:
    """Makes a feed's name from a file's: no digits at its end, which mostly are a date."""
    words = re.findall(r"[a-z]+", path.name.split(".")[0].lower())
    return "_".join(words)[:31].strip("_") or "orders"


def _written_path(path: Path, companies_file: Path) -> str:
    """Returns the path relative to companies.yml where it is below it, otherwise as a whole."""
    whole, folder = path.resolve(), companies_file.resolve().parent
    written = whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else str(whole)
    return re.sub(r"([*?[])", r"[\1]", written)


def _show(guess: Guess, console: Console) -> None:
    if guess.feed is not None:
        console.print("[bold]The mapping[/]")
        for line in render_feed(guess.feed):
            console.print(f"  {escape(line)}", soft_wrap=True)
    elif guess.columns:
        console.print("[bold]So far[/]")
        for ours, theirs in guess.columns.items():
            console.print(f"  {ours}: {escape(theirs)}")
    if guess.landed:
        _show_landed(guess, console)
    totals = guess.totals
    if totals.rows:
        sums = "".join(f", {amount:,} {code}" for code, amount in sorted(totals.amounts.items()))
        console.print(
            f"\n[bold]Of {totals.rows:,} rows[/] {totals.landed_rows:,} would land{sums}; "
            f"{totals.rejected_rows:,} would be quarantined; {totals.skipped_rows:,} are left out."
        )
    for reason, count in guess.reasons.most_common(10):
        console.print(f"  {count:>9,}  {escape(reason)}", soft_wrap=True)
    if guess.rejected:
        console.print("\n[bold]The first that would be quarantined[/]")
        for row in guess.rejected:
            console.print(f"  {escape(str(row))}", soft_wrap=True)
    for note in guess.notes:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    for problem in guess.problems:
        console.print(f"[red]✗[/] {escape(problem)}", soft_wrap=True)


def _show_landed(guess: Guess, console: Console) -> None:
    table = Table.grid(padding=(0, 3))
    for column in _SHOWN_COLUMNS:
        values = [row[column] for row in guess.landed[:_SHOWN_ROWS]]
        if any(value is not None for value in values):
            table.add_row(f"  [dim]{column}[/]", *(escape(_short(value)) for value in values))
    console.print("\n[bold]The first rows as they would land[/]")
    console.print(table)


def _short(value: object) -> str:
    text = "" if value is None else str(value).removesuffix(":00+00:00").replace("\n", " ")
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"

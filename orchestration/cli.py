"""The `clv` command.

Belongs here: words for people. Does not belong here: work; each command imports what does it, when
it is called, so that `clv --help` answers at once.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.services import Status
    from warehouse.settings import Settings

app = typer.Typer(
    help="Purchases in, a value for every customer out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo() -> None:
    """Real purchases in, a value for every customer out: CDNOW's log, end to end."""
    from orchestration.run import demo as run_demo

    raise typer.Exit(0 if run_demo(_settings(), _console()) else 1)


@app.command()
def run(
    companies: Annotated[
        list[str] | None, typer.Argument(help="Ids in companies.yml; none means all.")
    ] = None,
) -> None:
    """Refresh companies now: land, check, model, train, score and publish."""
    from orchestration.run import run as run_companies

    raise typer.Exit(0 if run_companies(_settings(), companies or [], _console()) else 1)


@app.command()
def predict(
    file: Annotated[Path, typer.Argument(help="CSV of purchases: customer_id, order_ts, amount.")],
    as_of: Annotated[
        datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day that counts.")
    ],
    horizon: Annotated[str, typer.Option(help="How far to predict: 90d, 26w or 6m.")],
    out: Annotated[Path, typer.Option(help="CSV to write, one row a customer.")],
    holdout: Annotated[
        Path | None, typer.Option(help="CSV of the purchases after that day, to compare with.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Where the file's names differ: ours=theirs, such as amount=total."),
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(help="strptime format of the days; ISO 8601 without.")
    ] = None,
    decimal: Annotated[str, typer.Option(help="Decimal mark of the amounts.")] = ".",
) -> None:
    """Predict the customers of a CSV, without a database: the best model, and how good it is."""
    from orchestration.predict import PredictError
    from orchestration.predict import predict as predict_file

    pairs = [text.partition("=") for text in column or []]
    if wrong := [
        text
        for text, (_, sign, theirs) in zip(column or [], pairs, strict=True)
        if not sign or not theirs
    ]:
        raise PredictError(f"--column {wrong[0]}: write ours=theirs, such as amount=total")
    columns = {ours: theirs for ours, _, theirs in pairs}
    predict_file(
        file, as_of.date(), horizon, out, _console(), columns, date_format, decimal, holdout
    )


@app.command()
def explain(
    company: Annotated[str, typer.Option("--company", help="Id in companies.yml.")],
    customer: Annotated[str, typer.Option("--customer", help="Id, as in reporting.customer_360.")],
) -> None:
    """Say why the value of a customer is predicted as it is."""
    from orchestration.explain import explain as explained

    for line in explained(_settings(), company, customer):
        typer.echo(line)


@app.command()
def repeat(
    run: Annotated[
        str, typer.Argument(help="A model_metadata.json, its folder, or the id of a run.")
    ],
) -> None:
    """Make a run once more from its model_metadata.json, and say what came out the same."""
    from orchestration.repeat import repeat as repeated

    with _console().status("Holding the contest again"):
        compared = repeated(_settings(), run)
    for each in compared:
        typer.echo(f"{'same bytes' if each.is_equal else 'DIFFERS':10}  {each.name}")
    raise typer.Exit(0 if all(each.is_equal for each in compared) else 1)


@app.command()
def up() -> None:
    """Start Postgres, Dagster, MLflow and the dashboard, and print where they answer."""
    from orchestration import services

    console = _console()
    with console.status("Starting") as line:
        started = services.up(_settings(), report=lambda name: line.update(f"{name} answers"))
    _print_services(console, started)


@app.command()
def down() -> None:
    """Stop what `up` and `demo` started, and nothing else."""
    from orchestration import services

    console = _console()
    with console.status("Stopping"):
        stopped = services.down(_settings())
    console.print(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Say what runs, and where."""
    from orchestration import services

    found = services.status(_settings())
    if as_json:
        listed = [{"name": s.name, "address": s.address, "state": s.state} for s in found]
        typer.echo(json.dumps(listed, indent=2))
    else:
        _print_services(_console(), found)


@app.command()
def url() -> None:
    """Print the URL of the warehouse, for psql and BI tools; the password is in it."""
    from warehouse.connection import url as warehouse_url

    typer.echo(warehouse_url(settings=_settings()))


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option(help="Folder for backups; backups/ under CLV_HOME without.")
    ] = None,
) -> None:
    """Back up the three databases and the files beside them, into a folder of its own."""
    from orchestration.backup import back_up
    from orchestration.services import start_postgres

    settings, console = _settings(), _console()
    start_postgres(settings)
    with console.status("Backing up"):
        made = back_up(settings, to or settings.home / "backups")
    console.print(f"Backed up to {made}", soft_wrap=True)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `clv backup` made.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace what this installation holds.")
    ] = False,
) -> None:
    """Bring a backup back; what is there stays until the backup has come back whole."""
    from orchestration import services
    from orchestration.backup import BackupError
    from orchestration.backup import restore as bring_back

    settings, console = _settings(), _console()
    running = [each.name for each in services.status(settings) if each.state != "stopped"]
    if others := [name for name in running if name != "postgres"]:
        raise BackupError(f"Stop the platform first (clv down): {', '.join(others)} runs")
    services.prepare(settings)
    with console.status("Restoring"):
        manifest = bring_back(settings, folder, replace=yes)
    console.print(f"Restored the backup of {manifest['made_at']}", soft_wrap=True)


@app.command(name="map")
def map_(
    file: Annotated[Path, typer.Argument(help="A CSV file of purchases; gzip or zip as well.")],
    company: Annotated[
        str, typer.Option(help="Id in companies.yml; one that isn't there is made.")
    ] = "shop",
    feed: Annotated[
        str | None, typer.Option(help="Name of the feed; by default from the file's name.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", "--yes", "-y", help="Write it to companies.yml.")
    ] = False,
    date_format: Annotated[
        str | None, typer.Option(help="How dates are written, such as '%d/%m/%Y'.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark: . or ,")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What stands between fields.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding, such as cp1252.")] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of amounts that don't say theirs.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA time zone of a company that is made.")
    ] = None,
) -> None:
    """Guess how a CSV file is mapped, show what would land, and write companies.yml."""
    from orchestration.map_file import map_file

    given = {
        "date_format": date_format,
        "decimal": decimal,
        "delimiter": delimiter,
        "encoding": encoding,
        "currency": currency,
        "timezone": timezone,
    }
    companies_file = _settings().companies_file
    fits = map_file(file, companies_file, company, feed, given, write, _console())
    raise typer.Exit(0 if fits else 1)


@app.command()
def prepare() -> None:
    """Make the databases and their fixed tables, and start nothing but the embedded Postgres."""
    from orchestration import services

    services.prepare(_settings())


Reader = Annotated[str, typer.Argument(help="Name of a role of the server; a new one is made.")]
ReadCompanies = Annotated[list[str] | None, typer.Option("--company", help="Id of a company.")]


@app.command()
def grant(
    reader: Reader,
    company: ReadCompanies = None,
    pii: Annotated[bool, typer.Option("--pii", help="Also e-mails, names and telephones.")] = False,
) -> None:
    """Let somebody read companies: marts, reporting and ml, and nobody else's rows."""
    from orchestration import access

    given = access.grant(_settings(), reader, company or [], personal_data=pii)
    typer.echo(f"{reader} reads {given.companies}.")
    if given.password is not None:
        typer.echo(f"Log in at {given.address}\nPassword, shown only now: {given.password}")


@app.command()
def revoke(
    reader: Annotated[str, typer.Argument(help="Name of the reader.")],
    company: ReadCompanies = None,
    pii: Annotated[bool, typer.Option("--pii", help="Only e-mails, names and telephones.")] = False,
) -> None:
    """Take companies from a reader, all where none is named; the last one closes its login."""
    from orchestration import access

    left = access.revoke(_settings(), reader, company or [], only_personal_data=pii)
    typer.echo(f"{reader} reads {left}.")


@app.command()
def readers() -> None:
    """List who reads which companies."""
    from orchestration import access

    for line in access.listed(_settings()) or ["Nobody reads yet: clv grant READER --company ID"]:
        typer.echo(line)


@app.command()
def audit(
    company: Annotated[str | None, typer.Option("--company", help="Only of this company.")] = None,
    last: Annotated[int, typer.Option(help="How many lines.", min=1)] = 50,
) -> None:
    """List who or what ran, changed, exported and erased something lately."""
    from orchestration import access

    for entry in access.audited(_settings(), company, last):
        whose = f" of {entry.company_id}" if entry.company_id else ""
        detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
        typer.echo(
            f"{entry.at_time:%Y-%m-%d %H:%M:%S %Z}  {entry.actor}: {entry.action} "
            f"{entry.object}{whose} {detail}".rstrip()
        )


@app.command()
def report(
    company: Annotated[str, typer.Option("--company", help="Id of a company.")],
    out: Annotated[
        Path | None, typer.Option(help="The file; by default reports/COMPANY.html under CLV_HOME.")
    ] = None,
) -> None:
    """Write what a company's customers are worth as one HTML page, to open in a browser."""
    from orchestration.report import write_report

    typer.echo(f"Written: {write_report(_settings(), company, out)}")


PersonCompany = Annotated[str, typer.Option("--company", help="Id in companies.yml.")]
PersonEmail = Annotated[str, typer.Option("--email", help="Any e-mail of the person.")]


@app.command()
def erase(company: PersonCompany, email: PersonEmail) -> None:
    """Take out of everything who a person is; their orders stay, as nobody's in particular."""
    from orchestration import erasure

    with _console().status("Erasing"):
        done = erasure.erase(_settings(), company, email)
    typer.echo(done)


@app.command(name="export-person")
def export_person(
    company: PersonCompany,
    email: PersonEmail,
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write; by default it is printed.")
    ] = None,
) -> None:
    """Give all that is held on a person, as JSON by table."""
    from orchestration import erasure

    text = erasure.export(_settings(), company, email)
    if out is None:
        typer.echo(text)
    else:
        erasure.write_privately(out, text)
        typer.echo(f"Written: {out}")


@app.command()
def docs(
    output: Annotated[
        Path | None, typer.Option(help="The file; by default docs/index.html under CLV_HOME.")
    ] = None,
) -> None:
    """Write the documentation of all tables as one file, to open in a browser."""
    from orchestration.docs import write_docs

    settings = _settings()
    target = output or settings.home / "docs" / "index.html"
    with _console().status("Reading the models"):
        complete = write_docs(settings, target)
    typer.echo(f"Written: {target}")
    if not complete:
        typer.echo("No warehouse answers, so the types and sizes of the tables are not in it.")


@app.command()
def doctor() -> None:
    """Say what is wrong, and how to mend it."""
    from rich.text import Text

    from orchestration.doctor import examine

    console = _console()
    problems = 0
    for finding in examine(_settings()):
        mark = Text("ok     ", "green") if finding.remedy is None else Text("problem", "bold red")
        console.print(mark, Text(f" {finding.subject}: {finding.seen}"), sep="", soft_wrap=True)
        if finding.remedy is not None:
            problems += 1
            console.print(Text(f"         {finding.remedy}", "yellow"), soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


def main() -> None:
    """Runs the command; a known trouble is a message and exit code 1, never a traceback."""
    try:
        app()
    except Exception as error:
        message = _explanation(error)
        if message is None:
            raise
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True).print(Text(message, "red"), soft_wrap=True)
        sys.exit(1)


def _explanation(error: Exception) -> str | None:
    """Returns the message of a trouble that people can mend, None for a fault of the code."""
    from pydantic import ValidationError

    from ingestion.errors import SourceError
    from orchestration.backup import BackupError
    from orchestration.docs import DocsError
    from orchestration.erasure import ErasureError
    from orchestration.explain import ExplainError
    from orchestration.manifest import ManifestError
    from orchestration.predict import PredictError
    from orchestration.repeat import RepeatError
    from orchestration.report import ReportNotWrittenError
    from orchestration.services import ServiceError
    from reporting.report.content import UnknownCompanyError
    from warehouse.companies import CompaniesFileError
    from warehouse.connection import ConnectionFailedError
    from warehouse.databases import MissingRightError
    from warehouse.embedded import EmbeddedServerError
    from warehouse.locks import LockError
    from warehouse.readers import ReaderError

    if isinstance(error, ValidationError) and error.title == "Settings":
        return "\n".join(
            f"CLV_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()
        )
    known = (
        BackupError,
        CompaniesFileError,
        ConnectionFailedError,
        DocsError,
        EmbeddedServerError,
        ErasureError,
        ExplainError,
        LockError,
        ManifestError,
        MissingRightError,
        PredictError,
        ReaderError,
        RepeatError,
        ReportNotWrittenError,
        ServiceError,
        SourceError,
        UnknownCompanyError,
    )
    return str(error) if isinstance(error, known) else None


def _settings() -> Settings:
    from warehouse.settings import get_settings

    return get_settings()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def _print_services(console: Console, found: list[Status]) -> None:
    from rich.table import Table

    colours = {"running": "green", "not answering": "yellow", "stopped": "dim"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for service in found:
        colour = colours[service.state]
        table.add_row(service.name, f"[{colour}]{service.state}[/]", service.address or "")
    console.print(table)

"""Logs a contest and registers its champion, once per run id, whatever interrupts it.

The order of writing makes a kill at any moment harmless:

1. the parent run is RUNNING while runs, plots and the model are written;
2. it becomes FINISHED when all of them stand;
3. the model version is created, tagged with the run id;
4. the alias `champion` moves.

A call finds how far the last one came by the tag alone. A run that is not FINISHED is removed and
written again; a FINISHED one is carried on from step 3. So a version is never made twice, and its
number does not tell whether there was an interruption. Callers run one call per company at a time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.evaluation.backtest import Backtest
from ml.evaluation.contest import Contest, all_score_rows, contest_name
from ml.horizons import horizon_name
from ml.models.candidate import Candidate, Description
from ml.models.priors import Prior
from ml.registry.card import model_card

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

RUN_TAG = "clv.run"
MODEL_TAG = "clv.model_id"
CHALLENGER_MODEL_TAG = "clv.challenger_model_id"
CHAMPION_ALIAS = "champion"
CHALLENGER_ALIAS = "challenger"
ROLE_TAG = "clv.role"
# Threads that write runs: more of them wait for one another.
_WRITERS = 4
#: What a run is: the contest, a candidate in it, or one holdout of a candidate. Runs of one kind
#: have the same figures, so `tags.clv.kind = 'candidate'` is what compares sensibly.
KIND_TAG = "clv.kind"
NOTE_TAG = "mlflow.note.content"
_PARENT_TAG = "mlflow.parentRunId"
#: Before the names of a company's own fitted parameters, among the parameters of a contest.
_FIT = "fit."

_EXPERIMENT_NOTE = (
    "Each run is a contest: candidates predict days that were held back from them. Open one to see "
    "the candidates, and each of them for its cutoffs and horizons. To compare, filter by "
    "`tags.`clv.kind` = 'candidate'`, choose runs and press Compare; the best has the lowest "
    "`composite` (mean rank over five figures, 1 is best). `naive` is the baseline."
)


@dataclass(frozen=True)
class Tracking:
    """Where MLflow is.

    Attributes:
        uri: ``postgresql://…``, ``sqlite:///…`` or ``http://…``.
        artifact_root: Path or URI under which each experiment gets a folder.
    """

    uri: str
    artifact_root: str


def ensure_store(tracking: Tracking) -> None:
    """Makes MLflow's tables where they are missing; two processes must not do so at once.

    Args:
        tracking: Where MLflow is.

    Raises:
        mlflow.exceptions.MlflowException: It can't be reached.
    """
    from mlflow import MlflowClient

    MlflowClient(tracking.uri).search_experiments(max_results=1)


@dataclass(frozen=True)
class ContestRecord:
    """What is logged of a contest.

    Attributes:
        company_id: Whose customers these are.
        currency: Base currency, ISO-4217.
        run: Deterministic id, see `ml.registry.fingerprint`.
        contest: The contest.
        champion: The winner, fitted on all data: what is registered.
        settings: Settings of the company that decided the outcome.
        contests: Those of all horizons, by months; `contest` is the one that speaks for them.
        challenger: The best of those who didn't win, fitted likewise; None where there is none.
        in_service: Champions before this contest, by months.
        origin: Tags that say where it came from: the Dagster run, the snapshot of the data.
        own_fit: What another company may borrow of this one; None where it has no fit itself.
    """

    company_id: str
    currency: str
    run: str
    contest: Contest
    champion: Candidate
    settings: Mapping[str, Any]
    contests: Mapping[int, Contest] = field(default_factory=dict)
    challenger: Candidate | None = None
    in_service: Mapping[int, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    own_fit: Prior | None = None

    def rounds(self) -> Iterator[tuple[str, Backtest, float | None]]:
        """Yields every backtest with the name of its horizon and, at the latest, its composite."""
        contests = self.contests or {0: self.contest}
        for months, contest in contests.items():
            horizon = contest_name(months, contests)
            for backtest, composite in zip(contest.backtests, contest.composites, strict=True):
                yield horizon, backtest, composite
            for backtests in contest.earlier:
                for backtest in backtests:
                    yield horizon, backtest, None


@dataclass(frozen=True)
class RegisteredChampion:
    """The model version in service.

    Attributes:
        model_name: Name of the registered model.
        version: Its version.
        mlflow_run_id: The parent run.
    """

    model_name: str
    version: str
    mlflow_run_id: str


class TelemetryError(RuntimeError):
    """MLflow would send usage data to the outside."""


def registry_name(company_id: str) -> str:
    """Returns the name of a company's experiment and of its registered model."""
    return f"clv-{company_id}"


def registered_champion(tracking: Tracking, company_id: str, run: str) -> RegisteredChampion | None:
    """Returns the champion in service if it stems from this run, so that nothing needs redoing."""
    client = _client(tracking)
    name = registry_name(company_id)
    version = _champion_version(client, name)
    if version is None or version.tags.get(RUN_TAG) != run:
        return None
    return RegisteredChampion(name, str(version.version), str(version.run_id))


def version_in_service(tracking: Tracking, company_id: str) -> str | None:
    """Returns the registered version that the alias champion points to, None where none is."""
    version = _champion_version(_client(tracking), registry_name(company_id))
    return None if version is None else str(version.version)


def log_contest(tracking: Tracking, record: ContestRecord) -> RegisteredChampion:
    """Logs a contest, registers its champion and puts it in service.

    For a run that is already there nothing is logged; at most the alias moves (back) to it.

    Raises:
        TelemetryError: Neither MLFLOW_DISABLE_TELEMETRY nor DO_NOT_TRACK is set to true.
    """
    client = _client(tracking)
    name = registry_name(record.company_id)
    experiment_id = _experiment(client, name, tracking.artifact_root)
    finished = _finished_or_cleared(client, experiment_id, record.run)
    parent_id = finished.info.run_id if finished else _write_runs(client, experiment_id, record)
    version = _version(client, name, parent_id, record)
    if record.challenger is not None:
        challenger = _version(client, name, parent_id, record, CHALLENGER_ALIAS)
        _point(client, name, CHALLENGER_ALIAS, challenger)
    _point(client, name, CHAMPION_ALIAS, version)
    return RegisteredChampion(name, str(version.version), parent_id)


def champions_in_service(tracking: Tracking, company_id: str, run: str) -> dict[int, str]:
    """Returns the champions that a contest has to beat, by horizon in months.

    For a run that is already there these are the ones that it had to beat then, so that it comes
    out the same again.
    """
    client = _client(tracking)
    name = registry_name(company_id)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return {}
    for entry in _parents(client, experiment.experiment_id, run):
        if entry.info.status == "FINISHED":
            return _by_months(entry.data.params.get("in_service"))
    version = _champion_version(client, name)
    if version is None or version.run_id is None:
        return {}
    return _by_months(client.get_run(version.run_id).data.params.get("champions"))


def lent_priors(tracking: Tracking, company_ids: Iterable[str]) -> list[Prior]:
    """Returns the fits behind the champions of companies; those without one are left out."""
    client = _client(tracking)
    priors = []
    for company_id in sorted(company_ids):
        version = _champion_version(client, registry_name(company_id))
        if version is None or version.run_id is None:
            continue
        params = client.get_run(version.run_id).data.params
        fit = {
            name.removeprefix(_FIT): float(value)
            for name, value in params.items()
            if name.startswith(_FIT)
        }
        if fit:
            priors.append(Prior(**fit, source=company_id))
    return priors


def _by_months(text: str | None) -> dict[int, str]:
    return {int(months): name for months, name in json.loads(text or "{}").items()}


def _point(client: MlflowClient, name: str, alias: str, version: ModelVersion) -> None:
    current = _aliased_version(client, name, alias)
    if current is None or current.version != version.version:
        client.set_registered_model_alias(name, alias, version.version)


def _client(tracking: Tracking) -> MlflowClient:
    from mlflow import MlflowClient
    from mlflow.telemetry.utils import is_telemetry_disabled

    if not is_telemetry_disabled():
        raise TelemetryError(
            "MLflow's telemetry is on: set MLFLOW_DISABLE_TELEMETRY=true before mlflow is imported"
        )
    return MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)


def _experiment(client: MlflowClient, name: str, artifact_root: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return client.create_experiment(
            name,
            artifact_location=f"{artifact_root.rstrip('/')}/{name}",
            # Otherwise its page opens on traces of language models.
            tags={
                "mlflow.experimentKind": "custom_model_development",
                NOTE_TAG: _EXPERIMENT_NOTE,
            },
        )
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _finished_or_cleared(client: MlflowClient, experiment_id: str, run: str) -> Run | None:
    """Returns the FINISHED parent of a run id; removes what an interrupted call left of it."""
    found = _tagged(client, experiment_id, run)
    parents = [entry for entry in found if _PARENT_TAG not in entry.data.tags]
    finished = [entry for entry in parents if entry.info.status == "FINISHED"]
    if finished:
        return min(finished, key=lambda entry: entry.info.start_time)
    for entry in found:
        of_run = f"source_run_id = '{entry.info.run_id}'"
        for model in client.search_logged_models([experiment_id], filter_string=of_run):
            client.delete_logged_model(model.model_id)
        if entry.info.status == "RUNNING":
            client.set_terminated(entry.info.run_id, status="KILLED")
        client.delete_run(entry.info.run_id)
    return None


def _tagged(client: MlflowClient, experiment_id: str, run: str) -> list[Run]:
    """Returns the runs of a run id, however many there are."""
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], filter_string=f"tags.`{RUN_TAG}` = '{run}'", page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def _parents(client: MlflowClient, experiment_id: str, run: str) -> list[Run]:
    return [e for e in _tagged(client, experiment_id, run) if _PARENT_TAG not in e.data.tags]


def _write_runs(client: MlflowClient, experiment_id: str, record: ContestRecord) -> str:
    """Writes the parent run and one nested run per candidate; FINISHED is the last thing said."""
    contest = record.contest
    parent = client.create_run(
        experiment_id,
        run_name=f"contest to {contest.as_of}",
        tags={
            RUN_TAG: record.run,
            KIND_TAG: "contest",
            NOTE_TAG: "\n\n".join([contest.reason, *_origin_lines(record.origin)]),
            **record.origin,
        },
    )
    parent_id: str = parent.info.run_id
    description = record.champion.describe()
    params = {
        "champion": contest.champion,
        "as_of": contest.as_of.isoformat(),
        "cutoff": contest.cutoff.isoformat(),
        "horizon_days": contest.horizon_days,
        **{f"setting.{key}": value for key, value in record.settings.items()},
        **{f"champion.{key}": value for key, value in description.params.items()},
    }
    contests = record.contests or {0: contest}
    champions = {months: entry.champion for months, entry in contests.items()}
    params["champions"] = json.dumps(champions if record.contests else {})
    # All of them as they went in, from which the run can be repeated.
    params["settings"] = json.dumps(dict(record.settings), sort_keys=True)
    params["in_service"] = json.dumps(dict(record.in_service))
    if record.own_fit is not None:
        params |= {f"{_FIT}{name}": value for name, value in record.own_fit.params().items()}
    metrics: dict[str, float] = {}
    # Most of the time goes into waiting for the store, run after run.
    with ThreadPoolExecutor(_WRITERS) as pool:
        written = []
        for backtest, composite in zip(contest.backtests, contest.composites, strict=True):
            figures = asdict(backtest.metrics) | {"composite": composite}
            if backtest.candidate.name == contest.champion:
                metrics = figures
            written.append(
                pool.submit(
                    _write_candidate, client, experiment_id, parent_id, record, backtest, figures
                )
            )
        for each in written:
            each.result()
    _log(client, parent_id, params, metrics)
    client.log_dict(parent_id, _as_dict(description), "champion.json")
    scores = all_score_rows(contests, record.company_id, record.run)
    client.log_text(parent_id, scores.to_csv(index=False), "scores.csv")
    card = model_card(record.company_id, record.currency, contests, description)
    client.log_text(parent_id, card, "model_card.md")
    model_id = _write_model(client, experiment_id, parent_id, record.champion)
    client.set_tag(parent_id, MODEL_TAG, model_id)
    if record.challenger is not None:
        challenger_id = _write_model(client, experiment_id, parent_id, record.challenger)
        client.set_tag(parent_id, CHALLENGER_MODEL_TAG, challenger_id)
    client.set_terminated(parent_id, status="FINISHED")
    return parent_id


def _write_candidate(
    client: MlflowClient,
    experiment_id: str,
    parent_id: str,
    record: ContestRecord,
    backtest: Backtest,
    figures: Mapping[str, float],
) -> None:
    """Writes a candidate's run, and below it one for each cutoff and horizon it was judged at."""
    from ml.evaluation.plots import backtest_figures

    name = backtest.candidate.name
    description = backtest.candidate.describe()
    run = client.create_run(
        experiment_id,
        run_name=name,
        tags={
            RUN_TAG: record.run,
            KIND_TAG: "candidate",
            _PARENT_TAG: parent_id,
            NOTE_TAG: (
                f"{name} was fitted on what was known on {backtest.cutoff} and judged by the "
                f"{backtest.horizon_days} days after it. Below: the same at every cutoff and "
                "horizon. Money is in "
                f"{record.currency}."
            ),
        },
    )
    run_id = run.info.run_id
    params = {
        "model": name,
        "cutoff": backtest.cutoff.isoformat(),
        "horizon": horizon_name(backtest.horizon_days),
        **description.params,
    }
    _log(client, run_id, params, figures)
    client.log_dict(run_id, _as_dict(description), "fit.json")
    # Drawing takes longer than fitting: only what is in service.
    if name == record.contest.champion:
        for file_name, figure in backtest_figures(backtest, record.currency).items():
            client.log_figure(run_id, figure, f"plots/{file_name}.png")
    for horizon, at_cutoff, composite in record.rounds():
        if at_cutoff.candidate.name == name:
            _write_cutoff(client, experiment_id, run_id, record.run, horizon, at_cutoff, composite)
    client.set_terminated(run_id, status="FINISHED")


def _write_cutoff(
    client: MlflowClient,
    experiment_id: str,
    candidate_id: str,
    run: str,
    horizon: str,
    backtest: Backtest,
    composite: float | None,
) -> None:
    entry = client.create_run(
        experiment_id,
        run_name=f"{backtest.candidate.name} {backtest.cutoff} {horizon}",
        tags={RUN_TAG: run, KIND_TAG: "holdout", _PARENT_TAG: candidate_id},
    )
    params = {"cutoff": backtest.cutoff.isoformat(), "horizon": horizon}
    figures = asdict(backtest.metrics) | ({} if composite is None else {"composite": composite})
    _log(client, entry.info.run_id, params, figures)
    client.set_terminated(entry.info.run_id, status="FINISHED")


def _write_model(
    client: MlflowClient, experiment_id: str, run_id: str, candidate: Candidate
) -> str:
    """Writes a candidate as pyfunc through the client alone, which needs no global tracking URI."""
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    from ml.registry.pyfunc import ClvModel, input_example, model_signature, pip_requirements

    logged = client.create_logged_model(
        experiment_id, name=candidate.name, source_run_id=run_id, model_type="pyfunc"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        with _without_pickle_advice():
            mlflow.pyfunc.save_model(
                path,
                python_model=ClvModel(candidate),
                mlflow_model=Model(
                    artifact_path=logged.artifact_location,
                    run_id=run_id,
                    model_uuid=logged.model_id,
                    model_id=logged.model_id,
                ),
                signature=model_signature(),
                input_example=input_example(),
                pip_requirements=pip_requirements(),
            )
        client.log_model_artifacts(logged.model_id, path)
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)


@contextlib.contextmanager
def _without_pickle_advice() -> Iterator[None]:
    """Leaves out MLflow's advice against pickles, given anew for each model saved.

    A fitted candidate is an object; as a file of code it would have to be fitted again.
    """
    logger = logging.getLogger("mlflow.pyfunc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _version(
    client: MlflowClient,
    name: str,
    parent_id: str,
    record: ContestRecord,
    role: str = CHAMPION_ALIAS,
) -> ModelVersion:
    """Returns the version of the parent run in that role, made unless it is there."""
    from mlflow.exceptions import MlflowException

    existing = client.search_model_versions(f"name = '{name}' and run_id = '{parent_id}'")
    for version in existing:
        if version.tags.get(ROLE_TAG, CHAMPION_ALIAS) == role:
            return version
    try:
        client.create_registered_model(
            name,
            description=(
                f"What customers of {record.company_id} will spend. The alias champion is in "
                "service, challenger is the best of those who lost; each version says which "
                "contest it comes from and why."
            ),
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tag = MODEL_TAG if role == CHAMPION_ALIAS else CHALLENGER_MODEL_TAG
    model_id = client.get_run(parent_id).data.tags[tag]
    challenger = record.challenger.describe().name if record.challenger is not None else ""
    model = record.contest.champion if role == CHAMPION_ALIAS else challenger
    return client.create_model_version(
        name,
        source=client.get_logged_model(model_id).artifact_location,
        run_id=parent_id,
        tags={RUN_TAG: record.run, ROLE_TAG: role, "clv.model": model},
        description=record.contest.reason,
        model_id=model_id,
    )


def _champion_version(client: MlflowClient, name: str) -> ModelVersion | None:
    return _aliased_version(client, name, CHAMPION_ALIAS)


def _aliased_version(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        # No such alias is INVALID_PARAMETER_VALUE in the SQL store, no such model not-exists.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _log(
    client: MlflowClient, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    client.log_batch(
        run_id,
        metrics=[
            Metric(key, float(value), now, 0)
            for key, value in metrics.items()
            if math.isfinite(value)
        ],
        params=[Param(key, str(value)) for key, value in params.items()],
    )


def _origin_lines(origin: Mapping[str, str]) -> list[str]:
    """Returns where a contest came from, for people; addresses can be followed."""
    return [
        f"{tag.removeprefix('clv.').replace('_', ' ')}: {value}" for tag, value in origin.items()
    ]


def _as_dict(description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
        "params": dict(description.params),
        "diagnostics": dict(description.diagnostics),
    }

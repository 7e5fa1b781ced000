"""How long a contest, a night's scoring and `clv predict` take: part of ``make bench-models``.

Each runs in a process of its own, whose peak of resident memory is that of the step.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd

from benchmarks.purchases import Business, purchase_log
from ml.evaluation.calibration import calibrate
from ml.evaluation.contest import fit_challenger, fit_champions, hold_contests, main_contest
from ml.models.preparation import Preparation
from ml.scoring import CompanyFactors, Scope, path_rows, predict_paths, score_customers

HORIZONS_MONTHS = (3, 6, 12)
#: Some ten orders a customer over two years.
_BUSY = {"days": 730, "rate_shape": 0.9, "rate_scale": 3.9, "life_weeks": 60.0}
_LIMITS = {"contest": (90.0, 3000.0), "scoring": (10.0, None), "predict": (60.0, None)}


def main() -> int:
    """Prints seconds and memory of each step; 1 where one is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--predicted", type=int, default=20_000)
    parser.add_argument("--step", choices=list(_LIMITS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step == "contest":
        _contest(asked.folder)
        return 0
    if asked.step == "scoring":
        _scoring(asked.folder)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        daily = purchase_log(Business(asked.customers, **_BUSY))  # type: ignore[arg-type]
        daily.to_pickle(folder / "daily.pickle")
        end = daily["order_date"].max().date()
        print(
            f"{daily['customer_id'].nunique():,} customers, {len(daily):,} orders, "
            f"{platform.machine()}, Python {platform.python_version()}"
        )
        own = [sys.executable, "-m", "benchmarks.contest", "--folder", name, "--step"]
        fits = _measured("contest", [*own, "contest"])
        fits &= _measured("scoring", [*own, "scoring"])
        few = purchase_log(Business(asked.predicted, **_BUSY))  # type: ignore[arg-type]
        file = folder / "purchases.csv"
        few.set_axis(["customer_id", "order_ts", "amount"], axis=1).to_csv(file, index=False)
        as_of = end - timedelta(days=183)
        print(f"{asked.predicted:,} customers, {len(few):,} orders")
        command = [str(Path(sys.executable).with_name("clv")), "predict", str(file)]
        command += ["--as-of", as_of.isoformat(), "--horizon", "26w", "--out"]
        fits &= _measured("predict", [*command, str(folder / "out.csv")])
    return 0 if fits else 1


def _measured(step: str, command: list[str]) -> bool:
    """Runs a step, prints what it took, and says whether that is within its limits."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said, _ = process.communicate()
    took = time.perf_counter() - started
    seconds, megabytes = took, None
    for line in said.splitlines():
        if line.startswith("measured "):
            _, measured, peak = line.split()
            seconds, megabytes = float(measured), float(peak)
    most, memory = _LIMITS[step]
    fits = process.returncode == 0 and seconds <= most
    fits &= memory is None or (megabytes is not None and megabytes <= memory)
    held = f"{megabytes:6.0f} MB" if megabytes is not None else " " * 9
    print(
        f"{step:10} {seconds:7.1f} s (at most {most:.0f})  {held}  "
        f"{took:7.1f} s with the start of Python{'' if fits else '  ABOVE'}",
        flush=True,
    )
    return fits


def _contest(folder: Path) -> None:
    """Holds the contests of all horizons, fits and calibrates the champions and keeps them."""
    daily = pd.read_pickle(folder / "daily.pickle")  # noqa: S301 - of this run
    as_of = daily["order_date"].max().date()
    started = time.perf_counter()
    prepared = Preparation(daily)
    contests = hold_contests(prepared, as_of, HORIZONS_MONTHS)
    champion = fit_champions(contests, prepared, as_of)
    champion.calibration = calibrate(contests, prepared, as_of)
    fit_challenger(main_contest(contests), prepared, as_of)
    _report(time.perf_counter() - started)
    with (folder / "champion.pickle").open("wb") as file:
        pickle.dump(champion, file)


def _scoring(folder: Path) -> None:
    """Scores every customer at all horizons, with the monthly paths, as a night does."""
    daily = pd.read_pickle(folder / "daily.pickle")  # noqa: S301 - of this run
    with (folder / "champion.pickle").open("rb") as file:
        champion = pickle.load(file)  # noqa: S301 - of this run
    as_of = daily["order_date"].max().date()
    started = time.perf_counter()
    paths = predict_paths(champion, daily, as_of, max(HORIZONS_MONTHS))
    scope = Scope("bench", "USD", champion.name, "1")
    factors = CompanyFactors(0.9, 0.3, 0.1)
    score_customers(champion, daily, as_of, HORIZONS_MONTHS, factors, scope, paths=paths)
    path_rows(paths, as_of, "bench")
    _report(time.perf_counter() - started)


def _report(seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"measured {seconds} {peak / (1024**2 if os.uname().sysname == 'Darwin' else 1024)}")


if __name__ == "__main__":
    sys.exit(main())

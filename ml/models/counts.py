"""How many orders: BG/NBD, MBG/NBD and Pareto/NBD, fitted by lifetimes behind guards.

A fit goes down a ladder until something holds: the family from several starting points, then with
a weak penalty, then MBG/NBD (which has no mass of immortal one-time buyers and so fits where
BG/NBD does not), then the pooled rate. With too few repeat customers it is MBG/NBD, drawn to a
prior. Each rung leaves an `Attempt` that tells how it went.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
from lifetimes.utils import ConvergenceError
from scipy.special import expit

from ml.discounting import discounted_path
from ml.models import closed_forms, likelihoods
from ml.models.priors import COUNT_PARAMS, DEFAULT, SPREAD, Prior

Family = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]

FITTERS: dict[str, Any] = {
    "bg_nbd": BetaGeoFitter,
    "mbg_nbd": ModifiedBetaGeoFitter,
    "pareto_nbd": ParetoNBDFitter,
}

MIN_REPEAT_CUSTOMERS = 10
WEAK_PENALTIES = (0.001, 0.01)
_PROBE_WEEKS = np.array([1.0, 52.0])
# A sound Pareto/NBD likelihood takes 150 to 300 steps of the simplex.
_SIMPLEX_STEPS = 400
# A shape this large is a distribution without spread: it and its scale grow together, and each
# step, with such arguments of 2F1, takes ten times as long.
_RUNAWAY_SHAPE = 50.0
# Dropout that is nearly the same for all is no such trouble until digits are lost.
_NO_SPREAD = 1e4
_POLISH_ROUNDS = 3
_POLISH_GAIN = 1e-6


class RidgeError(ConvergenceError):
    """The likelihood rises along a ridge: the data do not tell parameters apart."""


@dataclass(frozen=True)
class Attempt:
    """One rung of the ladder.

    Attributes:
        model: What was fitted.
        penalizer: L2 penalty on the parameters.
        start: Starting point in the fitter's own parameter space.
        converged: Whether the result was taken.
        detail: Why it was not taken, or the log-likelihood reached.
    """

    model: str
    penalizer: float
    start: tuple[float, ...]
    converged: bool
    detail: str


class CountModel(Protocol):
    """Orders of customers given their pattern; m patterns, h horizons."""

    @property
    def name(self) -> str:
        """Name of the model that is inside, after all stepping down."""
        ...

    def params(self) -> dict[str, float]:
        """Returns the fitted parameters."""
        ...

    def alive(self, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Returns P(alive at T), shape (m,)."""
        ...

    def if_alive(
        self, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns what `predict` does, of customers who are alive at T."""
        ...

    def predict(
        self, x: np.ndarray, recency: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns expected orders and P(at least one order), each of shape (m, h)."""
        ...


class _PerPair:
    """Predicts once per distinct (x, T), which is all that counts for who is alive.

    There are far fewer pairs than patterns, and 2F1 and the integrals are what takes the time.
    """

    def predict(
        self: CountModel, x: np.ndarray, recency: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `CountModel.predict`."""
        first, of = _distinct_pairs(x, age)
        orders, purchase = self.if_alive(x[first], age[first], horizons)
        alive = self.alive(x, recency, age)[:, None]
        return alive * orders[of], alive * purchase[of]


@dataclass(frozen=True)
class CountFit:
    """A fitted count model and how it came about.

    Attributes:
        model: The model.
        attempts: Every rung of the ladder.
        prior: What it was drawn to, for people; None where it was fitted to the company alone.
    """

    model: CountModel
    attempts: tuple[Attempt, ...]
    prior: str | None = None


@dataclass(frozen=True)
class GeometricCounts(_PerPair):
    """BG/NBD or MBG/NBD around a fitter of lifetimes."""

    name: Family
    fitter: BetaGeoFitter

    def params(self) -> dict[str, float]:
        """Returns r, alpha (weeks), a, b."""
        return _params(self.fitter)

    def alive(self, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        """See `CountModel.alive`."""
        r, alpha, a, b = self.params().values()
        form = closed_forms.bg_alive if self.name == "bg_nbd" else closed_forms.mbg_alive
        return form(r, alpha, a, b, x, recency, age)

    def if_alive(
        self, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `CountModel.if_alive`."""
        r, alpha, a, b = self.params().values()
        survivals = b if self.name == "bg_nbd" else b + 1
        return (
            closed_forms.geometric_orders(r, alpha, a, survivals, x, age, horizons),
            closed_forms.geometric_purchase_probability(r, alpha, x, age, horizons),
        )


@dataclass(frozen=True)
class ParetoCounts(_PerPair):
    """Pareto/NBD around a fitter of lifetimes."""

    fitter: ParetoNBDFitter
    name: Family = "pareto_nbd"

    def params(self) -> dict[str, float]:
        """Returns r, alpha (weeks), s, beta (weeks)."""
        return _params(self.fitter)

    def alive(self, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        """See `CountModel.alive`: the fitter's own, integrated where that fails."""
        with np.errstate(all="ignore"):
            alive = np.asarray(self.fitter.conditional_probability_alive(x, recency, age))
        failed = ~np.isfinite(alive)
        if failed.any():
            r, alpha, s, beta = self.params().values()
            log_odds = closed_forms.pareto_log_death_odds(
                r, alpha, s, beta, x[failed], recency[failed], age[failed]
            )
            alive[failed] = expit(-log_odds)
        return alive

    def if_alive(
        self, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `CountModel.if_alive`."""
        r, alpha, s, beta = self.params().values()
        return (
            closed_forms.pareto_orders(r, alpha, s, beta, x, age, horizons),
            closed_forms.pareto_purchase_probability(r, alpha, s, beta, x, age, horizons),
        )


@dataclass(frozen=True)
class PooledRate(_PerPair):
    """One Poisson rate for all: repeat days of the company ÷ weeks under observation."""

    weekly_rate: float
    name: str = "pooled_rate"

    def params(self) -> dict[str, float]:
        """Returns the rate per week."""
        return {"weekly_rate": self.weekly_rate}

    def alive(self, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
        """See `CountModel.alive`: nobody is ever given up."""
        return np.ones(len(x))

    def if_alive(
        self, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `CountModel.if_alive`."""
        orders = np.tile(self.weekly_rate * horizons, (len(x), 1))
        return orders, -np.expm1(-orders)


def discounted_orders(
    model: CountModel,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
    month_ends: np.ndarray,
    yearly_rate: float,
) -> np.ndarray:
    """Returns the present value of the expected orders, each worth 1 on its day, shape (m,).

    Whether a customer is alive at T is a factor of the whole path: it is discounted once per
    distinct (x, T), not per customer.

    Args:
        model: Fitted.
        x: Repeat orders, shape (m,).
        recency: Weeks, shape (m,).
        age: T in weeks, shape (m,).
        month_ends: Weeks up to the end of months 1..k.
        yearly_rate: See `ml.discounting.discounted_path`.
    """
    first, of = _distinct_pairs(x, age)
    orders, _ = model.if_alive(x[first], age[first], month_ends)
    return model.alive(x, recency, age) * discounted_path(orders, yearly_rate)[:, -1][of]


def fit_counts(family: Family, patterns: pd.DataFrame, prior: Prior = DEFAULT) -> CountFit:
    """Fits a family to the distinct patterns, stepping down where it does not hold.

    Args:
        family: What is wanted.
        patterns: Columns `frequency`, `recency`, `T` (weeks) and `weight` (customers), m rows.
        prior: What MBG/NBD is drawn to where too few customers came back for a fit.

    Returns:
        A model whose predictions on `patterns` are finite, and every attempt made.
    """
    attempts: list[Attempt] = []
    refusal = _too_little(patterns)
    if refusal is None:
        ladder: tuple[Family, ...] = (family,) if family == "mbg_nbd" else (family, "mbg_nbd")
        for rung in ladder:
            on_ridge = False
            for penalizer, start in _schedule(rung):
                if on_ridge and not penalizer:
                    # From elsewhere it is the same ridge; only a penalty has an optimum on it.
                    continue
                model, attempt, on_ridge = _attempt(rung, patterns, penalizer, start)
                attempts.append(attempt)
                if model is not None:
                    return CountFit(model, tuple(attempts))
        refusal = "no family converged"
    elif len(patterns):
        attempts.append(Attempt(family, 0.0, (), False, refusal))
        model, attempt = _drawn_to(prior, patterns)
        attempts.append(attempt)
        if model is not None:
            return CountFit(model, tuple(attempts), prior.source)
    pooled = _pooled(patterns)
    attempts.append(Attempt(pooled.name, 0.0, (), True, refusal))
    return CountFit(pooled, tuple(attempts))


def _drawn_to(prior: Prior, patterns: pd.DataFrame) -> tuple[GeometricCounts | None, Attempt]:
    """Returns MBG/NBD with the likeliest parameters given the customers and the prior."""
    x, recency, age, weight = (
        patterns[column].to_numpy(dtype="float64")
        for column in ("frequency", "recency", "T", "weight")
    )
    # In weeks, in which the prior is: no axis of its own.
    likelihood = likelihoods.geometric(x, recency, age, weight, 0.0, modified=True)
    centre = prior.log_counts()
    start = tuple(float(value) for value in centre)
    try:
        with _quiet():
            optimum = likelihoods.minimise(
                likelihoods.with_prior(likelihood, centre, SPREAD, float(weight.sum())), centre
            )
    except ConvergenceError as error:
        return None, Attempt("mbg_nbd", 0.0, start, False, " ".join(str(error).split()))
    fitter = ModifiedBetaGeoFitter()
    fitter.params_ = pd.Series(optimum.params, index=list(COUNT_PARAMS))
    fitter._scale = 1.0
    fitter._negative_log_likelihood_ = optimum.loss
    fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    detail = f"drawn to {prior.source}: {-optimum.loss:.6f} per customer, prior included"
    return (
        GeometricCounts("mbg_nbd", without_data(fitter)),
        Attempt("mbg_nbd", 0.0, start, True, detail),
    )


def _too_little(patterns: pd.DataFrame) -> str | None:
    repeat = int(patterns.loc[patterns["frequency"] > 0, "weight"].sum())
    if repeat < MIN_REPEAT_CUSTOMERS:
        return f"{repeat} repeat customers; a fit takes at least {MIN_REPEAT_CUSTOMERS}"
    return None


def _pooled(patterns: pd.DataFrame) -> PooledRate:
    weight = patterns["weight"].to_numpy(dtype="float64")
    weeks = float(weight @ patterns["T"].to_numpy(dtype="float64"))
    orders = float(weight @ patterns["frequency"].to_numpy(dtype="float64"))
    return PooledRate(orders / weeks if weeks > 0 else 0.0)


def _schedule(family: Family) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Penalty and starting point of each attempt; BG and MBG start in logs, Pareto does not."""
    if family == "pareto_nbd":
        starts = [(1.0, 1.0, 1.0, 1.0), (0.5, 0.2, 0.5, 0.2), (2.0, 0.5, 0.2, 1.0)]
    else:
        starts = [(0.1, 0.1, 0.1, 0.1), (-1.0, -2.0, -0.5, 0.7), (0.5, -1.0, -2.0, 1.5)]
    for start in starts:
        yield 0.0, start
    for penalizer in WEAK_PENALTIES:
        yield penalizer, starts[0]


def _attempt(
    family: Family, patterns: pd.DataFrame, penalizer: float, start: tuple[float, ...]
) -> tuple[CountModel | None, Attempt, bool]:
    """Returns the model if it holds, how it went, and whether the fit ran along a ridge."""

    def outcome(converged: bool, detail: str) -> Attempt:
        return Attempt(family, penalizer, start, converged, detail)

    x, recency, age, weight = (
        patterns[column].to_numpy() for column in ("frequency", "recency", "T", "weight")
    )
    try:
        with _quiet():
            model = _fit_family(family, penalizer, start, (x, recency, age, weight))
            orders, p_active = model.predict(x.astype("float64"), recency, age, _PROBE_WEEKS)
    except (ConvergenceError, np.linalg.LinAlgError, FloatingPointError, ValueError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        return None, outcome(False, detail), isinstance(error, RidgeError)
    params = model.params()
    if not all(np.isfinite(value) and value > 0 for value in params.values()):
        return None, outcome(False, f"parameters {params}"), False
    if not (np.isfinite(orders).all() and np.isfinite(p_active).all() and (orders >= 0).all()):
        return None, outcome(False, f"predictions are not finite at {params}"), False
    likelihood = _log_likelihood(model, len(patterns))
    return model, outcome(True, f"log-likelihood {likelihood:.6f} per customer"), False


def _log_likelihood(model: GeometricCounts | ParetoCounts, patterns: int) -> float:
    """Mean log-likelihood per customer, less the penalty, on the fitter's own time axis.

    Pareto's fitter divides the weighted sum by the mean weight, the others by the total weight.
    """
    summed = -float(model.fitter._negative_log_likelihood_)
    return summed / patterns if isinstance(model, ParetoCounts) else summed


def _fit_family(
    family: Family,
    penalizer: float,
    start: tuple[float, ...],
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> GeometricCounts | ParetoCounts:
    try:
        fitter = fit_with_gradient(family, penalizer, start, data)
    except RidgeError:
        raise
    except ConvergenceError:
        fitter = _lifetimes_own_fit(family, penalizer, start, data)
    return ParetoCounts(fitter) if family == "pareto_nbd" else GeometricCounts(family, fitter)


def fit_with_gradient(
    family: Family,
    penalizer: float,
    start: tuple[float, ...],
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> BetaGeoFitter | ParetoNBDFitter:
    """Fits a family by the gradient of its likelihood.

    Args:
        family: What is fitted.
        penalizer: L2 penalty on the parameters, as lifetimes takes it.
        start: See `_schedule`.
        data: Repeat orders, recency, T and weight of the distinct patterns, each of shape (m,).

    Returns:
        The fitter of lifetimes, with the parameters set; it predicts and is saved as one that
        fitted itself, but has no standard errors and no rows.

    Raises:
        RidgeError: A shape runs away without a penalty.
        ConvergenceError: The fit did not converge.
    """
    x, recency, age, weight = data
    fitter = FITTERS[family](penalizer_coef=penalizer)
    # On this axis the greatest age is 1; the penalty is defined on it.
    scale = 1 / float(age.max()) if len(age) and age.max() > 0 else 1.0
    if family == "pareto_nbd":
        likelihood = likelihoods.pareto(x, recency * scale, age * scale, weight, penalizer)
        names, times, first = ["r", "alpha", "s", "beta"], ["alpha", "beta"], np.log(start)
    else:
        likelihood = likelihoods.geometric(
            x, recency * scale, age * scale, weight, penalizer, modified=family == "mbg_nbd"
        )
        names, times, first = ["r", "alpha", "a", "b"], ["alpha"], np.array(start)
    optimum = likelihoods.minimise(likelihood, first)
    fitter.params_ = pd.Series(optimum.params, index=names)
    shapes = fitter.params_.drop(times)
    limits = {"a": _NO_SPREAD, "b": _NO_SPREAD}
    if not penalizer and any(v > limits.get(str(n), _RUNAWAY_SHAPE) for n, v in shapes.items()):
        raise RidgeError(f"{shapes.idxmax()} runs away: only its ratio to its scale is known")
    fitter.params_[times] /= scale
    fitter._scale = scale
    # Pareto's own fitter keeps the weighted sum divided by the mean weight.
    per = len(x) if family == "pareto_nbd" else 1
    fitter._negative_log_likelihood_ = optimum.loss * per
    fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    return without_data(fitter)


def _lifetimes_own_fit(
    family: Family,
    penalizer: float,
    start: tuple[float, ...],
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> BetaGeoFitter | ParetoNBDFitter:
    if family == "pareto_nbd":
        return _polished_pareto(penalizer, start, data)
    x, recency, age, weight = data
    fitter = FITTERS[family](penalizer_coef=penalizer)
    fitter.fit(x, recency, age, weights=weight, initial_params=np.array(start))
    return without_data(fitter)


def _polished_pareto(
    penalizer: float,
    start: tuple[float, ...],
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> ParetoNBDFitter:
    """Fits Pareto/NBD, restarting the simplex at its optimum until that gains nothing.

    Nelder-Mead may collapse early, and the fitter says nothing of whether it converged.

    Raises:
        RidgeError: A shape runs away without a penalty, or restarts keep improving the likelihood.
        ConvergenceError: The likelihood is not finite.
    """
    x, recency, age, weight = data
    best = np.inf
    initial = np.array(start)
    for _ in range(_POLISH_ROUNDS):
        fitter = ParetoNBDFitter(penalizer_coef=penalizer)
        fitter.fit(x, recency, age, weights=weight, initial_params=initial, maxiter=_SIMPLEX_STEPS)
        reached = float(fitter._negative_log_likelihood_)
        if not np.isfinite(reached):
            raise ConvergenceError("the likelihood is not finite")
        shapes = fitter.params_[["r", "s"]]
        if not penalizer and shapes.max() > _RUNAWAY_SHAPE:
            raise RidgeError(f"{shapes.idxmax()} runs away: only its ratio to its scale is known")
        if best - reached <= _POLISH_GAIN * abs(reached):
            return without_data(fitter)
        best = reached
        # The simplex works on a time axis on which the greatest age is 1.
        to_scaled = np.array([1.0, fitter._scale, 1.0, fitter._scale])
        initial = fitter.params_.to_numpy() * to_scaled
    raise RidgeError("the simplex was still improving after its last restart")


def without_data(fitter: Any) -> Any:
    """Drops what lifetimes' own `save_model` may leave out: customers' rows and a closure."""
    fitter.data = None
    fitter.generate_new_data = None
    return fitter


def _distinct_pairs(x: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the row of each distinct pair, and for each row the place of its pair."""
    counts, _ = pd.factorize(x)
    ages, distinct_ages = pd.factorize(age)
    key = counts * max(len(distinct_ages), 1) + ages
    # There are few of both, so that each key has a place of its own: no third table of hashes.
    row_of = np.full(int(key.max(initial=-1)) + 1, -1)
    row_of[key[::-1]] = np.arange(len(x) - 1, -1, -1)
    seen = np.flatnonzero(row_of >= 0)
    place_of = np.empty(len(row_of), dtype="int64")
    place_of[seen] = np.arange(len(seen))
    return row_of[seen], place_of[key]


def _params(fitter: Any) -> dict[str, float]:
    return {name: float(value) for name, value in fitter.params_.items()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps lifetimes' printed optimiser report and numpy's warnings off the console."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield

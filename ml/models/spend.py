"""How much an order is worth: Gamma-Gamma on the repeat days, with what it needs around it.

Source: Fader, Hardie, Lee (2005), RFM and CLV, Journal of Marketing Research 42; Fader, Hardie
(2013), The Gamma-Gamma Model of Monetary Value, brucehardie.com/notes/025.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from lifetimes import GammaGammaFitter
from lifetimes.utils import ConvergenceError

from ml.models import likelihoods
from ml.models.counts import MIN_REPEAT_CUSTOMERS, WEAK_PENALTIES, Attempt, without_data
from ml.models.priors import DEFAULT, Prior

# Deviations from the median, on the log scale, beyond which a value is an outlier. A lognormal
# value of a million customers stays within five.
OUTLIER_DEVIATIONS = 5.0
_MAD_TO_SIGMA = 1.4826
_STARTS = ((0.1, 0.1, 0.1), (1.5, 1.2, 0.0), (0.0, 0.7, 1.0))
# Below this the population mean v·p/(q-1) is a quotient by nearly nothing.
_MIN_Q = 1.01


class SpendModel:
    """Expected value of an order, per customer, in base currency.

    - The fit takes repeat customers only, their mean repeat value winsorised at a robust cap.
    - A repeat customer is worth the Gamma-Gamma posterior mean, their own mean uncapped: a true
      wholesale customer stays one.
    - A one-time buyer's first order (capped) counts as one observation and shrinks towards the
      company's mean first order, with Gamma-Gamma's own credibility p / (p + q - 1).
    - Where Gamma-Gamma does not hold (q ≤ 1, no convergence), credibility is x / (x + 1): a
      customer's order weighs as much as the company's mean. With too few repeat customers for a
      fit it weighs p / (q - 1) times as much, with p and q of the prior.
    """

    def __init__(self, prior: Prior = DEFAULT) -> None:
        """Starts without a fit."""
        self._prior = prior
        self._order_weight = 1.0
        self.fitter: GammaGammaFitter | None = None
        self.cap = math.inf
        self.repeat_mean = 0.0
        self.first_mean = 0.0
        self.correlation: float | None = None
        self.winsorised = 0
        self.attempts: tuple[Attempt, ...] = ()

    def fit(self, customers: pd.DataFrame) -> Self:
        """Fits to customers; see the class.

        Args:
            customers: `frequency`, `monetary`, `first_value`, checked by `check_features`, n rows.
        """
        x = customers["frequency"].to_numpy(dtype="float64")
        monetary = customers["monetary"].to_numpy(dtype="float64")
        first = customers["first_value"].to_numpy(dtype="float64")
        repeat = x > 0
        self.cap = _outlier_cap(np.concatenate([first, monetary[repeat]]))
        self.first_mean = _mean(np.minimum(first, self.cap))
        capped = np.minimum(monetary[repeat], self.cap)
        self.winsorised = int((monetary[repeat] > self.cap).sum())
        self.repeat_mean = _mean(np.repeat(capped, x[repeat].astype("int64")))
        self.correlation = _correlation(x[repeat], capped)
        self.fitter, self.attempts = _fit_gamma_gamma(x[repeat], capped)
        few = len(capped) < MIN_REPEAT_CUSTOMERS
        self._order_weight = self._prior.order_weight if few else 1.0
        return self

    def expected_value(self, customers: pd.DataFrame) -> np.ndarray:
        """Returns the expected value of each customer's next order, shape (n,)."""
        x = customers["frequency"].to_numpy(dtype="float64")
        monetary = customers["monetary"].to_numpy(dtype="float64")
        first = np.minimum(customers["first_value"].to_numpy(dtype="float64"), self.cap)
        if self.fitter is None:
            weight = self._order_weight
            repeat = (weight * x * monetary + self.repeat_mean) / (weight * x + 1)
            credibility = weight / (weight + 1)
        else:
            p, q, _ = self.fitter.params_.to_numpy()
            repeat = np.asarray(self.fitter.conditional_expected_average_profit(x, monetary))
            credibility = float(p / (p + q - 1))
        one_time: np.ndarray = credibility * first + (1 - credibility) * self.first_mean
        return np.where(x > 0, repeat, one_time)

    def params(self) -> dict[str, float]:
        """Returns p, q, v (v in base currency) where Gamma-Gamma holds, and the company's means."""
        means = {"first_order_mean": self.first_mean, "repeat_order_mean": self.repeat_mean}
        if self.fitter is None:
            return means
        return {name: float(value) for name, value in self.fitter.params_.items()} | means


def _fit_gamma_gamma(
    x: np.ndarray, monetary: np.ndarray
) -> tuple[GammaGammaFitter | None, tuple[Attempt, ...]]:
    if len(x) < MIN_REPEAT_CUSTOMERS:
        detail = f"{len(x)} repeat customers; a fit takes at least {MIN_REPEAT_CUSTOMERS}"
        return None, (Attempt("pooled_mean", 0.0, (), True, detail),)
    # p and q have no unit and v has that of money: fitted on values around 1, the start and the
    # penalty mean the same in every currency.
    unit = float(np.median(monetary))
    patterns = value_patterns(x, monetary / unit)
    attempts: list[Attempt] = []
    schedule = [(0.0, start) for start in _STARTS]
    schedule += [(penalizer, _STARTS[0]) for penalizer in WEAK_PENALTIES]
    for penalizer, start in schedule:
        fitter = GammaGammaFitter(penalizer_coef=penalizer)
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
            ):
                warnings.simplefilter("ignore")
                fit_with_gradient(fitter, patterns, start)
        except (ConvergenceError, np.linalg.LinAlgError, ValueError) as error:
            detail = " ".join(str(error).split())
        else:
            params = fitter.params_
            if np.isfinite(params).all() and params["q"] >= _MIN_Q:
                likelihood = -float(fitter._negative_log_likelihood_)
                detail = f"log-likelihood {likelihood:.6f} per customer"
                attempts.append(Attempt("gamma_gamma", penalizer, start, True, detail))
                fitter.params_["v"] *= unit
                return without_data(fitter), tuple(attempts)
            detail = f"parameters {_rounded(params)}: the mean exists only for q > 1"
        attempts.append(Attempt("gamma_gamma", penalizer, start, False, detail))
    attempts.append(Attempt("pooled_mean", 0.0, (), True, "Gamma-Gamma did not hold"))
    return None, tuple(attempts)


def value_patterns(
    x: np.ndarray, monetary: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compresses customers to distinct (orders, mean value): these, and how many have them."""
    order = np.lexsort((monetary, x))
    x, monetary = x[order], monetary[order]
    starts = np.ones(len(x), dtype=bool)
    starts[1:] = (x[1:] != x[:-1]) | (monetary[1:] != monetary[:-1])
    first = np.flatnonzero(starts)
    weight = np.diff(np.append(first, len(x))).astype("float64")
    return x[first], monetary[first], weight


def fit_with_gradient(
    fitter: GammaGammaFitter,
    patterns: tuple[np.ndarray, np.ndarray, np.ndarray],
    start: tuple[float, ...],
) -> None:
    """Sets the fitter's parameters; falls back to its own fit where the gradient gets stuck."""
    x, mean_value, weight = patterns
    likelihood = likelihoods.gamma_gamma(x, mean_value, weight, fitter.penalizer_coef)
    try:
        optimum = likelihoods.minimise(likelihood, np.array(start))
    except ConvergenceError:
        fitter.fit(x, mean_value, weights=weight, initial_params=np.array(start))
        return
    fitter.params_ = pd.Series(optimum.params, index=["p", "q", "v"])
    fitter._negative_log_likelihood_ = optimum.loss


def _outlier_cap(values: np.ndarray) -> float:
    positive = np.log(values[values > 0])
    if not len(positive):
        return math.inf
    center = float(np.median(positive))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(positive - center)))
    # More than half of the values are equal: no scale by which another could be called far.
    return math.exp(center + OUTLIER_DEVIATIONS * spread) if spread > 0 else math.inf


def _mean(values: np.ndarray) -> float:
    return math.fsum(values.tolist()) / len(values) if len(values) else 0.0


def _correlation(x: np.ndarray, monetary: np.ndarray) -> float | None:
    """Pearson correlation of frequency and value, which Gamma-Gamma takes to be none."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(monetary) == 0:
        return None
    return float(np.corrcoef(x, monetary)[0, 1])


def _rounded(params: Any) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in params.items()}

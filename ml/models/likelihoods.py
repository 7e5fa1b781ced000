"""Likelihoods of the BTYD models with their gradients, for fits on compressed rows.

Each likelihood takes the logarithms of its parameters and returns the mean negative log-likelihood
per customer and its gradient. Rows are distinct patterns with weights; gamma and psi terms are
evaluated once per distinct number of orders, for they depend on nothing else.

The penalty is that of lifetimes: the coefficient times the sum of the squared parameters.

Sources: those of `ml.models.closed_forms`; Fader, Hardie (2013), The Gamma-Gamma Model of Monetary
Value, brucehardie.com/notes/025.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lifetimes.utils import ConvergenceError
from scipy.optimize import minimize
from scipy.special import gammaln, psi

Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray]]

# e^±14 on the scaled axes: beyond it a parameter is 0 or without end.
_BOUND = 14.0
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(24)
_UNIT_NODES = (_NODES + 1) / 2
_LOG_UNIT_WEIGHTS = np.log(_NODE_WEIGHTS / 2)
_DECAY = 40.0  # e^-40 is below the last digit of a double


@dataclass(frozen=True)
class Optimum:
    """Where a fit ended.

    Attributes:
        params: Fitted parameters (not their logarithms).
        loss: Mean negative log-likelihood per customer, penalty included.
    """

    params: np.ndarray
    loss: float


def minimise(likelihood: Likelihood, start: np.ndarray) -> Optimum:
    """Minimises a likelihood from a starting point in logs.

    Raises:
        ConvergenceError: It did not converge, or the end is not finite.
    """
    with np.errstate(all="ignore"):
        found = minimize(
            likelihood,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-_BOUND, _BOUND)] * len(start),
            options={"maxiter": 500, "maxcor": 20, "ftol": 1e-14, "gtol": 1e-7},
        )
    gradient = np.abs(np.where(np.abs(found.x) >= _BOUND - 1e-9, 0.0, found.jac)).max()
    # A line search that can't improve the last digits is an optimum, too.
    if not np.isfinite(found.fun) or not (found.success or gradient < 1e-4):
        raise ConvergenceError(f"the fit did not converge: {found.message}")
    return Optimum(np.exp(found.x), float(found.fun))


def with_prior(
    likelihood: Likelihood, centre: np.ndarray, spread: float, customers: float
) -> Likelihood:
    """Returns a likelihood to which the logs of the parameters are normal around a centre.

    Args:
        likelihood: Mean per customer, in logs.
        centre: Logs of the parameters that are believed in, one each.
        spread: Standard deviation of the logs.
        customers: Whose mean the likelihood is: the more, the less the prior counts.
    """

    def evaluate(log_params: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope = likelihood(log_params)
        off = (log_params - centre) / spread
        return loss + float(off @ off) / (2 * customers), slope + off / (spread * customers)

    return evaluate


class _Rows:
    """Compressed rows: patterns, their weights, and the distinct numbers of orders."""

    def __init__(self, x: np.ndarray, weight: np.ndarray) -> None:
        self.x = x.astype("float64")
        self.weight = weight / weight.sum()
        self.distinct, self.of = np.unique(self.x, return_inverse=True)
        self.distinct_weight = np.bincount(self.of, weights=self.weight)

    def mean(self, values: np.ndarray) -> float:
        return float(self.weight @ values)

    def mean_of_distinct(self, values: np.ndarray) -> float:
        return float(self.distinct_weight @ values)


def geometric(
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
    weight: np.ndarray,
    penalizer: float,
    *,
    modified: bool,
) -> Likelihood:
    """Returns the likelihood of BG/NBD, or of MBG/NBD, in log (r, α, a, b).

    The two differ in the number of chances to drop out: after each repeat order, or after each
    order. In BG/NBD a customer without a repeat order can't have dropped out.

    Args:
        x: Repeat orders, shape (m,).
        recency: Shape (m,), on any axis of time.
        age: T, shape (m,), on the same.
        weight: Customers per row, shape (m,).
        penalizer: See the module.
        modified: Whether it is MBG/NBD.
    """
    rows = _Rows(x, weight)
    n = rows.distinct
    chances = n + 1 if modified else n
    before_last = n if modified else np.maximum(n, 1) - 1
    can_be_gone = np.ones(len(x), dtype=bool) if modified else x > 0

    def evaluate(log_params: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = params = np.exp(log_params)
        shape = r + rows.x
        log_now, log_then = np.log(alpha + age), np.log(alpha + recency)
        odds = (np.log(a) - np.log(b + before_last))[rows.of] + shape * (log_now - log_then)
        odds = np.where(can_be_gone, odds, -np.inf)
        gone = _expit(odds)
        by_count = (
            gammaln(r + n) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) + gammaln(b + chances) - gammaln(b) - gammaln(a + b + chances)
        )  # fmt: skip
        value = rows.mean_of_distinct(by_count) + rows.mean(np.logaddexp(0, odds) - shape * log_now)
        with_ab = psi(a + b) - psi(a + b + chances)
        gone_of = np.bincount(rows.of, weights=rows.weight * gone)
        gradient = np.array(
            [
                rows.mean_of_distinct(psi(r + n) - psi(r) + np.log(alpha))
                - rows.mean((1 - gone) * log_now + gone * log_then),
                r / alpha
                - rows.mean(shape * ((1 - gone) / (alpha + age) + gone / (alpha + recency))),
                rows.mean_of_distinct(with_ab) + gone_of.sum() / a,
                rows.mean_of_distinct(with_ab + psi(b + chances) - psi(b))
                - float(gone_of[gone_of > 0] @ (1 / (b + before_last[gone_of > 0]))),
            ]
        )
        return _penalised(value, gradient, params, penalizer)

    return evaluate


def pareto(
    x: np.ndarray, recency: np.ndarray, age: np.ndarray, weight: np.ndarray, penalizer: float
) -> Likelihood:
    """Returns the likelihood of Pareto/NBD in log (r, α, s, β).

    What is in closed form a difference of two 2F1 is the integral over the moment of death
    between the last order and T. It is integrated on an axis that is logarithmic in both scales
    and ends where nothing of it is left, and so is its gradient.

    Args:
        x: Repeat orders, shape (m,).
        recency: Shape (m,), on any axis of time.
        age: T, shape (m,), on the same.
        weight: Customers per row, shape (m,).
        penalizer: See the module.
    """
    rows = _Rows(x, weight)
    n = rows.distinct

    def evaluate(log_params: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, s, beta = params = np.exp(log_params)
        shape = r + rows.x
        upper = np.minimum(age, (alpha + recency) * np.exp(_DECAY / shape) - alpha)
        scale = min(alpha, beta)
        span = np.log((scale + upper) / (scale + recency))
        dead_at = (scale + recency)[:, None] * np.exp(span[:, None] * _UNIT_NODES) - scale
        log_rate, log_life = np.log(alpha + dead_at), np.log(beta + dead_at)
        inner = (
            np.log(scale + dead_at) - shape[:, None] * log_rate - (s + 1) * log_life
            + _LOG_UNIT_WEIGHTS
        )  # fmt: skip
        peak = inner.max(axis=1)
        share = np.exp(inner - peak[:, None])
        summed = share.sum(axis=1)
        share /= summed[:, None]
        with np.errstate(divide="ignore"):  # who bought on the last day can't have died since
            dead = np.log(s * span) + peak + np.log(summed)
        alive = -shape * np.log(alpha + age) - s * np.log(beta + age)
        total = np.logaddexp(alive, dead)
        gone = np.exp(dead - total)
        by_count = gammaln(r + n) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        value = rows.mean_of_distinct(by_count) + rows.mean(total)
        gradient = np.array(
            [
                rows.mean_of_distinct(psi(r + n) - psi(r)) + np.log(alpha)
                - rows.mean(
                    (1 - gone) * np.log(alpha + age) + gone * (share * log_rate).sum(axis=1)
                ),
                r / alpha
                - rows.mean(
                    shape
                    * ((1 - gone) / (alpha + age) + gone * (share * np.exp(-log_rate)).sum(axis=1))
                ),
                np.log(beta)
                - rows.mean(
                    (1 - gone) * np.log(beta + age)
                    + gone * ((share * log_life).sum(axis=1) - 1 / s)
                ),
                s / beta
                - rows.mean(
                    s * (1 - gone) / (beta + age)
                    + (s + 1) * gone * (share * np.exp(-log_life)).sum(axis=1)
                ),
            ]
        )  # fmt: skip
        return _penalised(value, gradient, params, penalizer)

    return evaluate


def gamma_gamma(
    x: np.ndarray, mean_value: np.ndarray, weight: np.ndarray, penalizer: float
) -> Likelihood:
    """Returns the likelihood of Gamma-Gamma in log (p, q, v).

    Args:
        x: Orders, each > 0, shape (m,).
        mean_value: Their mean value, > 0, shape (m,).
        weight: Customers per row, shape (m,).
        penalizer: See the module.
    """
    rows = _Rows(x, weight)
    n = rows.distinct
    summed_value = rows.x * mean_value
    log_value = np.log(mean_value)
    constant = -rows.mean(log_value)
    per_p = rows.mean(rows.x * (log_value + np.log(rows.x)))

    def evaluate(log_params: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = params = np.exp(log_params)
        log_total = np.log(summed_value + v)
        log_total_of = np.bincount(rows.of, weights=rows.weight * log_total)
        inverse_of = np.bincount(rows.of, weights=rows.weight / (summed_value + v))
        shape = p * n + q
        psi_shape = psi(shape)
        by_count = gammaln(shape) - gammaln(p * n) - gammaln(q) + q * np.log(v)
        value = constant + rows.mean_of_distinct(by_count) + p * per_p - float(shape @ log_total_of)
        gradient = np.array(
            [
                rows.mean_of_distinct(n * (psi_shape - psi(p * n)))
                + per_p - float(n @ log_total_of),
                rows.mean_of_distinct(psi_shape - psi(q) + np.log(v)) - log_total_of.sum(),
                q / v - float(shape @ inverse_of),
            ]
        )  # fmt: skip
        return _penalised(value, gradient, params, penalizer)

    return evaluate


def _penalised(
    value: float, gradient: np.ndarray, params: np.ndarray, penalizer: float
) -> tuple[float, np.ndarray]:
    """Turns the mean log-likelihood and its gradient into the loss, in logs of the parameters."""
    loss = -value + penalizer * float(params @ params)
    slope = (-gradient + 2 * penalizer * params) * params
    if not np.isfinite(loss) or not np.isfinite(slope).all():
        # A step that far is turned back by the line search.
        return 1e300, np.zeros(len(params))
    return loss, slope


def _expit(odds: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(odds))
    return np.where(odds >= 0, 1 / (1 + small), small / (1 + small))

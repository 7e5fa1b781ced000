"""Expectations of the BTYD models, vectorised and safe at the edges of their domain.

All functions take m patterns and h horizons and return arrays of shape (m, h). What they return is
conditional on the customer being alive at T, except for the probabilities of being alive.

Sources:
    BG/NBD: Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24.
    MBG/NBD: Batislam, Denizel, Filiztekin (2007), IJRM 24; Wagner, Hoppe (2008), IJRM 25.
    Pareto/NBD: Schmittlein, Morrison, Colombo (1987), Management Science 33; Fader, Hardie (2005),
    A Note on Deriving the Pareto/NBD Model, brucehardie.com/notes/009.
    Euler's transformation: DLMF 15.8.1.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, expit, exprel, hyp2f1

# Nearer to a pole of the closed form than this, its difference loses more digits than the integral.
_POLE = 1e-5
_DECAY = 40.0  # e^-40 is below the last digit of a double
_LEGENDRE_NODES, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(64)
_UNIT_NODES = (_LEGENDRE_NODES + 1) / 2
_UNIT_WEIGHTS = _LEGENDRE_WEIGHTS / 2
_STEP = 0.05
_DOUBLE_EXPONENTIAL_GRID = np.arange(-8.0, 8.0 + _STEP / 2, _STEP)


def geometric_orders(
    r: float, alpha: float, a: float, b: float, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    """Expected orders of customers whose dropout probability is geometric, if alive at T.

    With z = t / (α+T+t) the published form holds ((α+T)/(α+T+t))^(r+x) · 2F1(r+x, b+x; c; z),
    c = a+b+x-1, in which the power underflows while 2F1 overflows. Euler's transformation cancels
    the two: (1-z)^(a-1) · 2F1(a+b-1-r, a-1; c; z), moderate for any x. It is used without a
    logarithm, because 2F1 is negative where a+b < 1 and x = 0. At the removable poles a = 1 and
    c = 0, and wherever 2F1 fails, the expectation is integrated instead.

    Args:
        r: Shape of the rate's gamma distribution.
        alpha: Its rate, weeks.
        a: First shape of the dropout's beta distribution.
        b: Second shape; b for BG/NBD, b + 1 for MBG/NBD (one more chance to drop out).
        x: Repeat orders, shape (m,).
        age: T in weeks, shape (m,).
        horizons: Weeks, shape (h,).

    Returns:
        Shape (m, h).
    """
    x, age, t = x[:, None], age[:, None], horizons[None, :]
    z = t / (alpha + age + t)
    c = a + b + x - 1
    orders: np.ndarray
    with np.errstate(all="ignore"):
        transformed = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, c, z)
        orders = c / (a - 1) * (1 - transformed)
    # An upper bound in any case: nobody drops out.
    ceiling = (r + x) / (alpha + age) * t
    unsafe = ~np.isfinite(orders) | (orders < 0) | (orders > ceiling * (1 + 1e-9))
    unsafe |= (abs(a - 1) < _POLE) | (np.abs(c) < _POLE)
    if unsafe.any():
        rows, columns = np.nonzero(unsafe)
        orders[rows, columns] = _integrated_orders(
            r, alpha, a, b, x[rows, 0], age[rows, 0], horizons[columns]
        )
    return orders


def geometric_purchase_probability(
    r: float, alpha: float, x: np.ndarray, age: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    """P(at least one order in the horizon) under BG/NBD or MBG/NBD, if alive at T.

    A customer can drop out only right after an order, so that the first order of the horizon comes
    at the customer's rate, whose posterior is gamma(r+x, α+T).

    Returns:
        1 - ((α+T)/(α+T+t))^(r+x), shape (m, h).
    """
    return -np.expm1(-(r + x)[:, None] * np.log1p(horizons[None, :] / (alpha + age)[:, None]))


def bg_alive(
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
) -> np.ndarray:
    """P(alive at T) under BG/NBD, shape (m,); 1 by construction for x = 0."""
    log_odds = _log_geometric_odds(r, alpha, a, b + np.maximum(x, 1) - 1, x, recency, age)
    return np.where(x == 0, 1.0, expit(-log_odds))


def mbg_alive(
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
) -> np.ndarray:
    """P(alive at T) under MBG/NBD, shape (m,)."""
    return expit(-_log_geometric_odds(r, alpha, a, b + x, x, recency, age))


def pareto_orders(
    r: float,
    alpha: float,
    s: float,
    beta: float,
    x: np.ndarray,
    age: np.ndarray,
    horizons: np.ndarray,
) -> np.ndarray:
    """Expected orders under Pareto/NBD, if alive at T.

    (r+x)/(α+T) · (β+T) · [1 - ((β+T)/(β+T+t))^(s-1)] / (s-1), written so that s = 1 is no pole.

    Returns:
        Shape (m, h).
    """
    growth = np.log1p(horizons[None, :] / (beta + age)[:, None])
    return ((r + x) / (alpha + age) * (beta + age))[:, None] * growth * exprel(-(s - 1) * growth)


def pareto_purchase_probability(
    r: float,
    alpha: float,
    s: float,
    beta: float,
    x: np.ndarray,
    age: np.ndarray,
    horizons: np.ndarray,
) -> np.ndarray:
    """P(at least one order in the horizon) under Pareto/NBD, if alive at T.

    The first order at u weeks needs survival to u:
    ∫0^t (r+x)(α+T)^(r+x) / (α+T+u)^(r+x+1) · ((β+T)/(β+T+u))^s du.
    With v = (r+x) log((α+T+u)/(α+T)) the first factor becomes e^-v dv, and 64 Gauss-Legendre nodes
    up to where e^-v vanishes give all digits for any x.

    Returns:
        Shape (m, h).
    """
    shape, scale = (r + x)[:, None], (alpha + age)[:, None]
    survival_scale = (beta + age)[:, None]
    result = np.empty((len(x), len(horizons)))
    for column, t in enumerate(horizons):
        upper = np.minimum(shape * np.log1p(t / scale), _DECAY)
        v = upper * _UNIT_NODES
        elapsed = scale * np.expm1(v / shape)
        density = np.exp(-v - s * np.log1p(elapsed / survival_scale))
        result[:, column] = upper[:, 0] * (density @ _UNIT_WEIGHTS)
    return result


def pareto_log_death_odds(
    r: float,
    alpha: float,
    s: float,
    beta: float,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
) -> np.ndarray:
    """Log odds of having died between the last order and T, under Pareto/NBD, for large r + x.

    ∫tx^T ((α+T)/(α+y))^(r+x) · ((β+T)/(β+y))^s · s/(β+y) dy, integrated over log(α+y) in the
    window at its lower end that holds all of its mass; the window is narrow for large x, which is
    where the closed form with its two 2F1 overflows.

    Returns:
        Shape (m,); -inf where recency = T.
    """
    shape = (r + x)[:, None]
    span = np.log((alpha + age) / (alpha + recency))[:, None]
    width = np.minimum(span, _DECAY / shape)
    v = width * _UNIT_NODES
    dead_at = (alpha + recency)[:, None] * np.exp(v) - alpha
    inner = np.exp(-shape * v) * ((beta + recency)[:, None] / (beta + dead_at)) ** s
    inner = inner * s * (alpha + dead_at) / (beta + dead_at)
    with np.errstate(divide="ignore"):
        log_integral = np.log(width[:, 0] * (inner @ _UNIT_WEIGHTS))
    return log_integral + shape[:, 0] * span[:, 0] + s * np.log((beta + age) / (beta + recency))


def _log_geometric_odds(
    r: float,
    alpha: float,
    a: float,
    survivals: np.ndarray,
    x: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
) -> np.ndarray:
    shape: np.ndarray = r + x
    return np.log(a) - np.log(survivals) + shape * np.log((alpha + age) / (alpha + recency))


def _integrated_orders(
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: np.ndarray,
    age: np.ndarray,
    t: np.ndarray,
) -> np.ndarray:
    """E over p ~ beta(a, b+x) of [1 - ((α+T)/(α+T+pt))^(r+x)] / p, shape (k,).

    The double-exponential rule on the log-odds of p is indifferent to the beta's singular ends.
    """
    log_odds = np.pi * np.sinh(_DOUBLE_EXPONENTIAL_GRID)
    log_p = -np.logaddexp(0, -log_odds)
    log_q = -np.logaddexp(0, log_odds)
    log_step = np.log(_STEP * np.pi * np.cosh(_DOUBLE_EXPONENTIAL_GRID))
    p = np.exp(log_p)
    result = np.empty(len(x))
    chunk = 4096
    for start in range(0, len(x), chunk):
        part = slice(start, start + chunk)
        shape = (b + x[part])[:, None]
        log_weight = a * log_p + shape * log_q + log_step - betaln(a, shape)
        ratio = (t[part] / (alpha + age[part]))[:, None]
        power = (r + x[part])[:, None]
        spread = -np.expm1(-power * np.log1p(p * ratio))
        # As p vanishes the ratio tends to its derivative at 0.
        tiny = p * ratio < 1e-14
        per_p = np.where(tiny, power * ratio, spread / np.where(p > 0, p, 1.0))
        result[part] = (np.exp(log_weight) * per_p).sum(axis=1)
    return result

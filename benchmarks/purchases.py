"""Purchase logs of made businesses: Pareto/NBD and Gamma-Gamma, with seasons and growth.

Belongs here: how a business behaves. Does not belong here: what is measured on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Business:
    """How customers come, buy and go; the log starts on 2023-01-01.

    Attributes:
        customers: Who come, all in all.
        days: Length of the log.
        growth: How many times as many come at the end of the log as at its start.
        rate_shape: Of the gamma distribution of orders per week.
        rate_scale: Its inverse scale, weeks.
        life_weeks: Mean of the lifetimes' scale: half of a gamma-mixed exponential; None never die.
        season: 0 none; 0.5 half as much more in December and less in June.
        value_shape: p of Gamma-Gamma, how alike a customer's orders are.
        value_spread: q, how alike customers are.
        value_scale: v.
        period_days: Orders come in such a rhythm (a subscription); None comes as it may.
    """

    customers: int
    days: int = 730
    growth: float = 1.0
    rate_shape: float = 0.6
    rate_scale: float = 10.0
    life_weeks: float | None = 30.0
    season: float = 0.0
    value_shape: float = 6.0
    value_spread: float = 3.7
    value_scale: float = 60.0
    period_days: int | None = None


def purchase_log(business: Business, seed: int = 1) -> pd.DataFrame:
    """Returns a log of customer-days.

    Returns:
        `customer_id`, `order_date` (datetime64), `gross_revenue_base`.
    """
    rng = np.random.default_rng(seed)
    n, days = business.customers, business.days
    share = rng.random(n)
    if business.growth != 1:
        # The density of arrivals grows by that factor, evenly: its distribution turned around.
        share = np.log1p(share * (business.growth - 1)) / np.log(business.growth)
    first = np.floor(share * days).astype("int64")
    rate = rng.gamma(business.rate_shape, 1 / business.rate_scale, n) / 7
    span = (days - 1 - first).astype("float64")
    if business.life_weeks is not None:
        death = rng.gamma(0.7, 1 / (7 * business.life_weeks), n)
        span = np.minimum(span, rng.exponential(1 / np.maximum(death, 1e-12)))
    if business.period_days is not None:
        count = np.floor(span / business.period_days).astype("int64")
        of = np.repeat(np.arange(n), count)
        place = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 1
        moment = first[of] + place * business.period_days
    else:
        count = rng.poisson(rate * span * (1 + business.season))
        of = np.repeat(np.arange(n), count)
        moment = first[of] + 1 + np.floor(rng.random(len(of)) * span[of]).astype("int64")
        # Thinned where the season is weak.
        wave = 1 + business.season * np.cos(2 * np.pi * (moment % YEAR_DAYS) / YEAR_DAYS)
        kept = rng.random(len(of)) * (1 + business.season) < wave
        of, moment = of[kept], moment[kept]
    of = np.concatenate([np.arange(n), of])
    moment = np.minimum(np.concatenate([first, moment]), days - 1)
    mean = rng.gamma(business.value_spread, 1 / business.value_scale, n)
    value = rng.gamma(business.value_shape, 1, len(of)) / mean[of]
    frame = pd.DataFrame(
        {
            "customer_id": np.char.add("c", np.char.zfill(of.astype("U9"), 7)),
            "order_date": np.datetime64("2023-01-01") + moment.astype("timedelta64[D]"),
            "gross_revenue_base": np.maximum(value.round(2), 0.01),
        }
    )
    return frame.groupby(["customer_id", "order_date"], as_index=False, sort=True).sum()

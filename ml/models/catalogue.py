"""The models that compete, by name. A new one enters here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ml.models.blend import Blend
from ml.models.btyd import BuyTillYouDie
from ml.models.candidate import Candidate
from ml.models.cohort import CohortCurve
from ml.models.counts import Family
from ml.models.learned import DEFAULT_HORIZON_WEEKS, Kind, Learned
from ml.models.naive import NaiveRate

Factory = Callable[[float, int | None], Candidate]


def _family(name: Family) -> Factory:
    return lambda horizon_weeks, history_days: BuyTillYouDie(name, history_days)


def _learned(kind: Kind) -> Factory:
    return lambda horizon_weeks, history_days: Learned(kind, horizon_weeks)


#: What each is made from: the horizon it will be judged at, in weeks, and the days within which
#: the customers came that it is fitted on (None takes all). A model may have no use for either.
CANDIDATES: Mapping[str, Factory] = MappingProxyType(
    {
        "naive": lambda horizon_weeks, history_days: NaiveRate(),
        "cohort_curve": lambda horizon_weeks, history_days: CohortCurve(),
        "bg_nbd": _family("bg_nbd"),
        "mbg_nbd": _family("mbg_nbd"),
        "pareto_nbd": _family("pareto_nbd"),
        "lightgbm_hurdle": _learned("hurdle"),
        "lightgbm_tweedie": _learned("tweedie"),
        "lightgbm_direct": _learned("direct"),
        "blend": lambda horizon_weeks, history_days: Blend(horizon_weeks),
    }
)

#: Those that are trained for one horizon and not the same for another.
ANCHORED = frozenset({"lightgbm_hurdle", "lightgbm_tweedie", "lightgbm_direct", "blend"})

# In service for a company that has too little history for a contest.
DEFAULT_CANDIDATE = "mbg_nbd"


def new_candidate(
    name: str,
    horizon_weeks: float = DEFAULT_HORIZON_WEEKS,
    history_days: int | None = None,
) -> Candidate:
    """Returns an unfitted candidate.

    Args:
        name: One of `CANDIDATES`.
        horizon_weeks: Horizon that it will be judged at; it predicts any.
        history_days: See `CANDIDATES`.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in CANDIDATES:
        raise ValueError(f"no candidate {name!r}; there are {', '.join(CANDIDATES)}")
    return CANDIDATES[name](horizon_weeks, history_days)

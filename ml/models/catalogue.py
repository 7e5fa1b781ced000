"""The models that compete, by name. A new one enters here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from ml.models.btyd import BuyTillYouDie
from ml.models.candidate import Candidate
from ml.models.naive import NaiveRate

CANDIDATES: Mapping[str, Callable[[], Candidate]] = MappingProxyType(
    {
        "naive": NaiveRate,
        "bg_nbd": partial(BuyTillYouDie, "bg_nbd"),
        "mbg_nbd": partial(BuyTillYouDie, "mbg_nbd"),
        "pareto_nbd": partial(BuyTillYouDie, "pareto_nbd"),
    }
)

# In service for a company that has too little history for a contest.
DEFAULT_CANDIDATE = "mbg_nbd"


def new_candidate(name: str) -> Candidate:
    """Returns an unfitted candidate.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in CANDIDATES:
        raise ValueError(f"no candidate {name!r}; there are {', '.join(CANDIDATES)}")
    return CANDIDATES[name]()

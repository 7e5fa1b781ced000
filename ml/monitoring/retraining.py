"""When the models of a company are to compete again.

Time is counted in days of data, never by the clock: the same data ask for the same contests, and
a shop whose data stand still is not retrained on what is known already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

#: Days of new data after which a contest is held whatever the figures say.
EVERY_DAYS = 7
#: Days of new data before figures may ask for another contest: a figure that scatters about its
#: bound would ask each night.
EARLIEST_DAYS = 2

NO_CHAMPION = "no model is in service"
BY_HAND = "asked by hand"


@dataclass(frozen=True)
class LastContest:
    """The contest whose winner is in service.

    Attributes:
        as_of: Last day of its data.
        settings: Hash of what else decided it, see `ml.registry.fingerprint.settings_fingerprint`.
    """

    as_of: date
    settings: str


@dataclass(frozen=True)
class Signs:
    """What a company's figures say today.

    Attributes:
        as_of: Last day of the data.
        settings: As in `LastContest`, of today.
        alarms: Realised accuracies that are off by more than expected, of windows that have ended
            since the last contest.
        drifted: What has moved past its bound by now.
        drifted_before: What had when the last contest was held: a contest has answered that.
    """

    as_of: date
    settings: str
    alarms: Sequence[str] = ()
    drifted: frozenset[str] = field(default_factory=frozenset)
    drifted_before: frozenset[str] = field(default_factory=frozenset)


def decided(before: str | None, champion: str) -> str:
    """Returns what a contest did: first, promoted or kept.

    Args:
        before: The model in service until then, None where none was.
        champion: The model that the contest left in service.
    """
    if before is None:
        return "first"
    return "kept" if before == champion else "promoted"


def reasons_for_a_contest(last: LastContest | None, signs: Signs) -> list[str]:
    """Says why a contest is due.

    Args:
        last: None where no model is in service.
        signs: Of today.

    Returns:
        The reasons, for people; empty where none is due.
    """
    if last is None:
        return [NO_CHAMPION]
    if signs.settings != last.settings:
        return ["currency, horizons or the code of the models have changed"]
    days = (signs.as_of - last.as_of).days
    if days < 0:
        return [f"the data now end on {signs.as_of}, before the model in service was fitted"]
    reasons = []
    if days >= EVERY_DAYS:
        reasons.append(f"{days} days of new data since the last contest")
    if days >= EARLIEST_DAYS:
        reasons += [f"realised accuracy fell: {alarm}" for alarm in signs.alarms]
        if new := sorted(signs.drifted - signs.drifted_before):
            reasons.append(f"drift: {', '.join(new)}")
    return reasons

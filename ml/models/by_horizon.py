"""Several champions as one model: each horizon by its own, one path that never falls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from ml.models.candidate import Candidate, Description, checked_horizons, long_frame
from ml.models.preparation import Preparation

if TYPE_CHECKING:
    from ml.evaluation.calibration import Calibration

_COLUMNS = ("expected_orders", "predicted_value", "p_active")


class ByHorizon:
    """Predicts each horizon that had a contest by its champion, and any other in between.

    At the champions' horizons a customer's prediction is the champion's, or that of a shorter
    horizon where two champions contradict each other and the longer would be worth less. Between
    two horizons it grows as the champion of the longer one says; past the last one likewise.
    """

    name = "by_horizon"

    def __init__(self, champions: Mapping[float, Candidate]) -> None:
        """Takes the champions by their horizon in weeks.

        Raises:
            ValueError: There is none.
        """
        if not champions:
            raise ValueError("there must be a champion for at least one horizon")
        self.champions = dict(sorted(champions.items()))
        #: What the contest taught of their errors; None where nobody looked.
        self.calibration: Calibration | None = None

    def fit(self, daily: pd.DataFrame | Preparation, cutoff: date) -> Self:
        """Fits all champions; see `Candidate.fit`."""
        prepared = Preparation.of(daily)
        for champion in self._distinct():
            champion.fit(prepared, cutoff)
        return self

    def champion_at(self, horizon_weeks: float) -> Candidate:
        """Returns the model that decides on a horizon."""
        for knot, champion in self.champions.items():
            if horizon_weeks <= knot + 1e-9:
                return champion
        return list(self.champions.values())[-1]

    def name_at(self, horizon_weeks: float) -> str:
        """Returns the name of the model that decides on a horizon."""
        return self.champion_at(horizon_weeks).name

    def predict(self, customers: pd.DataFrame, horizons_weeks: Sequence[float]) -> pd.DataFrame:
        """Predicts every customer at every horizon; see `Candidate.predict`."""
        horizons = checked_horizons(horizons_weeks)
        if len(self._distinct()) == 1:
            return self._distinct()[0].predict(customers, list(horizons))
        knots = np.array(list(self.champions))
        segment_of = np.minimum(np.searchsorted(knots, horizons - 1e-9), len(knots) - 1)
        result = np.empty((len(_COLUMNS), len(customers), len(horizons)))
        low = np.zeros((len(_COLUMNS), len(customers)))
        for segment, champion in enumerate(self.champions.values()):
            columns = np.flatnonzero(segment_of == segment)
            # One pass a champion: the horizons that it decides on, and both ends of its stretch.
            asked = [*horizons[columns], knots[segment]]
            asked += [knots[segment - 1]] if segment else []
            own = _cube(champion.predict(customers, asked), len(asked))
            end = own[:, :, len(columns)]
            start = own[:, :, -1] if segment else np.zeros_like(end)
            high = np.maximum(low, end)
            first = knots[segment - 1] if segment else 0.0
            for place, column in enumerate(columns):
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = (own[:, :, place] - start) / (end - start)
                # A champion that expects nothing more there has no course: straight on in time.
                linear = (horizons[column] - first) / (knots[segment] - first)
                share = np.where(np.isfinite(share), np.maximum(share, 0.0), linear)
                result[:, :, column] = low + (high - low) * share
            low = high
        result[2] = np.minimum(result[2], 1.0)
        # P(at least one order) never exceeds the expected number.
        result[0] = np.maximum(result[0], result[2])
        return long_frame(customers["customer_id"], horizons, result[0], result[1], result[2])

    def describe(self) -> Description:
        """Returns each champion's own description, under its horizon."""
        described = {f"{round(weeks)}w": c.describe() for weeks, c in self.champions.items()}
        if len(self._distinct()) == 1:
            return next(iter(described.values()))
        return Description(
            name=self.name,
            params={
                f"{horizon}.{key}": value
                for horizon, own in described.items()
                for key, value in own.params.items()
            },
            diagnostics={
                horizon: {"model": own.name} | dict(own.diagnostics)
                for horizon, own in described.items()
            },
        )

    def _distinct(self) -> list[Candidate]:
        return list({id(champion): champion for champion in self.champions.values()}.values())


def _cube(long: pd.DataFrame, horizons: int) -> np.ndarray:
    """Returns orders, value and P(active) as one array of shape (3, n, h)."""
    return np.stack(
        [long[column].to_numpy(dtype="float64").reshape(-1, horizons) for column in _COLUMNS]
    )

"""Rows of a table whose networks are equal but for the order of their parts.

A search takes isomorphic networks for one, which is right where one would be trained. Where a table
has several rows of one network, each trained with noise of its own, the best of them would then be
out of its reach: it looks at one row of each. So rows are told apart where their values differ, be
it by noise. How large the noise is, columns of single trainings say (`accuracy_seed0`, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.space import Architecture
from netwright.surrogates import Features

_LOOKED_AT, _TRACED = 25_000, 2_000  # rows at most; fewer where networks have to be traced
_EQUAL = 0.01  # of the deviation of other rows: what differs by less has one value


@dataclass(frozen=True)
class Isomorphic:
    """How many of the rows that were `looked_at` are of a network that an earlier row has.

    `within` is the deviation of the signal among rows of one network, `overall` that of the
    upper or lower half of all rows, whichever is less: networks that did not learn would make it
    large. `noise` is the deviation of the signal between trainings of one row, None where the table
    does not tell.
    """

    looked_at: int
    repeated: int
    within: float
    overall: float
    noise: float | None = None

    @property
    def apart(self) -> bool:
        """Whether rows of one network differ."""
        return self.repeated > 0 and self.within > _EQUAL * self.overall

    def told(self) -> str:
        """A sentence, empty where no rows are of one network."""
        if not self.repeated:
            return ""
        noise = "" if self.noise is None else f", trainings of one row: {self.noise:.3g}"
        treated = (
            f"their values differ by {self.within:.3g} (the more equal half of all rows: "
            f"{self.overall:.3g}{noise}), so that strategies tell them apart"
            if self.apart
            else f"strategies take them for one, so that {self.repeated:,} rows are not tried"
        )
        return (
            f"{self.repeated:,} of {self.looked_at:,} rows are of a network that another row has, "
            f"but for the order of its parts; {treated}."
        )


def isomorphic(
    features: Features,
    architectures: Sequence[Architecture],
    signal: NDArray[np.float64],
    trainings: Sequence[NDArray[np.float64]] = (),
) -> Isomorphic:
    """What of a table's rows is one network, by the n values of a signal.

    It is the mean of `trainings`, where the table has them.
    """
    most = _LOOKED_AT if features.is_cheap else _TRACED
    places = np.arange(len(architectures))
    if len(places) > most:
        places = np.sort(np.random.default_rng(0).choice(places, most, replace=False))
    rows = features.rows([architectures[i] for i in places.tolist()]).tolist()
    groups: dict[str, list[int]] = {}
    for place, row in zip(places.tolist(), rows, strict=True):
        groups.setdefault(features.graph_key(row), []).append(place)
    squares, free = 0.0, 0
    for members in groups.values():
        values = signal[members]
        values = values[np.isfinite(values)]
        if len(values) > 1:
            squares += float(((values - values.mean()) ** 2).sum())
            free += len(values) - 1
    fine = np.sort(signal[np.isfinite(signal)])
    halves = fine[: len(fine) // 2], fine[len(fine) // 2 :]
    overall = min((float(half.std()) for half in halves if len(half)), default=0.0)
    within = float(np.sqrt(squares / free)) if free else 0.0
    repeated = len(places) - len(groups)
    return Isomorphic(len(places), repeated, within, overall, _noise(trainings))


def _noise(trainings: Sequence[NDArray[np.float64]]) -> float | None:
    """The deviation of their mean between trainings of one row."""
    if len(trainings) < 2:
        return None
    each = np.array(trainings)
    whole = each[:, np.isfinite(each).all(axis=0)]
    return float(np.sqrt(whole.var(axis=0, ddof=1).mean() / len(each))) if whole.size else None

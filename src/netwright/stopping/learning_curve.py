"""Predictive termination: a trial that will hardly beat the best one is ended on its way.

Domhan, Springenberg and Hutter, "Speeding Up Automatic Hyperparameter Optimization of Deep Neural
Networks by Extrapolation of Learning Curves", IJCAI 2015, section 4: a training is stopped where
the probability that it exceeds the best one in the end is below 5 %. Departures: the extrapolation
is that of `ParametricCurves`; it is asked after every epoch; and the best one is looked for among
trials of the same budget. What was ended has the metrics of its last epoch, not those expected at
the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Space
from netwright.stopping.base import Stopper, Stopping
from netwright.surrogates import ParametricCurves
from netwright.trial import Budget, Proposal, Trial

_FEWEST = 2  # values, of which a curve can be made


@dataclass(frozen=True)
class LearningCurve(Stopper):
    """Ends a trial whose curve, extrapolated, is unlikely to end above the best one.

    The first objective is looked at, from `least` epochs that have a value of it on, once `trials`
    of the same budget have ended well with a curve. A trial is ended where the `probability` to
    exceed the best of them is below this. `bound` is the best value that the metric can have, such
    as 1.0 for an accuracy or 0.0 for a loss; with it trials may be ended sooner. A trial that is
    ended has the status `preempted`. Which ones are depends on when their news come, so it
    cannot go with `deterministic=True`.

    Raises:
        SettingError: `least` is no whole number, at least 2, `trials` none, at least 1,
            `probability` is not between 0 and 1, or `bound` is neither a finite number nor None.
    """

    cli_name: ClassVar = "learning-curve"
    ends_trials: ClassVar = True

    least: int = 4
    trials: int = 3
    probability: float = 0.05
    bound: float | None = None

    def __post_init__(self) -> None:
        for name, low in {"least": _FEWEST, "trials": 1}.items():
            value = getattr(self, name)
            if type(value) is not int or value < low:
                raise SettingError(
                    f"`LearningCurve({name}=...)` must be a whole number, at least {low}, "
                    f"got {value!r}."
                )
        if type(self.probability) not in (int, float) or not 0 < self.probability < 1:
            raise SettingError(
                "`LearningCurve(probability=...)` must be a number between 0 and 1, "
                f"got {self.probability!r}."
            )
        given = self.bound
        if given is not None and not (type(given) in (int, float) and math.isfinite(given)):
            raise SettingError(
                f"`LearningCurve(bound=...)` must be a finite number or None, got {given!r}."
            )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Stopping:
        """Return the state of a search in which no trial has ended."""
        return _Ends(self, objectives[0])


class _Ends(Stopping):
    """The last epoch and its gain of each trial that ended well, by budget."""

    def __init__(self, settings: LearningCurve, objective: Objective) -> None:
        self._settings, self._objective = settings, objective
        bound = settings.bound
        best = None if bound is None else float(objective.gain({objective.metric: bound}))
        self._curves = ParametricCurves(best)
        self._ends: dict[Budget | None, list[tuple[float, float]]] = {}

    def promoted(self, pending: Sequence[Proposal]) -> None:
        return None

    def entry(self, pending: Sequence[Proposal]) -> None:
        return None

    def observe(self, trial: Trial) -> None:
        gains = self._gains(trial.curve)
        if trial.done and gains:
            self._ends.setdefault(trial.proposal.budget, []).append(max(gains.items()))

    def goes_on(self, proposal: Proposal, curve: Sequence[Mapping[str, float]]) -> bool:
        """Extrapolate to the last epoch, and compare with the best value that was had there."""
        ends = self._ends.get(proposal.budget, ())
        gains = self._gains(curve)
        if len(ends) < self._settings.trials or len(gains) < self._settings.least:
            return True
        last = max(epoch for epoch, _ in ends)
        if max(gains) >= last:
            return True
        extrapolated = self._curves.fit(list(gains), list(gains.values()))
        best = max(gain for _, gain in ends)
        return extrapolated.exceeds(best, last) >= self._settings.probability

    def _gains(self, curve: Sequence[Mapping[str, float]]) -> dict[float, float]:
        """The finite gain after each epoch that has one, from the first epoch to the last."""
        gains = {
            point.get("epoch", float(place)): self._objective.gain(point)
            for place, point in enumerate(curve, 1)
        }
        return {
            epoch: gain
            for epoch, gain in sorted(gains.items())
            if epoch >= 1 and math.isfinite(gain)
        }

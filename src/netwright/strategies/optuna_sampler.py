"""Any sampler of Optuna as a strategy: Akiba et al., arXiv 1907.10902.

A choice is a categorical parameter, or, where its options are numbers in order, a whole number that
is the option's place; only the choices that are asked are suggested, as in Optuna's own conditional
spaces. The sampler is made anew for each proposal, seeded by the loop, so that what it proposes
follows from the trials alone. What is in flight is not told to it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from netwright.errors import SettingError, require
from netwright.objective import Objective
from netwright.space import Answer, Architecture, Choice, Space
from netwright.strategies.base import Search, Strategy, allowed
from netwright.trial import Proposal, Trial

SAMPLERS = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "nsga2": "NSGAIISampler",
    "random": "RandomSampler",
}


@dataclass(frozen=True)
class Optuna(Strategy):
    """Asks a sampler of Optuna: "tpe", "gp", "nsga2", "random", or what `sampler(seed)` makes.

    Raises:
        SettingError: No such name.
        MissingExtra: Without optuna.
    """

    cli_name: ClassVar = "optuna"
    cli_aliases: ClassVar = {f"optuna-{name}": {"sampler": name} for name in SAMPLERS}

    sampler: str | Callable[[int], Any] = "tpe"

    def __post_init__(self) -> None:
        if not callable(self.sampler) and self.sampler not in SAMPLERS:
            raise SettingError(
                f"`Optuna(sampler=...)` must be one of {', '.join(SAMPLERS)}, or a function of a "
                f"seed, got {self.sampler!r}."
            )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: a study without trials."""
        return _Optuna(self, space, objectives)


class _Optuna(Search):
    def __init__(self, settings: Optuna, space: Space, objectives: Sequence[Objective]) -> None:
        self._optuna = require("optuna", extra="optuna", purpose="The strategy Optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.ERROR)
        self._settings, self._space, self._objectives = settings, space, objectives
        self._study = self._optuna.create_study(directions=["maximize"] * len(objectives))

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        return Proposal(allowed(partial(self._asked, rng), self._space, rng))

    def _asked(self, rng: np.random.Generator) -> Architecture:
        self._study.sampler = self._sampler(int(rng.integers(2**31)))
        asked = self._study.ask()

        def pick(choice: Choice) -> Answer:
            if choice.late or len(choice.options) == 1:
                return choice.options[0]
            if is_ordered(choice):
                place = int(asked.suggest_int(choice.name, 0, len(choice.options) - 1))
                return choice.options[place]
            names = [str(place) for place in range(len(choice.options))]
            place = int(asked.suggest_categorical(choice.name, names))
            return choice.options[place]

        try:
            return self._space.answered(pick)
        finally:  # it is told when it ends
            self._study.tell(asked, state=self._optuna.trial.TrialState.FAIL)

    def observe(self, trial: Trial) -> None:
        gains = [o.gain(trial.metrics) if trial.done else -math.inf for o in self._objectives]
        well = all(map(math.isfinite, gains))
        states = self._optuna.trial.TrialState
        params: dict[str, Any] = {}
        distributions: dict[str, Any] = {}
        for name, answer in trial.architecture.answers.items():
            choice = self._space.choices[name]
            if choice.late or len(choice.options) == 1:
                continue
            place = choice.options.index(answer)
            params[name] = place if is_ordered(choice) else str(place)
            distributions[name] = self._distribution(choice)
        self._study.add_trial(
            self._optuna.trial.create_trial(
                state=states.COMPLETE if well else states.FAIL,
                values=gains if well else None,
                params=params,
                distributions=distributions,
            )
        )

    def _distribution(self, choice: Choice) -> Any:
        made = self._optuna.distributions
        if is_ordered(choice):
            return made.IntDistribution(0, len(choice.options) - 1)
        return made.CategoricalDistribution([str(i) for i in range(len(choice.options))])

    def _sampler(self, seed: int) -> Any:
        named = self._settings.sampler
        if callable(named):
            return named(seed)
        extra = {"multivariate": True, "group": True} if named == "tpe" else {}
        with warnings.catch_warnings():  # of settings that Optuna calls experimental
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            return getattr(self._optuna.samplers, SAMPLERS[named])(seed=seed, **extra)


def is_ordered(choice: Choice) -> bool:
    """Whether the options are numbers, each above the one before."""
    options = choice.options
    if any(type(option) not in (int, float) for option in options):
        return False
    return all(a < b for a, b in pairwise(options))  # type: ignore[operator]

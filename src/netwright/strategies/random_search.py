"""Random search: the baseline that every strategy has to beat.

Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search",
arXiv 1902.07638 (without the weight sharing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.objective import Objective
from netwright.space import Space
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial


@dataclass(frozen=True)
class RandomSearch(Strategy):
    """Draws each architecture anew from the space."""

    cli_name: ClassVar = "random"
    cli_aliases: ClassVar = {"random-search": {}}

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search, which for random search is nothing but the space."""
        return _RandomSearch(space)


class _RandomSearch(Search):
    def __init__(self, space: Space) -> None:
        self._space = space

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        return Proposal(self._space.sample(rng))

    def observe(self, trial: Trial) -> None:
        pass

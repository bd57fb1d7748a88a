"""The default: the strategy that needed the fewest trials where strategies were compared.

At present that is Bayesian optimisation over networks' graphs, for every space; a space whose
networks cannot be traced is searched by its answers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from netwright.objective import Objective
from netwright.space import Space
from netwright.strategies.base import Search, Strategy
from netwright.strategies.bayesian import BayesianOptimization


@dataclass(frozen=True)
class Auto(Strategy):
    """Chooses for you: at present Bayesian optimisation.

    It may choose otherwise in a later version; name a strategy to keep it.
    """

    cli_name: ClassVar = "auto"
    learns_budgets: ClassVar = True

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search that has seen nothing yet."""
        return BayesianOptimization().start(space, objectives)

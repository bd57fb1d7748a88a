"""BANANAS: an ensemble of networks predicts, and Thompson sampling chooses among mutants.

White, Neiswanger and Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search", arXiv 1910.11858: the ensemble gives each candidate a mean and a deviation, an
independent draw from that normal distribution is its acquisition, and candidates are mutants of the
best trials. Departures: the ensemble reads the paths of the graph that is left when what does
nothing is taken out, in any space, beside the answers (see `netwright.surrogates`), and goes on
learning after each trial. With several objectives it learns a mean of their ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.strategies.guided import Array, Guided


@dataclass(frozen=True)
class BANANAS(Guided):
    """Proposes the mutant of good trials for which a draw from the prediction is highest.

    The settings are those of `Guided`, and are refused likewise.
    """

    cli_name: ClassVar = "bananas"

    def choose(self, rng: np.random.Generator, mean: Array, deviation: Array) -> int:
        """Independent Thompson sampling."""
        return int(np.argmax(rng.normal(mean, deviation)))

"""NPENAS: evolution whose children are chosen by a predictor.

Wei, Niu, Tang, Wang, Hu and Liang, "NPENAS: Neural Predictor Guided Evolution for Neural
Architecture Search", arXiv 2003.12857 (the variant with a predictor of performance, NPENAS-NP): the
best trials have many mutants, of which the ones predicted best are trained. Departures: the
predictor is the ensemble of `netwright.surrogates`, not a graph network; one child at a time is
chosen instead of ten, so that each trial is learned from before the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.strategies.guided import Array, Guided


@dataclass(frozen=True)
class NPENAS(Guided):
    """Proposes the mutant of good trials that is predicted to be the best.

    The settings are those of `Guided`, and are refused likewise.
    """

    cli_name: ClassVar = "npenas"

    def choose(self, rng: np.random.Generator, mean: Array, deviation: Array) -> int:
        """The best of the predictions."""
        return int(np.argmax(mean))

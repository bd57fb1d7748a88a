"""DARTS-: an auxiliary skip beside all options, which is taken away in the course of the search.

Chu et al., "DARTS-: Robustly Stepping out of Performance Collapse Without Indicators", arXiv
2009.01027: skips win because they help the supernet to learn, as in ResNet. A skip of weight beta
that no logit learns does that for them; beta falls from 1 to 0 in a line. Here it is there where
the options have a skip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.relaxations.darts import DARTS


@dataclass(frozen=True)
class DARTSMinus(DARTS):
    """DARTS with an auxiliary skip, whose weight begins with `auxiliary`."""

    cli_name: ClassVar = "darts-minus"

    auxiliary: float = 1.0

    def with_skips(
        self, weights: Tensor, skips: Tensor, done: float, generator: torch.Generator
    ) -> Tensor:
        """The weights, and beta more for skips."""
        return weights + self.auxiliary * (1 - done) * skips.to(weights)

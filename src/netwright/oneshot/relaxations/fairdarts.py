"""Fair DARTS: each option has a weight of its own, which does not compete with the others.

Chu, Zhou, Zhang and Li, "Fair DARTS: Eliminating Unfair Advantages in Differentiable Architecture
Search", arXiv 1911.12126: a sigmoid in the place of the softmax, and the zero-one loss
-mean((w - 0.5)^2). Departure: one option is taken of each choice, the one of the largest weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class FairDARTS(Relaxation):
    """Each option has a weight of its own, which does not compete with the others.

    `decided` is the factor of the zero-one loss.
    """

    cli_name: ClassVar = "fair-darts"

    decided: float = 10.0

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), each from 0 to 1."""
        return Weighed(logits.sigmoid())

    def penalty(self, logits: Sequence[Tensor]) -> Tensor | float:
        """How undecided the weights are."""
        if not logits:
            return 0.0
        return -self.decided * ((torch.cat(list(logits)).sigmoid() - 0.5) ** 2).mean()

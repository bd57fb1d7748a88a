"""DrNAS: weights of options drawn from a Dirichlet distribution.

Chen, Wang, Cheng, Tang and Hsieh, "DrNAS: Dirichlet Neural Architecture Search", arXiv 2006.10355.
The concentrations are elu(logits) + 1; the gradient goes through the draw. A penalty keeps the
concentrations near 1. Departure: no progressive widening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Dirichlet
from torch.nn import functional

from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class DrNAS(Relaxation):
    """All options run; `anchor` is the factor of the distance to the concentrations of 1."""

    cli_name: ClassVar = "drnas"

    anchor: float = 1e-3

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), which sum to 1."""
        seed = int(torch.randint(2**31, (1,), generator=generator))
        with torch.random.fork_rng(devices=[]):  # Dirichlet draws from the global generator
            torch.default_generator.manual_seed(seed)
            return Weighed(Dirichlet(concentrations(logits)).rsample())

    def penalty(self, logits: Sequence[Tensor]) -> Tensor | float:
        """The mean Euclidean distance of the concentrations from 1, times `anchor`."""
        if not logits:
            return 0.0
        return self.anchor * torch.stack([(concentrations(v) - 1).norm() for v in logits]).mean()


def concentrations(logits: Tensor) -> Tensor:
    """The parameters of the Dirichlet distribution, 1 for logits of 0."""
    return functional.elu(logits) + 1

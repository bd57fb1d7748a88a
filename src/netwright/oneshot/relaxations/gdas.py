"""GDAS: one option runs, drawn by a Gumbel softmax.

Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", arXiv 1910.04465. The
option that is drawn has the weight 1; its gradient is that of the soft weight (straight through).
As in the official code the temperature falls from 10 to 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class GDAS(Relaxation):
    """Each step runs one option of each choice, so that it costs what one network costs."""

    cli_name: ClassVar = "gdas"

    hottest: float = 10.0
    coldest: float = 0.1

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to a one-hot (o,)."""
        heat = self.hottest + (self.coldest - self.hottest) * done
        soft = ((logits.log_softmax(0) + gumbel(logits, generator)) / heat).softmax(0)
        place = int(soft.argmax())
        hard = torch.zeros_like(soft)
        hard[place] = 1.0
        return Weighed(hard + (soft - soft.detach()), (place,))


def gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """As many draws from the standard Gumbel distribution."""
    drawn = torch.empty(like.shape, dtype=like.dtype).exponential_(generator=generator)
    return -drawn.log().to(like.device)

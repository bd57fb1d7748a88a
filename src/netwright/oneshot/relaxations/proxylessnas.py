"""ProxylessNAS: two options are compared, one runs.

Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware",
arXiv 1812.00332, section 3.2. Weights learn with one option, drawn by the softmax. For the logits
two are drawn, and the gradient is that of a softmax over these two. Departure: the two logits are
not rescaled afterwards to keep the probabilities of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class ProxylessNAS(Relaxation):
    """Two options are compared, one runs.

    It takes the memory of two networks for a step of the logits, of one for a step of the weights.
    """

    cli_name: ClassVar = "proxylessnas"

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to a one-hot (o,), through which two logits learn."""
        probabilities = logits.detach().cpu().softmax(0)
        count = 2 if torch.is_grad_enabled() else 1
        pair = torch.multinomial(probabilities, count, generator=generator).to(logits.device)
        two = logits[pair].softmax(0)
        first = torch.multinomial(two.detach().cpu(), 1, generator=generator).to(logits.device)
        hard = torch.zeros_like(two).index_fill(0, first, 1.0)
        weights = torch.zeros_like(logits).index_add(0, pair, hard + (two - two.detach()))
        return Weighed(weights, tuple(sorted(pair.tolist())))

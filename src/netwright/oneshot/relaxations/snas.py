"""SNAS: all options run, weighed by a concrete distribution that grows sharper.

Xie, Zheng, Liu and Lin, "SNAS: Stochastic Neural Architecture Search", arXiv 1812.09926. Departure:
its penalty on resources is left to limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed
from netwright.oneshot.relaxations.gdas import gumbel


@dataclass(frozen=True)
class SNAS(Relaxation):
    """All options run, weighed by a concrete distribution that grows sharper.

    The temperature falls from `hottest` to `coldest`, each epoch by the same factor.
    """

    cli_name: ClassVar = "snas"

    hottest: float = 1.0
    coldest: float = 0.03

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), which sum to 1."""
        heat = self.hottest * (self.coldest / self.hottest) ** done
        noisy = logits.log_softmax(0) + gumbel(logits, generator)
        return Weighed((noisy / heat).softmax(0))

"""SNIP: how much the loss depends on each weight's being there.

Lee et al., "SNIP: Single-shot Network Pruning based on Connection Sensitivity", arXiv 1810.02340;
as a score of architectures Abdelfattah et al., arXiv 2101.08134: the sum of |weight * gradient|,
which is not divided by the total as it is for pruning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.proxies.base import Examples, Proxy, gradients, weights_of


@dataclass(frozen=True)
class SNIP(Proxy):
    """Adds up how much the loss depends on each weight's being there."""

    cli_name: ClassVar = "snip"
    needs_targets: ClassVar = True

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> Tensor:
        """Return the sum of |weight * gradient| over all weights."""
        weights = weights_of(network)
        pairs = zip(weights, gradients(examples.loss_of(network), weights), strict=True)
        return sum(((weight * grad).abs().sum() for weight, grad in pairs), torch.zeros(()))

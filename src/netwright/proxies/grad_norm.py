"""The norm of the gradient: the first of the scores that Abdelfattah et al. compare.

Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", arXiv 2101.08134: the sum over the
layers of the Euclidean norm of the gradient of the loss by the layer's weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.proxies.base import Examples, Proxy, gradients, weights_of


@dataclass(frozen=True)
class GradNorm(Proxy):
    """Adds up the norms of the gradients of the loss by each layer's weights."""

    cli_name: ClassVar = "grad_norm"
    needs_targets: ClassVar = True

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> Tensor:
        """Return the sum of the norms of all weights' gradients."""
        found = gradients(examples.loss_of(network), weights_of(network))
        return sum((each.norm() for each in found), torch.zeros(()))

"""GraSP: how much the gradient flow depends on each weight's being there.

Wang et al., "Picking Winning Tickets Before Training by Preserving Gradient Flow",
arXiv 2002.07376; as a score of architectures Abdelfattah et al., arXiv 2101.08134: the sum of
-weight * H gradient, with H the Hessian of the loss. The outputs are not divided by a temperature,
as in the official code of the latter. It cannot score a network with a function that torch has no
second derivative of, such as the hard sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from netwright.proxies.base import Examples, Proxy, gradients, weights_of


@dataclass(frozen=True)
class GraSP(Proxy):
    """Adds up how much the gradient flow depends on each weight's being there."""

    cli_name: ClassVar = "grasp"
    needs_targets: ClassVar = True

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> Tensor:
        """Return the sum of -weight * H gradient over all weights."""
        weights = weights_of(network)
        with sdpa_kernel(SDPBackend.MATH):  # the only one that has a second derivative
            loss = examples.loss_of(network)
        first = gradients(loss, weights, twice=True)
        along = sum(((each.detach() * each).sum() for each in first), torch.zeros(()))
        pairs = zip(weights, gradients(along, weights), strict=True)
        return -sum(((weight * grad).sum() for weight, grad in pairs), torch.zeros(()))

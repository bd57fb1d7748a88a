"""SynFlow: how much flows through all weights at once, with no data.

Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow",
arXiv 2006.05467; as a score of architectures Abdelfattah et al., arXiv 2101.08134. Every weight is
replaced by its absolute value and the network is fed with ones; with R the sum of its outputs, the
score is the sum of |weight * dR/dweight|. Normalisations are taken out, as in the official code of
the latter, and all is in float64 since the flow of a deep network leaves float32.

Departures: the score is log(1 + the sum), which ranks alike: the sum spans tens of orders. Ids are
those of the first example. A network that mixes in float32 of its own is scored in float32.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.proxies.base import Examples, Proxy, gradients, weights_of
from netwright.proxies.intercepted import WithoutNorms


@dataclass(frozen=True)
class Synflow(Proxy):
    """Measures how much flows through all weights at once, on ones instead of data."""

    cli_name: ClassVar = "synflow"

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> Tensor:
        """Return log(1 + sum of |weight * dR/dweight|)."""
        first = [each[:1] for each in examples.inputs]
        ones = [torch.ones_like(each) if each.is_floating_point() else each for each in first]
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        try:
            return _flow(copy.deepcopy(network).double(), [_doubled(each) for each in ones])
        except RuntimeError:
            return _flow(network, ones)


def _flow(network: nn.Module, inputs: list[Tensor]) -> Tensor:
    network.eval()
    with WithoutNorms():
        outputs = network(*inputs)
    given = outputs if isinstance(outputs, tuple) else (outputs,)
    total = torch.stack([each.sum() for each in given]).sum()
    weights = weights_of(network)
    flows = zip(weights, gradients(total, weights), strict=True)
    summed = sum(((weight * grad).abs().sum() for weight, grad in flows), torch.zeros(()))
    return torch.log1p(summed)


def _doubled(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor

"""The covariance of Jacobians: how differently a network reacts to different examples.

Mellor et al., "Neural Architecture Search without Training", arXiv 2006.04647, version 1; the
later ones have another score (see `netwright.proxies.naswot`). With J the
gradients of the summed outputs by the inputs, a row for each example, and v the eigenvalues of the
correlation of the rows, the score is -sum(log(v + k) + 1 / (v + k)) with k = 1e-5.

Departure: of ids, which have no gradient, it is that by what their embeddings give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.proxies.base import Examples, Proxy
from netwright.proxies.intercepted import Embeddings

_K = 1e-5


@dataclass(frozen=True)
class Jacov(Proxy):
    """Measures how differently the outputs react to different examples."""

    cli_name: ClassVar = "jacov"

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlation."""
        rows = _jacobian(network, examples)
        if not (rows.std(axis=1) > 0).all():
            raise EvaluationError(
                "Jacov cannot score the network: its outputs do not depend on the inputs of every "
                "example, or by no gradient."
            )
        values = np.linalg.eigvalsh(np.corrcoef(rows)) + _K
        values = np.maximum(values, _K / 10)  # eigenvalues of 0 come out a little below
        return float(-np.sum(np.log(values) + 1.0 / values))


def _jacobian(network: nn.Module, examples: Examples) -> np.ndarray:
    """Gradients of the summed outputs by all floating inputs, (b, f)."""
    leaves: list[Tensor] = []

    def leaf(tensor: Tensor) -> Tensor:
        leaves.append(tensor.detach().clone().requires_grad_())
        return leaves[-1] * 1.0  # what follows may change it in place

    given = [leaf(each) if each.is_floating_point() else each for each in examples.inputs]
    with Embeddings(len(examples), leaf):
        outputs = network(*given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    total = torch.stack([each.sum() for each in outputs]).sum()
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    rows = [each.flatten(1) for each in found if each is not None]
    return torch.cat(rows, 1).double().numpy() if rows else np.zeros((len(examples), 1))

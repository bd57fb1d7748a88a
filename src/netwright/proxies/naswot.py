"""NASWOT: how well a network tells examples apart before training, by which activations are on.

Mellor et al., "Neural Architecture Search without Training", arXiv 2006.04647, version 3. Each
example has a binary code: which activations of the network take a number above 0. With K the number
of places in which the codes of two examples agree, (b, b), the score is log |det K|.

Departures: activations other than ReLU, such as GELU and SiLU, are read alike. The diagonal of K
gets 0.001 more, so that the score of a network that gives two examples one code is finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.proxies.base import Examples, Proxy
from netwright.proxies.intercepted import Activations

_RIDGE = 1e-3


@dataclass(frozen=True)
class NASWOT(Proxy):
    """Measures how well the codes of which activations are on tell examples apart."""

    cli_name: ClassVar = "naswot"

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return log |det K|."""
        count = len(examples)
        kernel = torch.zeros(count, count, dtype=torch.float64)

        def add(taken: Tensor) -> None:
            if taken.dim() and len(taken) and len(taken) % count == 0:
                code = (taken > 0).reshape(count, -1).float()
                off = 1 - code
                kernel.add_(code @ code.T + off @ off.T)

        with torch.no_grad(), Activations(add):
            network(*examples.inputs)
        if not kernel.any():
            raise EvaluationError("NASWOT cannot score the network: it has no activation.")
        sign, value = np.linalg.slogdet(kernel.numpy() + _RIDGE * np.eye(count))
        return float(value)

"""The size of a network as a score: what every other proxy has to beat.

White et al., "A Deeper Look at Zero-Cost Proxies for Lightweight NAS" (ICLR blog track, 2022), and
Krishnakumar et al., arXiv 2210.03230: the numbers of parameters and of multiplications rank
networks about as well as most proxies do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import nn

from netwright.network.cost import count_params, survey
from netwright.proxies.base import Examples, Proxy


@dataclass(frozen=True)
class Params(Proxy):
    """Counts the parameters."""

    cli_name: ClassVar = "params"

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return the number of parameters."""
        return float(count_params(network))


@dataclass(frozen=True)
class MACs(Proxy):
    """Counts the multiply-accumulates of one example."""

    cli_name: ClassVar = "macs"

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return the multiply-accumulates of one example."""
        return float(survey(network, examples.signature).macs)

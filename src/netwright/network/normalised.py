"""A network behind its normalisation, so that it takes raw tensors: bytes, unscaled numbers, ids.

What a run hands back, each exported form, what a target measures and what the forms are compared
with are all this one module.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from torch import Tensor, nn

from netwright.network.signature import Signature


class Standardise(nn.Module):
    """Takes the mean from raw numbers or bytes and divides by the deviation, in float32."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("std", std.detach().clone().float())

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to float32 of that shape."""
        return (x.float() - self.mean) / self.std


class AsFloat(nn.Module):
    """Takes raw numbers or bytes as float32."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to float32 of that shape."""
        return x.float()


class AsIds(nn.Module):
    """Takes ids of any dtype as int64."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to int64 of that shape."""
        return x.long()


class Normalised(nn.Module):
    """Takes raw inputs: what normalises them goes before the network."""

    def __init__(self, network: nn.Module, normalise: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Raw (b, *shape) to the network's output (b, *output)."""
        out: Tensor = self.network(self.normalise(x))
        return out


@dataclass(frozen=True, eq=False)
class RawInputs:
    """What a deployed network takes, and what makes the network's own inputs of it.

    `normalise` of None changes no more than the dtype: to float32, or to int64 where the signature
    says that the inputs are ids.

    Raises:
        SettingError: The signature takes several tensors.
    """

    signature: Signature
    normalise: nn.Module | None = None

    def before(self, network: nn.Module) -> Normalised:
        """The network, itself and no copy, behind a copy of the normalisation; in eval mode."""
        cast = AsFloat() if self.signature.input.ids is None else AsIds()
        first = cast if self.normalise is None else copy.deepcopy(self.normalise)
        return Normalised(network, first).eval()

"""A network after its normalisation, so that it takes raw tensors: bytes, unscaled numbers, ids.

What a run hands back, each exported form, what a target measures and what the forms are compared
with are all this one module.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
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
class Deployment:
    """How networks are deployed, whichever they are.

    `signature` is what they take, raw, and give. `normalise` makes a network's own inputs of that;
    None changes no more than the dtype: to float32, or to int64 where the inputs are ids.
    `examples` has a batch of raw examples (n, *shape) of the data for each input, if there are any.

    Raises:
        SettingError: The signature takes several tensors.
    """

    signature: Signature
    normalise: nn.Module | None = None
    examples: Sequence[Tensor] = ()

    def raw(self, network: nn.Module) -> Normalised:
        """The network as it is deployed, in eval mode: itself and no copy, after `normalise`."""
        cast = AsFloat() if self.signature.input.ids is None else AsIds()
        first = cast if self.normalise is None else copy.deepcopy(self.normalise)
        return Normalised(network, first).eval()

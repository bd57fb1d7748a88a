"""Fisher: how much the loss depends on each channel's being there.

Turner et al., "BlockSwap: Fisher-guided Block Substitution for Network Compression on a Budget",
arXiv 1906.04113; as a score of architectures Abdelfattah et al., arXiv 2101.08134. For what a
convolution or linear layer gives, a channel counts half the mean over the examples of
(the sum over the places of activation * gradient)^2; the score is the sum over all channels.

Departure: layers are those that torch has as modules; a product that a network writes out itself is
not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.proxies.base import Examples, Proxy

_CONVOLUTIONS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip


@dataclass(frozen=True)
class Fisher(Proxy):
    """Adds up how much the loss depends on each channel's being there."""

    cli_name: ClassVar = "fisher"
    needs_targets: ClassVar = True

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> Tensor:
        """Return the sum over all channels of convolutions and linear layers."""
        seen: list[tuple[Tensor, bool]] = []

        def keep(module: nn.Module, given: Any, out: Tensor) -> Tensor:
            seen.append((out, isinstance(module, _CONVOLUTIONS)))
            return out.clone()  # what follows may change it in place

        for module in network.modules():
            if isinstance(module, (*_CONVOLUTIONS, nn.Linear)):
                module.register_forward_hook(keep)
        loss = examples.loss_of(network)
        if not seen:
            raise EvaluationError(
                "Fisher cannot score the network: it has no convolution or linear layer."
            )
        tensors = [out for out, _ in seen]
        found = torch.autograd.grad(loss, tensors, allow_unused=True)
        total = torch.zeros(())
        for (out, is_convolution), grad in zip(seen, found, strict=True):
            if grad is not None:
                total = total + _of_channels(out * grad, is_convolution)
        return total


def _of_channels(product: Tensor, is_convolution: bool) -> Tensor:
    """What the channels of one layer count, by activation times gradient (b, c, ...)."""
    channels = product if is_convolution else product.movedim(-1, min(1, product.dim() - 1))
    by_channel = channels.flatten(2).sum(2) if channels.dim() > 2 else channels
    return by_channel.pow(2).mean(0).sum() / 2

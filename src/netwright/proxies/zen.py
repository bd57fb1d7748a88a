"""Zen-score: how expressive a network is, by how far a small change of its inputs is felt.

Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Deep Image Recognition",
arXiv 2102.01063. Weights are drawn from a standard normal distribution, inputs x and e too; with f
the features before the global pooling and the classifier, the score is
log E|f(x) - f(x + a e)| + the sum of log deviation over the batch normalisations, which gives back
what those took away.

Departures: the deviations are those of the batch x, where the official code reads running averages.
Of ids it is what their embeddings give that is changed. f is what the last layer with weights
takes, before a pooling module that stands there; of a pooling that is written out it is what that
gave. Only batch normalisations are given back: networks with others compare among themselves alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AvgPoolNd

from netwright.errors import EvaluationError, SettingError
from netwright.proxies.base import Examples, Proxy, weights_of
from netwright.proxies.intercepted import Embeddings

_COUNT = 16  # examples of a pass, as in the official code


@dataclass(frozen=True)
class Zen(Proxy):
    """Measures how far a small change of random inputs is felt with random weights.

    `change` is the size of the change, beside 1 for the inputs; `repeats` the draws of weights and
    inputs that are averaged, of two passes each.

    Raises:
        SettingError: `change` is not above 0, or `repeats` no whole number, at least 1.
    """

    cli_name: ClassVar = "zen"

    change: float = 0.01
    repeats: int = 2

    def __post_init__(self) -> None:
        if isinstance(self.change, bool) or not 0 < self.change < math.inf:
            raise SettingError(f"`Zen(change=...)` must be a number above 0, got {self.change!r}.")
        if type(self.repeats) is not int or self.repeats < 1:
            raise SettingError(
                f"`Zen(repeats=...)` must be a whole number, at least 1, got {self.repeats!r}."
            )

    def measure(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return the mean over the repeats."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        with torch.no_grad():
            scores = [self._once(network, examples, generator) for _ in range(self.repeats)]
        return float(np.mean(scores))

    def _once(self, network: nn.Module, examples: Examples, generator: torch.Generator) -> float:
        _draw_weights(network, generator)
        inputs = [
            _normal_like(each[:_COUNT], generator) if each.is_floating_point() else each[:_COUNT]
            for each in examples.inputs
        ]
        changed = [
            each + self.change * _normal_like(each, generator) if each.is_floating_point() else each
            for each in inputs
        ]
        first, deviations = _features(network, inputs)

        def moved(tensor: Tensor) -> Tensor:
            return tensor + self.change * _normal_like(tensor, generator)

        with Embeddings(len(inputs[0]), moved):
            second, _ = _features(network, changed)
        distance = float((first - second).abs().flatten(1).sum(1).mean())
        if not distance > 0:
            raise EvaluationError(
                "Zen cannot score the network: its features do not change with its inputs."
            )
        return math.log(distance) + sum(deviations)


def _normal_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)


def _draw_weights(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights from a standard normal distribution; biases are 0, scales of norms 1."""
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:
            parameter.copy_(_normal_like(parameter, generator))
        else:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)


def _features(network: nn.Module, inputs: list[Tensor]) -> tuple[Tensor, list[float]]:
    """What the classifier takes, before a pooling, and log deviation at each batch norm."""
    seen: list[tuple[nn.Module, Tensor]] = []
    deviations: list[float] = []

    def look(module: nn.Module, given: Any) -> None:
        if given and isinstance(given[0], Tensor):
            seen.append((module, given[0].clone()))
            if isinstance(module, _BatchNorm):
                others = [axis for axis in range(given[0].dim()) if axis != 1]
                variance = float(given[0].var(others, correction=0).mean())
                if variance > 0:  # else nothing comes to it, and nothing is to be given back
                    deviations.append(0.5 * math.log(variance))

    leaves = [module for module in network.modules() if not any(module.children())]
    hooks = [module.register_forward_pre_hook(look) for module in leaves]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    weighted = [place for place, (module, _) in enumerate(seen) if weights_of(module)]
    if not weighted:
        raise EvaluationError("Zen cannot score the network: it has no layer with weights.")
    features = seen[weighted[-1]][1]
    for module, taken in reversed(seen[weighted[-2] + 1 if len(weighted) > 1 else 0 :][:-1]):
        if isinstance(module, _AdaptiveAvgPoolNd | _AvgPoolNd):
            features = taken
            break
    return features.float(), deviations

"""Where a training stands, as named tensors: what a training that goes on begins from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from netwright.trial import Budget

Tensors = Mapping[str, Tensor]


class Averaging(Protocol):
    """A running average of weights: its tensors, and how many steps it has taken in."""

    mean: list[Tensor]
    steps: int


@dataclass(frozen=True)
class Standing:
    """All that the next step of a training depends on, beside its settings and its data."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Averaging
    generator: torch.Generator
    rng: np.random.Generator
    device: torch.device

    def tensors(self, epoch: int) -> dict[str, Tensor]:
        """Copies of everything, on the CPU, after so many epochs; called while it is seeded."""
        found = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        found |= {f"average.{i}": mean for i, mean in enumerate(self.average.mean)}
        for i, parameter in enumerate(self._parameters()):
            state = self.optimizer.state[parameter]
            found |= {f"optimizer.{i}.{name}": value for name, value in state.items()}
        found |= {"generator": self.generator.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state(self.device)
        found["numpy"] = as_tensor(self.rng.bit_generator.state)
        found["epoch"] = torch.tensor([epoch, self.average.steps])
        return {name: tensor.detach().cpu().clone() for name, tensor in found.items()}

    def restore(self, tensors: Tensors) -> int:
        """Put everything back as `tensors` gave it; returns the epochs that are over."""
        state = {name[6:]: t for name, t in tensors.items() if name.startswith("model.")}
        self.model.load_state_dict(state)
        for i, mean in enumerate(self.average.mean):
            mean.copy_(tensors[f"average.{i}"])
        for i, parameter in enumerate(self._parameters()):
            begin = f"optimizer.{i}."
            for name in [name for name in tensors if name.startswith(begin)]:
                kept = tensors[name]
                if kept.shape == parameter.shape and kept.ndim:  # in its layout, and where it is
                    kept = torch.empty_like(parameter, requires_grad=False).copy_(kept)
                self.optimizer.state[parameter][name.removeprefix(begin)] = kept
        self.generator.set_state(tensors["generator"])
        torch.set_rng_state(tensors["torch"])
        if "cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["cuda"], self.device)
        self.rng.bit_generator.state = from_tensor(tensors["numpy"])
        epoch, self.average.steps = tensors["epoch"].tolist()
        return int(epoch)

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]


def with_curve(tensors: Tensors, curve: Sequence[Mapping[str, float]]) -> dict[str, Tensor]:
    """Where a training stands, with its metrics after each epoch so far."""
    return {**tensors, "curve": as_tensor([dict(point) for point in curve])}


def went_before(
    tensors: Tensors | None, budget: Budget
) -> tuple[Tensors | None, list[dict[str, float]]]:
    """What a training of a budget goes on from, and the curve until there; None is the start.

    What has been trained for more than the budget is no part of it.
    """
    if tensors is None or int(tensors["epoch"][0]) > budget.amount:
        return None, []
    return tensors, from_tensor(tensors["curve"])


def as_tensor(value: Any) -> Tensor:
    """A JSON value as the bytes of its text."""
    return torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)


def from_tensor(tensor: Tensor) -> Any:
    """The JSON value that `as_tensor` wrote."""
    return json.loads(bytes(tensor.tolist()))

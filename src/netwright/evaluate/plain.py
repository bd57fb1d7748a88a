"""What a plain network reaches on pictures, trained as the network that a search returned.

Four convolutions of 3 x 3, each with batch normalisation, ReLU and a pooling that halves, then the
mean over the image and a linear layer. Of large pictures the first one makes 24 to 47 pixels each
way, so that some epochs are a matter of seconds. Who writes a first network by hand writes this
one, so a search is worth what it gains on that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netwright.data import Data, Part
from netwright.data.folds import Selected
from netwright.evaluate.fit import Diverged, Schedule, answered, fit, score
from netwright.evaluate.step_seconds import step_seconds
from netwright.evaluate.training import Training
from netwright.network.cost import count_params
from netwright.tasks import Metric
from netwright.tasks.base import Batches
from netwright.trial import Budget

_WIDTHS = (32, 64, 128, 128)
_SIDE = 24  # of what the first convolution leaves of a large picture, or up to twice as much
_LARGE = 64  # pixels each way from which on it makes a picture smaller
_TIMED = 4  # steps that are timed, after a first one
_MOST = 60.0  # seconds for all of it, where nothing bounds them
_LEAST = 3  # epochs that are worth a comparison, where the network of the search had more
_SLACK = 0.8  # of the seconds that the epochs may take by the steps that were timed
_SEED = 0


@dataclass(frozen=True)
class Plain:
    """The training of the network that was found: what the plain one has as well."""

    training: Training
    recipe: Mapping[str, Any]
    epochs: int

    def against(
        self,
        found: Mapping[str, Any],
        data: Data,
        held: NDArray[np.int64],
        metric: Metric,
        seconds: float | None,
        clock: Callable[[], float] = time.perf_counter,
        told: Callable[[Batches], None] = lambda batches: None,
    ) -> dict[str, Any]:
        """The better of a reference that was `found` and the plain network, on rows `held` out.

        Both are told there. The epochs are those of the network of the search, or as many as there
        is time for; where these are too few, what was found stays as it is. The better one learns
        from all rows of the train part if there is time. If it is the plain one, `told` gets what
        it answers on the test part.
        """
        left = min(_MOST, math.inf if seconds is None else seconds)
        rows = np.setdiff1d(np.arange(len(data.train)), held)
        kept, asked = (Selected(data.train, torch.from_numpy(each)) for each in (rows, held))
        began = clock()
        learnt = self._trained(data, kept, left, clock)
        if learnt is None:
            return dict(found)
        network, epochs = learnt
        scored = self._measured(network, data, Selected(data.train, torch.from_numpy(held)))[
            metric.name
        ]
        name = f"4 convolutions ({count_params(network):,} parameters)"
        reached = {**found["compared"], name: scored}
        both = {**found, "compared": reached}
        gain = metric.objective.gain
        if not math.isfinite(scored):
            return dict(found)
        if any(
            gain({metric.name: each}) >= gain({metric.name: scored})
            for each in found["compared"].values()
        ):
            return both
        taken = clock() - began
        again = None
        if 2 * taken <= left:
            again = self._trained(data, data.train, left - taken, clock, at_least=epochs)
        network, epochs = again or learnt
        device = self.training.torch_device()
        told(answered(network, data.test, normalise=data.normalise, device=device))
        return {
            "name": name,
            **self._measured(network, data, data.test),
            "rows": len(data.train if again else rows),
            "of": len(data.train),
            "epochs": epochs,
            "params": count_params(network),
            "compared": reached,
            "compared_by": metric.name,
        }

    def _trained(
        self,
        data: Data,
        part: Part,
        seconds: float,
        clock: Callable[[], float],
        at_least: int | None = None,
    ) -> tuple[nn.Module, int] | None:
        """A network and its epochs, as many as there are seconds for; None where these are few."""
        schedule = self.training.schedule(self.recipe, self.epochs, len(part))
        ends = clock() + seconds
        step = self._step(data, part, schedule, clock)
        if step is None:
            return None
        seconds = ends - clock()
        per_epoch = max(1, len(part) // min(schedule.batch, len(part)))
        epochs = min(self.epochs, int(_SLACK * seconds / (step * per_epoch)))
        if epochs < min(self.epochs, at_least or _LEAST):
            return None
        network = plain_network(data)
        in_time = True

        def goes_on() -> bool:
            nonlocal in_time
            in_time = clock() <= ends
            return in_time

        try:
            self._fit(network, data, part, Budget(epochs), schedule, goes_on)
        except Diverged:
            return None
        return (network, epochs) if in_time else None

    def _step(
        self, data: Data, part: Part, schedule: Schedule, clock: Callable[[], float]
    ) -> float | None:
        """Seconds of a step, by a few."""

        def train(goes_on: Callable[[], bool]) -> None:
            self._fit(plain_network(data), data, part, Budget(_TIMED + 1), schedule, goes_on)

        step = step_seconds(train, _TIMED, clock=clock)
        return None if step is None else max(1e-6, step)

    def _fit(
        self,
        network: nn.Module,
        data: Data,
        part: Part,
        budget: Budget,
        schedule: Schedule,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        device = self.training.torch_device()
        fit(
            network,
            part,
            budget,
            schedule,
            task=data.task,
            normalise=data.normalise,
            seed=_SEED,
            device=device,
            half=device.type == "cuda",
            goes_on=goes_on,
        )

    def _measured(self, network: nn.Module, data: Data, part: Part) -> dict[str, float]:
        device = self.training.torch_device()
        return score(network, part, task=data.task, normalise=data.normalise, device=device)


def is_for(data: Data) -> bool:
    """Whether rows are one picture each, of which one row of numbers is predicted."""
    takes, gives = data.signature.inputs, data.task.outputs
    return (
        len(takes) == len(gives) == 1
        and takes[0].ids is None
        and len(takes[0].shape) == 3
        and None not in takes[0].shape
        and len(gives[0].shape) == 1
        and None not in gives[0].shape
    )


def plain_network(data: Data) -> nn.Module:
    """The network for pictures (c, h, w), with weights drawn by a seed."""
    channels, height, width = data.signature.inputs[0].sizes
    (outputs,) = data.task.outputs[0].sizes
    side = math.sqrt(height * width)
    stride = 1 if side < _LARGE else 2 ** math.floor(math.log2(side / _SIDE))
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(_SEED)
        for place, wide in enumerate(_WIDTHS):
            step = 1 if place else stride
            kernel = 3 if step <= 2 else step + 1
            layers += [
                nn.Conv2d(channels, wide, kernel, step, kernel // 2, bias=False),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
            channels = wide
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)]
    return nn.Sequential(*layers)

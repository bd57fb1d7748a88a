"""The contract of a one-shot search: train all networks of a space at once, then name candidates.

It is another extension point than a strategy: a strategy proposes and never trains, a one-shot
search trains shared weights and proposes when it is done. What it names is trained as any trial is,
so that a run ends with plain networks, a history and a report like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.data import Augmentation, Data
from netwright.errors import SettingError
from netwright.evaluate.costs import Costs
from netwright.evaluate.fit import laid_out, seeded
from netwright.network.normalised import each_of
from netwright.objective import Objective
from netwright.space import Architecture, Space
from netwright.strategies import Strategy
from netwright.supernet.supernet import Supernet
from netwright.tasks import Metric, Task

MOMENTUM = 0.9
_CPU = torch.device("cpu")


def always() -> bool:
    """Go on: there is time enough."""
    return True


@dataclass(frozen=True)
class Setting:
    """What a one-shot search is to work on: `data`, how images are augmented, and its randomness.

    `limited` has the limits that what is named should keep, None for no limits; `objectives` are
    what it should be good at, the task's where none are given.

    Weights learn from the train part. What chooses among architectures is the validation part.
    """

    space: Space
    data: Data
    augmentation: Augmentation
    seed: int = 0
    device: torch.device = _CPU
    limited: Costs | None = None
    objectives: tuple[Objective, ...] = ()

    def __post_init__(self) -> None:
        if not self.objectives:
            object.__setattr__(self, "objectives", (self.task.objective,))

    @property
    def task(self) -> Task:
        """What outputs mean."""
        return self.data.task

    @property
    def metric(self) -> Metric:
        """The metric of the task that members are scored by."""
        return self.task.led_by(self.objectives)

    @cached_property
    def costs(self) -> Costs:
        """What members cost that is limited."""
        return self.limited or Costs(self.space)


@dataclass(frozen=True)
class OneShot(ABC):
    """A one-shot search. Settings are fields of a frozen dataclass; `begin` makes its state.

    The supernet is trained for `epochs` in batches of `batch`, by SGD with Nesterov momentum whose
    `learning_rate` falls by a cosine to nothing, and a weight decay of `weight_decay`; gradients
    are cut off at a norm of `clip`. A step takes at most `memory_mib`, None for what is free: if it
    would take more, blocks run again for their gradient, and then batches and rate are halved.

    Raises:
        SettingError: A value outside its rule.
    """

    cli_name: ClassVar[str] = ""  # each exported class has its own
    cli_aliases: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # with settings they preset

    epochs: int = 25
    batch: int = 64
    learning_rate: float = 0.025
    weight_decay: float = 3e-4
    clip: float = 5.0
    memory_mib: float | None = None

    def __post_init__(self) -> None:
        self._check_whole("epochs", 1)
        self._check_whole("batch", 1)
        self._check_number("learning_rate", "above 0", lambda v: v > 0)
        self._check_number("clip", "above 0", lambda v: v > 0)
        self._check_number("weight_decay", "at least 0", lambda v: v >= 0)
        if self.memory_mib is not None:
            self._check_number("memory_mib", "above 0", lambda v: v > 0)

    def _check_whole(self, name: str, least: int) -> None:
        """Refuse a setting that is no whole number, or less than `least`."""
        value = getattr(self, name)
        if type(value) is not int or value < least:
            raise SettingError(
                f"`{type(self).__name__}({name}=...)` must be a whole number, at least {least}, "
                f"got {value!r}."
            )

    def _check_number(self, name: str, rule: str, holds: Callable[[float], bool]) -> None:
        """Refuse a setting that is no number, or for which the rule does not hold."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not holds(value):
            raise SettingError(
                f"`{type(self).__name__}({name}=...)` must be a number {rule}, got {value!r}."
            )

    def _check_finder(self) -> None:
        """Refuse a `finder` that is no strategy."""
        finder = getattr(self, "finder")  # noqa: B009 - a field of those that have one
        if not isinstance(finder, Strategy | None):
            raise SettingError(
                f"`{type(self).__name__}(finder=...)` must be a Strategy such as "
                f"`RegularizedEvolution()`, got {finder!r}."
            )

    @property
    def transforms_kernels(self) -> bool:
        """Whether smaller kernels are made by learned matrices, not by cutting alone."""
        return False

    @abstractmethod
    def begin(self, setting: Setting) -> Shared:
        """The state before the first epoch.

        Raises:
            SpaceError: The space cannot be shared; says because of what.
        """


class Shared(ABC):
    """A supernet on its way.

    All randomness of an epoch follows from the seed and the epoch's number, so that what `load` is
    given by `state` goes on to the same weights. `epoch` counts those that are done, and `scores`
    has the metrics of members that are known with these weights.
    """

    def __init__(self, settings: OneShot, setting: Setting) -> None:
        self.setting, self.settings = setting, settings
        self.supernet: Supernet = Supernet(
            setting.space, transform_kernels=settings.transforms_kernels, seed=setting.seed
        )
        self.supernet.to(setting.device)
        self.epoch = 0
        self.scores: dict[Architecture, dict[str, float]] = {}
        self.collapsed = False  # set when going on is of no use
        self._learned = [p for p in self.supernet.parameters() if p.requires_grad]
        self._optimizer = torch.optim.SGD(
            self._learned,
            settings.learning_rate,
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=settings.weight_decay,
        )
        self.batch = self._largest_batch

    @property
    def _largest_batch(self) -> int:
        return min(self.settings.batch, len(self.setting.data.train))

    @property
    def steps(self) -> int:
        """How many there are in an epoch."""
        return max(1, len(self.setting.data.train) // self.batch)

    # -- what a kind of search does ---------------------------------------------------------------

    @abstractmethod
    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        """One step: learn from a batch of the train part; `other` is of the validation part.

        `place` counts the steps of this epoch. Returns the loss of `batch`.
        """

    @abstractmethod
    def candidates(
        self, rng: np.random.Generator, count: int, goes_on: Callable[[], bool] = always
    ) -> list[Architecture]:
        """Different members that are worth training alone, the most promising first.

        Where `goes_on` says no, the best of those that were scored until then, one at least.
        """

    def told(self) -> dict[str, float]:
        """More that is to be known after an epoch."""
        return {}

    def activate(self, architecture: Architecture) -> None:
        """Let the supernet compute a member, with the weights that are for it."""
        self.supernet.activate(architecture)

    def preferences(self) -> dict[str, list[float]]:
        """How likely each option of each choice is by what was learned, where that is known."""
        return {}

    def rehearse(self, batch: Batch, other: Batch) -> None:
        """Take the steps that need most memory, on the meta device; see `memory.py`."""
        space, rng = self.setting.space, np.random.default_rng(0)
        for member in (space.largest(), *(space.sample(rng) for _ in range(3))):
            self.activate(member)
            self._learn(0, batch)

    def with_momenta(self) -> list[Tensor]:
        """The momenta of all weights, nothing where there are none yet."""
        found = []
        for group in self._optimizer.param_groups:
            for parameter in group["params"]:
                state = self._optimizer.state[parameter]
                found.append(state.setdefault("momentum_buffer", torch.zeros_like(parameter)))
        return found

    def unshared(self) -> list[object]:
        """Its parts that have nothing of the supernet's in them."""
        return [self.settings]

    def _more_state(self) -> dict[str, Tensor]:
        return {}

    def _load_more(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027 - there may be no more
        """Take what `_more_state` gave."""

    # -- the loop ---------------------------------------------------------------------------------

    def advance(self) -> dict[str, float]:
        """Train for an epoch; returns the mean loss and what `told` adds."""
        generator = torch.Generator().manual_seed(self._seed(1))
        rng = np.random.default_rng([self.setting.seed, self.epoch, 2])
        self._generator, self._rng = generator, rng
        self.supernet.train()
        losses = []
        with seeded(self._seed(3), self.setting.device):
            batches = zip(self._some("train"), self._some("validation"), strict=True)
            for place, (batch, other) in enumerate(batches):
                losses.append(self._step(place, batch, other))
        self.epoch += 1
        self.scores.clear()
        return {"loss": float(np.mean(losses)), **self.told()}

    def _some(self, name: str, count: int | None = None) -> Iterator[Batch]:
        """Batches of a part, as many as an epoch has steps; a small part is gone through again."""
        count = count or self.steps
        data, device, task = self.setting.data, self.setting.device, self.setting.task
        normalise = data.normalise.to(device)
        part = getattr(data, name)
        rows = torch.cat(
            [
                torch.randperm(len(part), generator=self._generator)
                for _ in range(-(-count * self.batch // len(part)))
            ]
        )
        for step in range(count):
            chosen = rows[step * self.batch : (step + 1) * self.batch]
            raw, targets = part.batch(chosen)
            inputs = each_of(normalise(*(tensor.to(device) for tensor in raw)))
            if name == "train":
                inputs = tuple(self.setting.augmentation(x, self._generator) for x in inputs)
            yield Batch(tuple(map(laid_out, inputs)), targets.to(device), task)

    def _learn(self, place: int, batch: Batch) -> float:
        """A step of the weights towards a lower loss of what the supernet is set to compute."""
        with self._one_step(place):
            loss = batch.loss(self.supernet)
            loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    @contextmanager
    def _one_step(self, place: int) -> Iterator[None]:
        """Within it gradients are added up; after it the weights take a step by them."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate(place)
        self._optimizer.zero_grad(set_to_none=True)
        yield
        nn.utils.clip_grad_norm_(self._learned, self.settings.clip)
        self._optimizer.step()

    def rate(self, place: int) -> float:
        """The learning rate of a step of this epoch; half as large with batches half as large."""
        done = (self.epoch + place / self.steps) / self.settings.epochs
        first = self.settings.learning_rate * self.batch / self._largest_batch
        return float(first * 0.5 * (1 + np.cos(np.pi * min(done, 1.0))))

    def _seed(self, what: int) -> int:
        """A seed of this epoch, for one purpose."""
        sequence = np.random.SeedSequence([self.setting.seed, self.epoch, what])
        return int(sequence.generate_state(1)[0])

    # -- on disk ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything that the next epoch depends on, as tensors by name."""
        found = {f"network.{k}": v for k, v in self.supernet.state_dict().items()}
        for name, parameter in self.supernet.named_parameters():
            momentum = self._optimizer.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                found[f"momentum.{name}"] = momentum
        numbers = {"epoch": torch.tensor(self.epoch), "batch": torch.tensor(self.batch)}
        return {**found, **self._more_state(), **numbers}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        network = {k.removeprefix("network."): v for k, v in state.items() if k[:8] == "network."}
        self.supernet.load_state_dict(network)
        for name, parameter in self.supernet.named_parameters():
            if (momentum := state.get(f"momentum.{name}")) is not None:
                kept = momentum.to(parameter.device, copy=True)
                self._optimizer.state[parameter]["momentum_buffer"] = kept
        self._load_more(state)
        self.scores.clear()
        self.epoch, self.batch = int(state["epoch"]), int(state["batch"])


@dataclass(frozen=True)
class Batch:
    """Normalised inputs, each (b, *shape), targets (b, ...) and the task that compares them."""

    inputs: tuple[Tensor, ...]
    y: Tensor
    task: Task

    def loss(self, network: nn.Module) -> Tensor:
        """The mean loss of a network, a tensor ()."""
        return self.task.loss(network(*self.inputs), self.y)

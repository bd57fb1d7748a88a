"""Once-for-all: one training, then networks for any limit.

Cai, Gan, Wang, Zhang and Han, "Once-for-All: Train One Network and Specialize It for Efficient
Deployment", arXiv 1908.09791. First the largest network is trained, then kernels, depths and widths
become elastic, one after the other and the larger options first. A smaller kernel is made from the
larger one by learned matrices. In each step, as in Yu et al., "BigNAS", arXiv 2003.11142 (the
sandwich rule, and distillation in place), the largest network learns from the labels, and the
smallest and some random ones learn what it says.

Departures: the largest network is not trained apart and frozen, but teaches while it learns;
options of modules and inputs become elastic together with kernels; resolutions are elastic where
the space has them as a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from netwright.errors import SettingError
from netwright.oneshot.base import Batch, OneShot, Setting, Shared, always
from netwright.oneshot.shared_search import promising
from netwright.space import Answer, Architecture, Choice
from netwright.strategies import Strategy
from netwright.strategies.base import allowed

_ORDER = ({"one_of", "inputs", "value"}, {"repeat"}, {"width"})  # in which kinds become elastic


@dataclass(frozen=True)
class OnceForAll(OneShot):
    """Kernels, depths and widths become elastic, and the largest network teaches.

    In the first `largest` share of the epochs only the largest member is trained. Each step trains
    it, the smallest of those that are open and `sampled` random ones. Without `progressive` all
    options are open from then on, as in BigNAS, so that small members learn while the learning rate
    is high. Then `finder` (evolution, or for several objectives NSGA-II) looks at `scored` members.

    Raises:
        SettingError: A value outside its rule.
    """

    cli_name: ClassVar = "once-for-all"

    epochs: int = 60
    learning_rate: float = 0.05
    largest: float = 0.2
    progressive: bool = True
    sampled: int = 2
    scored: int = 100
    finder: Strategy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_number("largest", "from 0 to below 1", lambda v: 0 <= v < 1)
        if not isinstance(self.progressive, bool):
            raise SettingError(
                f"`OnceForAll(progressive=...)` must be True or False, got {self.progressive!r}."
            )
        self._check_whole("sampled", 0)
        self._check_whole("scored", 2)
        self._check_finder()

    @property
    def transforms_kernels(self) -> bool:
        """Whether smaller kernels are made by learned matrices."""
        return True

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return _Elastic(self, setting)


class _Elastic(Shared):
    def __init__(self, settings: OnceForAll, setting: Setting) -> None:
        super().__init__(settings, setting)
        self._once = settings
        kinds = {choice.kind for choice in setting.space.choices.values()}
        order = _ORDER if settings.progressive else (frozenset().union(*_ORDER),)
        self._phases = [kind for kind in order if kind & kinds]

    def candidates(
        self, rng: np.random.Generator, count: int, goes_on: Callable[[], bool] = always
    ) -> list[Architecture]:
        """The best by the objectives, with shared weights, of those that were scored."""
        return promising(self, self._once.finder, rng, self._once.scored, count, goes_on)

    def told(self) -> dict[str, float]:
        """How many of the choices are open, a share."""
        opened = [len(options) > 1 for options in self._open().values()]
        return {"open": float(np.mean(opened)) if opened else 0.0}

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        space = self.setting.space
        with self._one_step(place):
            self.supernet.activate(space.largest())
            outputs = self.supernet(*batch.inputs)
            loss = batch.task.loss(outputs, batch.y)
            loss.backward()  # type: ignore[no-untyped-call]
            taught = batch.task.soft_targets(outputs)
            for member in self._smaller():
                self.supernet.activate(member)
                self._learn_from(taught, batch)
        return float(loss.detach())

    def rehearse(self, batch: Batch, other: Batch) -> None:
        """Take steps in which the largest one learns, with the gradients of another one there."""
        self.supernet.activate(self.setting.space.largest())
        with self._one_step(0):
            for _ in range(2):
                batch.loss(self.supernet).backward()  # type: ignore[no-untyped-call]

    def _learn_from(self, taught: Tensor, batch: Batch) -> None:
        loss = replace(batch, y=taught).loss(self.supernet)
        loss.backward()  # type: ignore[no-untyped-call]

    def _smaller(self) -> Iterator[Architecture]:
        """The members that learn from the largest one in a step."""
        opened, space = self._open(), self.setting.space
        if all(len(options) == 1 for options in opened.values()):
            return

        def least(choice: Choice) -> Answer:
            return opened[choice.name][0]

        def any_(choice: Choice) -> Answer:
            options = opened[choice.name]
            return options[int(self._rng.integers(len(options)))]

        yield allowed(lambda: space.answered(least), space, self._rng)
        for _ in range(self._once.sampled):
            yield allowed(lambda: space.answered(any_), space, self._rng)

    def _open(self) -> dict[str, tuple[Answer, ...]]:
        """The options of each choice that are open in this epoch, from the smallest on."""
        phase, half = self._phase()
        found = {}
        for name, choice in self.setting.space.choices.items():
            options = choice.options
            if choice.late:
                found[name] = options[:1]
                continue
            own = next(i for i, kinds in enumerate(self._phases) if choice.kind in kinds)
            if own > phase:
                found[name] = options[-1:]
            elif own == phase and half and choice.kind in ("repeat", "width"):
                found[name] = options[len(options) // 2 :]
            else:
                found[name] = options
        return found

    def _phase(self) -> tuple[int, bool]:
        """Which phase the epoch is in, -1 for the first, and whether in its first half."""
        first = int(self._once.largest * self._once.epochs)
        if self.epoch < first or not self._phases:
            return -1, False
        if not self._once.progressive:
            return 0, False
        done = (self.epoch - first) / max(1, self._once.epochs - first) * (len(self._phases) + 1)
        phase = min(int(done), len(self._phases) - 1)  # the last has twice as long
        return phase, done - phase < 0.5

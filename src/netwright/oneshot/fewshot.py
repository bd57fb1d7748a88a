"""Few-shot: one supernet becomes several, each for one option of a choice.

Zhao, Wang, Tian, Fonseca and Guo, "Few-Shot Neural Architecture Search", arXiv 2006.06863. First
all networks share one set of weights, as in `sampling.py`. Then these are copied for each option of
one choice, and learn on, each by the networks of its option alone: fewer networks share a weight,
so that its ranks are truer.

Which choice is split follows Hu et al., "Generalizing Few-Shot NAS with Gradient Matching", arXiv
2203.15207: the one whose options pull the other weights most apart. Departure: each set of weights
gets an equal part of the steps, so that the search takes as long as without splitting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from netwright.errors import SettingError
from netwright.oneshot.base import Batch, Setting, Shared
from netwright.oneshot.sampling import Sampled, Sampling
from netwright.space import Answer, Architecture, Choice
from netwright.strategies import Strategy
from netwright.strategies.base import allowed

_COMPARED = 2  # members, in which the options of a choice are compared
_EXAMPLES = 32
_ASKED = 12  # choices that are compared, drawn from all
_MOST = 8  # options of a choice that is split


@dataclass(frozen=True)
class FewShot(Sampling):
    """Single-path sharing whose weights are split, after the first `whole` share of the epochs.

    `split` names the choice, None for the one whose options disagree most.

    Raises:
        SettingError: A value outside its rule; `begin` refuses a `split` that cannot be.
    """

    cli_name: ClassVar = "few-shot"

    whole: float = 0.5
    split: str | None = None
    finder: Strategy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_number("whole", "from 0 to below 1", lambda v: 0 <= v < 1)
        self._check_finder()

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return _Split(self, setting)


@dataclass
class _Weights:
    """One set of weights: what the supernet's tensors hold, by name, and their momenta."""

    values: dict[str, Tensor]
    momenta: dict[str, Tensor]


class _Split(Sampled):
    def __init__(self, settings: FewShot, setting: Setting) -> None:
        super().__init__(settings, setting, settings.finder, fair=True)
        self._few = settings
        self._sets: list[_Weights] = []  # one for each option, once it is split
        self._choice: Choice | None = None
        self._in_place = 0  # which set the supernet has now
        self._splittable = self._possible()
        if settings.split is not None and settings.split not in self._splittable:
            known = ", ".join(self._splittable) or "none"
            raise SettingError(
                f"`FewShot(split=...)` must name a choice of 2 to {_MOST} options that every "
                f"network of {setting.space.name!r} has, got {settings.split!r}; they are {known}."
            )

    def activate(self, architecture: Architecture) -> None:
        """Let the supernet compute a member, with the weights of its option."""
        if self._choice is not None:
            options = self._choice.options
            self._enter(options.index(architecture.answers.get(self._choice.name, options[0])))
        super().activate(architecture)

    def told(self) -> dict[str, float]:
        """Into how many sets the weights are split."""
        return {"sets": float(max(1, len(self._sets)))}

    def rehearse(self, batch: Batch, other: Batch) -> None:
        """Take steps beside as many sets of weights as there can be."""
        sets = max(
            (len(self.setting.space.choices[n].options) for n in self._splittable), default=1
        )
        held = [*self.supernet.parameters(), *self.supernet.buffers(), *self.with_momenta()]
        beside = [[torch.empty_like(tensor) for tensor in held] for _ in range(sets - 1)]
        super().rehearse(batch, other)
        del beside

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        if place == 0:
            self._turns.clear()
            if self._choice is None and self._splittable and self._begins():
                self._divide(self._few.split or self._apart(batch))
        return super()._step(place, batch, other)

    def _begins(self) -> bool:
        return self.epoch >= int(self._few.whole * self._few.epochs)

    # -- which choice -----------------------------------------------------------------------------

    def _possible(self) -> list[str]:
        """The choices of few options that every member has."""
        space = self.setting.space
        rng = np.random.default_rng(0)
        members = [space.largest(), space.smallest(), *(space.sample(rng) for _ in range(16))]
        return [
            name
            for name, choice in space.choices.items()
            if 2 <= len(choice.options) <= _MOST
            and not choice.late
            and all(name in member.answers for member in members)
        ]

    def _apart(self, batch: Batch) -> str:
        """The choice whose options' gradients of the other weights are least alike.

        Of many choices some are asked.
        """
        space = self.setting.space
        members = [space.sample(self._rng) for _ in range(_COMPARED)]
        few = tuple(x[:_EXAMPLES] for x in batch.inputs)
        batch = Batch(few, batch.y[:_EXAMPLES], batch.task)
        alike, names = {}, self._splittable
        if len(names) > _ASKED:
            places = self._rng.choice(len(names), _ASKED, replace=False)
            names = [names[place] for place in sorted(places)]
        for name in names:
            found = []
            for member in members:
                options = space.choices[name].options
                made = [self._gradient(member, name, option, batch) for option in options]
                found += [
                    float(cosine_similarity(a, b, 0, 1e-30))
                    for i, a in enumerate(made)
                    for b in made[:i]
                ]
            alike[name] = float(np.mean(found))
        return min(alike, key=lambda name: alike[name])

    def _gradient(self, member: Architecture, name: str, option: Answer, batch: Batch) -> Tensor:
        """The gradient of a member with another option, as one vector of all weights."""
        space = self.setting.space
        answers = {**member.answers, name: option}

        def pick(choice: Choice) -> Answer:
            given = answers.get(choice.name, choice.options[0])
            return given if given in choice.options else choice.options[0]

        self.supernet.activate(allowed(lambda: space.answered(pick), space, self._rng))
        weights = [p for p in self.supernet.parameters() if p.requires_grad]
        found = torch.autograd.grad(batch.loss(self.supernet), weights, allow_unused=True)
        pairs = zip(weights, found, strict=True)
        return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])

    # -- sets of weights --------------------------------------------------------------------------

    def _divide(self, name: str) -> None:
        """Give each option of a choice its own copy of all weights."""
        self._choice = self.setting.space.choices[name]
        now = self._present()
        copies = [
            _Weights(
                *({k: v.clone() for k, v in each.items()} for each in (now.values, now.momenta))
            )
            for _ in self._choice.options[1:]
        ]
        self._sets, self._in_place = [now, *copies], 0

    def _present(self) -> _Weights:
        """What the supernet has now, not copied."""
        values = {name: tensor.data for name, tensor in self._tensors().items()}
        momenta = {
            name: kept
            for name, parameter in self.supernet.named_parameters()
            if (kept := self._optimizer.state.get(parameter, {}).get("momentum_buffer")) is not None
        }
        return _Weights(values, momenta)

    def _enter(self, place: int) -> None:
        """Put a set of weights into the supernet."""
        if place == self._in_place:
            return
        self._sets[self._in_place] = self._present()
        wanted = self._sets[place]
        for name, tensor in self._tensors().items():
            tensor.data = wanted.values[name]
        for name, parameter in self.supernet.named_parameters():
            self._optimizer.state.pop(parameter, None)
            if (kept := wanted.momenta.get(name)) is not None:
                self._optimizer.state[parameter]["momentum_buffer"] = kept
        self._in_place = place

    def _tensors(self) -> dict[str, Tensor]:
        return {**dict(self.supernet.named_parameters()), **dict(self.supernet.named_buffers())}

    # -- on disk ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything that the next epoch depends on, as tensors by name."""
        if self._choice is not None:
            self._enter(0)
        return super().state()

    def _more_state(self) -> dict[str, Tensor]:
        if self._choice is None:
            return {}
        names = list(self.setting.space.choices)
        found = {"split": torch.tensor(names.index(self._choice.name))}
        for place, each in enumerate(self._sets[1:], 1):
            found |= {f"set{place}.values.{k}": v for k, v in each.values.items()}
            found |= {f"set{place}.momenta.{k}": v for k, v in each.momenta.items()}
        return found

    def _load_more(self, state: Mapping[str, Tensor]) -> None:
        if "split" not in state:
            return
        self._divide(list(self.setting.space.choices)[int(state["split"])])
        device = self.setting.device
        for place, each in enumerate(self._sets[1:], 1):
            for kind, kept in (("values", each.values), ("momenta", each.momenta)):
                head = f"set{place}.{kind}."
                kept.clear()
                kept |= {
                    k.removeprefix(head): v.to(device, copy=True)
                    for k, v in state.items()
                    if k.startswith(head)
                }

"""REINFORCE: a recurrent controller that answers the choices one by one.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", arXiv 1611.01578: an LSTM is
given the last answer, and gives the probabilities of the next; after each trial one step along

    (gain - baseline) * grad log p(architecture)  +  entropy * grad H,

with a moving average of the gains as baseline (Williams 1992). Choices that are not asked are not
answered, so that conditional spaces need nothing more. `discount` below 1 gives early answers less
of the gain. With `clip` the steps are those of PPO (Schulman et al., arXiv 1707.06347, as Zoph et
al., 1707.07012, used it): several on each `batch` of trials, and none further where an answer's
probability has changed by more than that share. Departures:

- Gains are divided by their moving deviation, so that one learning rate suits any metric.
- With several objectives the gain is their mean after each is scaled so.
- A trial that did not end well has the lowest gain seen so far.
- The architecture is learned in the canonical form that the space gives it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.space import Answer, Architecture, Choice, Space
from netwright.strategies.base import Search, Strategy, allowed
from netwright.trial import Proposal, Trial

_WHOLE = ("hidden", "batch", "steps")
_RULES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "baseline": ("above 0 and below 1", lambda value: 0 < value < 1),
    "clip": ("above 0 and below 1", lambda value: 0 < value < 1),
    "discount": ("above 0, at most 1", lambda value: 0 < value <= 1),
}
"""Of settings whose rule is not to be above 0."""


@dataclass(frozen=True)
class REINFORCE(Strategy):
    """Learns from each trial which answers to give.

    `learning_rate` is Adam's; `baseline` is the decay of the moving average; `entropy` keeps the
    controller from deciding early; `hidden` is the size of the LSTM. `discount` is that of the
    gain for each answer that came later. `clip` None means REINFORCE, which takes a step a trial;
    0.2 is what PPO's paper has, which takes `steps` for each `batch` of trials.

    Raises:
        SettingError: A value that is not above 0, a `baseline` or `clip` of 1 or more, a
            `discount` above 1, or sizes that are no whole numbers.
    """

    cli_name: ClassVar = "reinforce"

    learning_rate: float = 0.01
    baseline: float = 0.9
    entropy: float = 0.01
    hidden: int = 64
    discount: float = 1.0
    clip: float | None = None
    batch: int = 8
    steps: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "clip" and value is None:
                continue
            rule, allowed = _RULES.get(field.name, ("above 0", lambda v: v > 0))
            kind = int if field.name in _WHOLE else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or not allowed(value):
                what = "whole number" if field.name in _WHOLE else "number"
                raise SettingError(
                    f"`REINFORCE({field.name}=...)` must be a {what} {rule}, got {value!r}."
                )

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: a controller that prefers nothing."""
        return _REINFORCE(self, space, objectives)


class _REINFORCE(Search):
    def __init__(self, settings: REINFORCE, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space, self._objectives = settings, space, objectives
        self._controller = Controller(space, settings.hidden)
        self._optimizer = torch.optim.Adam(
            self._controller.parameters(), settings.learning_rate, foreach=False
        )
        self._scales = [_Scale(settings.baseline) for _ in objectives]
        self._batch: list[tuple[Architecture, float]] = []  # with advantages

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        return Proposal(self._controller.sample(rng))

    def observe(self, trial: Trial) -> None:
        gains = [o.gain(trial.metrics) if trial.done else -math.inf for o in self._objectives]
        advantages = [scale.take(gain) for scale, gain in zip(self._scales, gains, strict=True)]
        self._batch.append((trial.architecture, float(np.mean(advantages))))
        settings, controller = self._settings, self._controller
        if settings.clip is None:
            self._step([surrogate(controller, *self._batch.pop(), settings)])
        elif len(self._batch) == settings.batch:
            with torch.no_grad():
                before = [controller.log_probs(member)[0] for member, _ in self._batch]
            for _ in range(settings.steps):
                pairs = zip(self._batch, before, strict=True)
                self._step([surrogate(controller, *b, settings, logs) for b, logs in pairs])
            self._batch.clear()

    def _step(self, losses: list[Tensor]) -> None:
        self._optimizer.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._controller.parameters(), 5.0)
        self._optimizer.step()


class _Scale:
    """The moving mean and deviation of one objective's gains."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._count = 0
        self._mean = self._square = 0.0
        self._least = math.inf

    def take(self, gain: float) -> float:
        """How far a gain is above those before it, in deviations; 0 for the first."""
        if not math.isfinite(gain):
            if self._count == 0:
                return 0.0
            gain = self._least
        self._least = min(self._least, gain)
        self._count += 1
        decay = min(self._decay, 1 - 1 / self._count)  # the plain mean of the first ones
        before = gain - self._mean if self._count > 1 else 0.0
        self._mean = decay * self._mean + (1 - decay) * gain
        self._square = decay * self._square + (1 - decay) * before**2
        deviation = math.sqrt(self._square)
        return float(np.clip(before / deviation, -3, 3)) if deviation > 0 else 0.0


class Controller(nn.Module):
    """Probabilities of the answers to each choice, given the answers before it."""

    def __init__(self, space: Space, hidden: int) -> None:
        super().__init__()
        self.space, self.hidden = space, hidden
        self._choices = {name: i for i, name in enumerate(space.choices)}
        self._options = [
            {_key(o): k for k, o in enumerate(c.options)} for c in space.choices.values()
        ]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            self.begin = nn.Parameter(torch.zeros(hidden))
            self.cell = nn.LSTMCell(hidden, hidden)
            self.embeddings = nn.ModuleList(
                nn.Embedding(len(c.options), hidden) for c in space.choices.values()
            )
            self.heads = nn.ModuleList(
                nn.Linear(hidden, len(c.options)) for c in space.choices.values()
            )
        for head in self.heads:  # every option is as likely as the others to begin with
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    @torch.no_grad()
    def sample(self, rng: np.random.Generator) -> Architecture:
        """A member drawn by the probabilities."""

        def draw() -> Architecture:
            walk = _Walk(self)

            def pick(choice: Choice) -> Answer:
                if choice.late:
                    return choice.options[0]
                shares = walk.logits(choice).double().softmax(-1).cumsum(-1)
                place = int(torch.searchsorted(shares, float(rng.random()), right=True))
                place = min(place, len(choice.options) - 1)
                walk.answered(choice, place)
                return choice.options[place]

            return self.space.answered(pick)

        return allowed(draw, self.space, rng)

    def log_probs(self, architecture: Architecture) -> tuple[Tensor, Tensor]:
        """The logarithms of the probabilities of its t answers, (t,), and the sum of entropies."""
        walk = _Walk(self)
        found, entropy = [torch.zeros(0)], torch.zeros(())

        def pick(choice: Choice) -> Answer:
            nonlocal entropy
            answer = architecture.answers[choice.name]
            if not choice.late:
                logs = walk.logits(choice).log_softmax(-1)
                place = self._options[self._choices[choice.name]][_key(answer)]
                found.append(logs[place : place + 1])
                entropy = entropy - (logs.exp() * logs).sum()
                walk.answered(choice, place)
            return answer

        self.space.answered(pick)
        return torch.cat(found), entropy


class _Walk:
    """The state of the LSTM while choices are answered."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._input = controller.begin
        zeros = torch.zeros(controller.hidden)
        self._state = (zeros, zeros)

    def logits(self, choice: Choice) -> Tensor:
        controller = self._controller
        hidden, cell = controller.cell(self._input, self._state)
        self._state = (hidden, cell)
        logits: Tensor = controller.heads[controller._choices[choice.name]](hidden)
        return logits

    def answered(self, choice: Choice, place: int) -> None:
        controller = self._controller
        embedding = controller.embeddings[controller._choices[choice.name]]
        self._input = embedding(torch.tensor(place))


def surrogate(
    controller: Controller,
    architecture: Architecture,
    advantage: float,
    settings: REINFORCE,
    before: Tensor | None = None,
) -> Tensor:
    """What is minimised; its gradient is that of the module's first lines, negated.

    With `before`, logarithms of the t probabilities when the batch was complete, it is PPO's
    clipped surrogate, whose gradient is the same as long as nothing has changed.
    """
    logs, spread = controller.log_probs(architecture)
    later = torch.arange(len(logs) - 1, -1, -1, dtype=logs.dtype)
    advantages = advantage * settings.discount**later
    if before is None or settings.clip is None:
        gained = (advantages * logs).sum()
    else:
        ratio = (logs - before).exp()
        near = ratio.clamp(1 - settings.clip, 1 + settings.clip)
        gained = torch.minimum(advantages * ratio, advantages * near).sum()
    return -gained - settings.entropy * spread


def _key(answer: Answer) -> tuple[type, Answer]:
    return type(answer), answer

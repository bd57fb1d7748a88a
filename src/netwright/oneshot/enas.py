"""ENAS: the controller of REINFORCE over shared weights.

Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameter Sharing", arXiv
1802.03268. An epoch trains the shared weights, each step with a member that the controller draws;
then the controller learns from the scores of members that it draws, by the task's first metric,
each on one batch of the validation part. Departures:

- The controller, its baseline and its entropy bonus are those of `netwright.strategies.REINFORCE`,
  so that it works on every space.
- Of the members it draws in the end the best by their score on the whole validation part are
  named, not on one batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from netwright.errors import SettingError
from netwright.oneshot.base import Batch, OneShot, Setting, Shared, always
from netwright.oneshot.shared_scores import shared_metrics
from netwright.space import Architecture
from netwright.strategies import REINFORCE
from netwright.trial import Proposal, Trial

_DRAWN = 3  # times as many members as are named, of which these are the best


@dataclass(frozen=True)
class ENAS(OneShot):
    """The controller of REINFORCE over shared weights.

    The `controller` learns from `rewards` members after each epoch of the shared weights.

    Raises:
        SettingError: `rewards` below 1, or a controller that is none.
    """

    cli_name: ClassVar = "enas"

    rewards: int = 50
    controller: REINFORCE = field(default_factory=REINFORCE)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("rewards", 1)
        if not isinstance(self.controller, REINFORCE):
            raise SettingError(
                f"`ENAS(controller=...)` must be a `REINFORCE()`, got {self.controller!r}."
            )

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights, and a controller that prefers nothing."""
        return _Enas(self, setting)


class _Enas(Shared):
    def __init__(self, settings: ENAS, setting: Setting) -> None:
        super().__init__(settings, setting)
        self._rewards = settings.rewards
        self._search = settings.controller.start(setting.space, (setting.metric.objective,))
        self._observed: list[tuple[Architecture, float]] = []  # of which the controller is a fold

    def candidates(
        self, rng: np.random.Generator, count: int, goes_on: Callable[[], bool] = always
    ) -> list[Architecture]:
        """The best by shared weights of members that the controller draws."""
        objective = self.setting.metric.objective
        scores: dict[Architecture, float] = {}
        for _ in range(20 * _DRAWN * count):
            if len(scores) >= _DRAWN * count or (scores and not goes_on()):
                break
            member = self._draw(rng)
            if member not in scores and self.setting.costs.keeps(member):
                scores[member] = objective.gain(shared_metrics(self, member))
        return sorted(scores, key=lambda m: -scores[m])[:count]

    def told(self) -> dict[str, float]:
        """The mean score of the members that the controller drew last."""
        return {"reward": float(np.mean([a for _, a in self._observed[-self._rewards :]]))}

    def preferences(self) -> dict[str, list[float]]:
        """How often each option of a choice was among what the controller drew last."""
        last = [member.answers for member, _ in self._observed[-self._rewards :]]
        found = {}
        for name, choice in self.setting.space.choices.items():
            drawn = [answers[name] for answers in last if name in answers]
            if drawn and len(choice.options) > 1:
                found[name] = [drawn.count(option) / len(drawn) for option in choice.options]
        return found

    def unshared(self) -> list[object]:
        """The controller."""
        return [*super().unshared(), self._search]

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        self.supernet.activate(self._draw(self._rng))
        loss = self._learn(place, batch)
        if place == self.steps - 1:
            for reward_batch in self._some("validation", self._rewards):
                self._reward(reward_batch)
        return loss

    def _reward(self, batch: Batch) -> None:
        """Let the controller learn from a member's score on a batch, by its own statistics."""
        member = self._draw(self._rng)
        self.supernet.activate(member)
        with torch.no_grad():
            found = batch.task.measure([(self.supernet(*batch.inputs), batch.y)])
        self._observe(member, found[self.setting.metric.name])

    def _draw(self, rng: np.random.Generator) -> Architecture:
        proposal = self._search.propose(rng, [])
        assert proposal is not None
        return proposal.architecture

    def _observe(self, member: Architecture, score: float) -> None:
        self._observed.append((member, score))
        metrics = {self.setting.metric.name: score}
        trial = Trial(len(self._observed), Proposal(member), "done", metrics)
        self._search.observe(trial)

    def _more_state(self) -> dict[str, Tensor]:
        text = json.dumps([[dict(m.answers), a] for m, a in self._observed])
        return {"observed": torch.tensor(list(text.encode()), dtype=torch.uint8)}

    def _load_more(self, state: Mapping[str, Tensor]) -> None:
        for answers, score in json.loads(bytes(state["observed"].tolist())):
            self._observe(Architecture.from_answers(answers), score)

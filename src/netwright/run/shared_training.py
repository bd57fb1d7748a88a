"""The shared training of a one-shot search, epoch by epoch: logged, and continued after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from safetensors.torch import load
from torch import Tensor

from netwright.data import Augmentation
from netwright.evaluate.costs import Costs
from netwright.evaluate.training import Training
from netwright.network.threads import one_thread
from netwright.network.weights import tensor_bytes
from netwright.objective import COSTS
from netwright.oneshot import OneShot, Setting, Shared, shared_score
from netwright.oneshot.memory import fit_memory
from netwright.record.artifacts import SHARED_WEIGHTS
from netwright.record.shared_candidate import SharedCandidate
from netwright.run.plan import Plan
from netwright.space import Architecture
from netwright.store import Store

_TRAINED_BY = 0.5  # of the minutes, after which no epoch of shared weights begins that ends later
_NAMED_BY = 0.75  # of the minutes, after which no more networks are scored by shared weights
_NAMED = 32  # networks that are named where the search has no number of trials
_MORE = 3  # times the trials, since limits refuse some
_ATTEMPTS = 100  # draws of a random network that keeps the limits
_SPREAD = 3  # every third of them is random, so that the ranks of good and bad ones are compared


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run's one-shot search in its store."""

    store: Store
    run: str

    def exists(self) -> bool:
        """Say whether one was saved."""
        return self.store.has(self.run, SHARED_WEIGHTS)

    def load(self) -> dict[str, Tensor]:
        """Read it.

        Raises:
            StoreError: There is none.
            SafetensorError: It is damaged.
        """
        return load(self.store.read(self.run, SHARED_WEIGHTS))

    def save(self, state: Mapping[str, Tensor]) -> None:
        """Write it, whole or not at all."""
        self.store.put(self.run, SHARED_WEIGHTS, tensor_bytes(state))


def train_shared(
    plan: Plan,
    costs: Costs,
    checkpoint: Checkpoint,
    *,
    seconds_left: Callable[[float], float],
    planned: Callable[[Mapping[str, Any]], None],
    told: Callable[[Mapping[str, Any]], None],
) -> list[SharedCandidate]:
    """Train the supernet of a plan's one-shot search; returns what is to be trained alone.

    `planned` gets how it fits in memory, before it begins or goes on.
    `told` gets a body for the log after each epoch, before the checkpoint of that epoch is written.
    `seconds_left` says how long it is until a share of the run's time is spent: epochs and scores
    for which there is no time are left out, though one network is named at least.

    Raises:
        SettingError: A step needs more memory than there is.
    """
    search = plan.strategy
    assert isinstance(search, OneShot)
    with one_thread():
        shared = search.begin(setting_of(plan, costs))
        if checkpoint.exists():
            shared.load(checkpoint.load())
        if shared.epoch < search.epochs and not shared.collapsed:
            planned(fit_memory(shared).to_json())
        seconds = 0.0  # of the epoch before
        while shared.epoch < search.epochs and not shared.collapsed:
            if seconds_left(_TRAINED_BY) <= seconds:
                break
            began = time.monotonic()
            found = shared.advance()
            seconds = time.monotonic() - began
            likely = {
                name: [round(p, 4) for p in each] for name, each in shared.preferences().items()
            }
            body = {"epoch": shared.epoch, "of": search.epochs, "seconds": seconds, **found}
            told({**body, "chances": likely} if likely else body)
            checkpoint.save(shared.state())
        return _named(plan, shared, lambda: seconds_left(_NAMED_BY) > 0)


def _named(plan: Plan, shared: Shared, goes_on: Callable[[], bool]) -> list[SharedCandidate]:
    """The most promising networks and random ones between them, each with its shared score.

    When `goes_on` says no, those that have one by then, one at least.
    """
    rng = np.random.default_rng([plan.seed, shared.epoch, 4])
    count = _MORE * plan.bounds.trials if plan.bounds.trials else _NAMED
    promising = shared.candidates(rng, count, goes_on)
    found: dict[Architecture, bool] = {}
    for place, architecture in enumerate(promising, 1):
        found.setdefault(architecture, False)
        if place % (_SPREAD - 1) == 0:
            found.setdefault(_any(shared, rng), True)
    named: list[SharedCandidate] = []
    for architecture, random in list(found.items())[:count]:
        if named and architecture not in shared.scores and not goes_on():
            continue
        named.append(SharedCandidate(architecture, shared_score(shared, architecture), random))
    return named


def _any(shared: Shared, rng: np.random.Generator) -> Architecture:
    """A random network, within the limits if that can be."""
    costs = shared.setting.costs
    drawn = (costs.within.sample(rng) for _ in range(_ATTEMPTS))
    return next((member for member in drawn if costs.keeps(member)), costs.within.sample(rng))


def setting_of(plan: Plan, costs: Costs) -> Setting:
    """What a plan's one-shot search works on, with the limits of `costs`.

    Images are augmented as those of trials; where the space leaves that open, as of its smallest
    network.
    """
    evaluator = plan.evaluator
    assert isinstance(evaluator, Training)
    asked = {field.name: getattr(evaluator, field.name) for field in fields(Augmentation)}
    recipe = plan.space.recipe(plan.space.smallest())
    augmentation = Augmentation(**{name: recipe.get(name, asked[name]) for name in asked})
    data = evaluator.data
    known = {*(metric.name for metric in data.task.metrics), *COSTS}  # without training
    objectives = tuple(o for o in plan.objectives if o.metric in known or o.metric.target)
    return Setting(
        plan.space,
        data,
        augmentation,
        plan.seed,
        evaluator.torch_device(),
        costs,
        objectives,
    )

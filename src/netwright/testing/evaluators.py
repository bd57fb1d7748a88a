"""What every evaluator must do. A check is given `make()` and a space it can evaluate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import torch

from netwright.evaluate.base import Candidate, Context, Evaluator
from netwright.space import Space
from netwright.trial import Budget

Make = Callable[[], Evaluator]


def _candidate(space: Space, seed: int = 5) -> Candidate:
    return Candidate(space, space.sample(np.random.default_rng(seed)), seed)


def gives_finite_metrics(make: Make, space: Space) -> None:
    """A sound candidate ends `done`, with finite metrics and its trained network."""
    evaluator = make()
    result = evaluator.evaluate(_candidate(space), Budget(evaluator.epochs), Context(seed=1))
    assert result.status == "done", result.reason
    assert result.metrics and all(np.isfinite(list(result.metrics.values())))
    assert result.model is not None and not result.model.training


def same_seed_same_result(make: Make, space: Space) -> None:
    """Metrics and weights follow from the seed, and the global generator is left alone."""
    results = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        before = torch.random.get_rng_state()
        evaluator = make()
        budget = Budget(evaluator.epochs)
        results.append(evaluator.evaluate(_candidate(space), budget, Context(seed=3)))
        assert torch.equal(before, torch.random.get_rng_state())
    first, second = results
    assert dict(first.metrics) == dict(second.metrics)
    assert first.model is not None and second.model is not None
    for a, b in zip(*(m.state_dict().values() for m in (first.model, second.model)), strict=True):
        assert torch.equal(a, b)


def survives_the_way_to_a_worker(make: Make, space: Space) -> None:
    """What a worker gets evaluates alike, and has no test part."""
    sent: Any = cloudpickle.loads(cloudpickle.dumps((make().for_workers(), space)))
    evaluator, same_space = sent
    assert evaluator.test_examples is None
    here = make().evaluate(_candidate(space), Budget(1), Context(seed=4))
    there = evaluator.evaluate(_candidate(same_space), Budget(1), Context(seed=4))
    assert dict(here.metrics) == dict(there.metrics)


def refits_without_scoring(make: Make, space: Space) -> None:
    """An evaluator that can refit gives a trained network and no metric that seems validated."""
    evaluator = make().for_workers().for_refit()
    if evaluator is not None:
        result = evaluator.evaluate(_candidate(space), Budget(1), Context(seed=2))
        assert result.status == "done" and result.model is not None
        assert not result.metrics
        assert not any(evaluator.metric.name in point for point in result.curve)


def settings_are_json(make: Make, space: Space) -> None:
    """Settings can be logged."""

    json.dumps([make().settings, make().data_settings], allow_nan=False)


def ends_where_its_time_is_over(make: Make, space: Space) -> None:
    """One that says that it ends on time gives a trained network long before its budget is over."""
    evaluator = make()
    if evaluator.ends_on_time:
        budget, asked = Budget(1000 * evaluator.full_epochs), iter(range(10**9))
        context = Context(seed=6, elapsed=lambda: next(asked) / 10)
        result = evaluator.evaluate(_candidate(space), budget, context)
        assert result.status == "done", result.reason
        assert result.model is not None and result.metrics
        assert next(asked) < 100, "it did not end when `Context.elapsed` gave 1"


EVALUATOR_CHECKS: tuple[Callable[[Make, Space], None], ...] = (
    gives_finite_metrics,
    same_seed_same_result,
    survives_the_way_to_a_worker,
    refits_without_scoring,
    settings_are_json,
    ends_where_its_time_is_over,
)

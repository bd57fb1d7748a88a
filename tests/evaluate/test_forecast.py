"""The forecast of costs: what it says, and that it follows from its examples alone."""

import numpy as np
import pytest

from netwright import spaces
from netwright.evaluate.costs import Costs
from netwright.evaluate.forecast import Forecast
from netwright.objective import limits_from
from netwright.space import Architecture, Space


@pytest.fixture(scope="module")
def space() -> Space:
    return spaces.convnet((1, 14, 14), 10)


@pytest.fixture(scope="module")
def examples(space: Space) -> list[tuple[Architecture, float]]:
    rng = np.random.default_rng(0)
    costs = Costs(space)
    members = [space.sample(rng) for _ in range(220)]
    return [(member, costs.admit(member).metrics["params"]) for member in members]


def test_it_says_nothing_of_few_examples(space, examples) -> None:
    forecast = Forecast(space, limits_from({"params": 1.0}))
    for member, params in examples[:15]:
        forecast.learn(member, {"params": params})
    assert forecast.excess([m for m, _ in examples]).tolist() == [0.0] * len(examples)
    forecast.learn(examples[15][0], {"params": examples[15][1]})
    assert (forecast.excess([m for m, _ in examples]) > 0).all()


def test_it_tells_small_networks_from_large_ones(space, examples) -> None:
    bound = float(np.quantile([params for _, params in examples], 0.2))
    forecast = Forecast(space, limits_from({"params": bound}))
    for member, params in examples[:150]:
        forecast.learn(member, {"params": params})
    held = examples[150:]
    over = forecast.excess([m for m, _ in held]) > 0
    small = np.array([params <= bound for _, params in held])
    assert 8 <= small.sum() <= 25
    assert small[~over].mean() > 2 * small.mean()
    assert small[over].mean() < small.mean() / 2  # few are passed over wrongly


def test_it_follows_from_the_examples_alone(space, examples) -> None:
    members = [m for m, _ in examples]
    asked, silent = (Forecast(space, limits_from({"params": 30_000})) for _ in range(2))
    for member, params in examples:
        asked.learn(member, {"params": params})
        asked.excess(members[:3])
        silent.learn(member, {"params": params})
        silent.learn(member, {"params": 1.0})  # the first finding counts
    assert np.array_equal(asked.excess(members), silent.excess(members))


def test_the_limit_that_is_broken_most_counts(space, examples) -> None:
    limits = limits_from({"params": 1e9, "macs": 10.0})
    forecast = Forecast(space, limits)
    for member, params in examples:
        forecast.learn(member, {"params": params, "macs": 1000.0, "latency_ms@pytorch": 3.0})
    assert forecast.excess(members := [m for m, _ in examples]) == pytest.approx(
        np.log(100.0) - 0.25, abs=1e-6
    )
    assert len(members) == 220

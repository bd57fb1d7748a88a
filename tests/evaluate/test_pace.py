import numpy as np
import pytest

from netwright.evaluate.pace import Pace, Steps


def of(macs: float, params: float, steps: Steps) -> tuple[dict[str, float], float]:
    """A network, and what its training takes where a step costs 2 ms and 3 ns a multiplication."""
    each = 2e-3 + 3e-9 * macs * steps.batch + 1e-8 * params
    return {"macs": macs, "params": params}, each * steps.number


def test_what_was_not_trained_is_forecast_from_what_was() -> None:
    rng = np.random.default_rng(0)
    pace = Pace()
    assert pace.seconds({"macs": 1e6, "params": 1e4}, Steps(10, 16)) is None
    for _ in range(8):
        costs, seconds = of(10 ** rng.uniform(4, 7), 10 ** rng.uniform(3, 6), Steps(50, 128))
        pace.learn(costs, Steps(50, 128), seconds * rng.uniform(0.9, 1.1))
    for macs, batch in ((2e4, 16), (3e6, 16), (3e7, 128)):
        costs, seconds = of(macs, 1e5, Steps(900, batch))
        assert pace.seconds(costs, Steps(900, batch)) == pytest.approx(seconds, rel=0.3)


def test_a_larger_network_never_seems_quicker() -> None:
    pace = Pace()
    for macs, seconds in ((1e6, 2.0), (1e7, 1.0), (2e7, 1.5)):  # noise has the upper hand
        pace.learn({"macs": macs, "params": 1e4}, Steps(10, 8), seconds)
    told = [pace.seconds({"macs": m, "params": 1e4}, Steps(10, 8)) for m in (1e5, 1e6, 1e7, 1e8)]
    assert told == sorted(told) and told[0] > 0


def test_whole_trainings_count_more_than_timed_steps() -> None:
    costs, steps = {"macs": 1e6, "params": 1e4}, Steps(100, 10)
    pace = Pace()
    for _ in range(2):
        pace.learn(costs, steps, 10.0, whole=False)
        pace.learn(costs, steps, 20.0)
    assert 12.5 < pace.seconds(costs, steps) < 20  # 12 if they counted alike


def test_networks_whose_costs_are_unknown_are_forecast_by_their_like() -> None:
    pace = Pace()
    pace.learn({}, Steps(4, 1), 8.0)
    pace.learn({}, Steps(4, 1), 12.0)
    assert 8 < pace.seconds({}, Steps(2, 1)) * 2 < 12

import math

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.objective import maximize
from netwright.space import Space
from netwright.strategies import Reinforce
from netwright.strategies.reinforce import Controller, surrogate
from netwright.testing import SPACES
from netwright.trial import Proposal, Trial

ONE = (maximize("accuracy"),)


@pytest.fixture(params=["conditional", "cells"])
def space(request) -> Space:
    return SPACES[request.param]()


def trained(space, seed=0, hidden=5):
    """A controller in double precision that prefers some answers."""
    controller = Controller(space, hidden).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    return controller


@pytest.fixture(autouse=True)
def _doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_gradient_is_that_of_finite_differences(space):
    controller = trained(space)
    member = space.sample(np.random.default_rng(3))
    loss = surrogate(controller, member, 1.7, 0.3)
    loss.backward()
    rng = np.random.default_rng(0)
    checked = 0
    for parameter in controller.parameters():
        for _ in range(3):
            place = tuple(int(rng.integers(size)) for size in parameter.shape)
            values = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    parameter[place] += step
                    values.append(float(surrogate(controller, member, 1.7, 0.3)))
                    parameter[place] -= step
            slope = (values[0] - values[1]) / 2e-5
            found = 0.0 if parameter.grad is None else float(parameter.grad[place])
            assert found == pytest.approx(slope, abs=1e-7, rel=1e-5)
            checked += abs(slope) > 1e-4
    assert checked > 10


def test_probabilities_of_all_members_sum_to_one():
    space = SPACES["cells"]()
    controller = trained(space)
    with torch.no_grad():
        logs = [float(controller.log_prob(member)[0]) for member in space.enumerate()]
    assert math.fsum(map(math.exp, logs)) == pytest.approx(1, abs=1e-9)


def test_members_are_drawn_by_their_probabilities():
    space = SPACES["cells"]()
    controller = trained(space, seed=2)
    members = list(space.enumerate())
    with torch.no_grad():
        shares = np.exp([float(controller.log_prob(member)[0]) for member in members])
    rng, count = np.random.default_rng(0), 3000
    places = {member: i for i, member in enumerate(members)}
    seen = np.bincount(
        [places[controller.sample(rng)] for _ in range(count)], minlength=len(members)
    )
    likely = shares * count > 5
    spread = ((seen - shares * count)[likely] ** 2 / (shares * count)[likely]).sum()
    freedom = likely.sum()
    assert spread < freedom + 5 * (2 * freedom) ** 0.5


def test_the_first_draws_prefer_nothing():
    space = SPACES["cells"]()
    controller = Controller(space, 8).double()
    with torch.no_grad():
        for member in (space.smallest(), space.largest()):
            expected = sum(math.log(len(space.choices[name].options)) for name in member.answers)
            assert float(controller.log_prob(member)[0]) == pytest.approx(-expected)


def test_the_expected_gain_rises():
    torch.set_default_dtype(torch.float32)
    space = SPACES["huge"]()
    goal = space.sample(np.random.default_rng(5))
    search = Reinforce().start(space, ONE)
    gains = []
    for number in range(400):
        proposal = search.propose(np.random.default_rng([0, number]), [])
        gains.append(-float(space.distance(proposal.architecture, goal)))
        search.observe(Trial(number, proposal, "done", {"accuracy": gains[-1]}))
    first, last = np.mean(gains[:50]), np.mean(gains[-50:])
    assert last > first + 4 * np.std(gains[:50]) / 50**0.5 + 5


def test_a_failed_trial_counts_as_the_worst():
    torch.set_default_dtype(torch.float32)
    space = SPACES["cells"]()
    search = Reinforce().start(space, ONE)
    rng = np.random.default_rng(0)
    for number in range(20):
        search.observe(
            Trial(number, Proposal(space.sample(rng)), "done", {"accuracy": float(rng.random())})
        )
    bad = space.sample(rng)
    before = search._controller.log_prob(bad)[0].item()
    for number in range(20, 25):
        search.observe(Trial(number, Proposal(bad), "failed"))
    assert search._controller.log_prob(bad)[0].item() < before


@pytest.mark.parametrize(
    "given",
    [{"learning_rate": 0}, {"baseline": 1.0}, {"entropy": -1}, {"hidden": 0}, {"hidden": "x"}],
)
def test_wrong_settings_are_refused(given):
    with pytest.raises(SettingError, match=rf"`Reinforce\({next(iter(given))}=...\)` must be"):
        Reinforce(**given)

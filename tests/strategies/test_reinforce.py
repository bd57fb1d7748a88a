import math

import numpy as np
import pytest
import torch
from torch import nn

from netwright.errors import SettingError
from netwright.objective import maximize
from netwright.space import Space
from netwright.strategies import REINFORCE
from netwright.strategies.reinforce import Controller, surrogate
from netwright.testing.spaces import SPACES
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


@pytest.mark.parametrize("clip", [None, 0.5])
def test_the_gradient_is_that_of_finite_differences(space, clip):
    controller = trained(space)
    member = space.sample(np.random.default_rng(3))
    settings = REINFORCE(entropy=0.3, discount=0.7, clip=clip)
    with torch.no_grad():
        before = controller.log_probs(member)[0] - 0.1  # which have changed by less than half
    given = (controller, member, 1.7, settings, None if clip is None else before)
    loss = surrogate(*given)
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
                    values.append(float(surrogate(*given)))
                    parameter[place] -= step
            slope = (values[0] - values[1]) / 2e-5
            found = 0.0 if parameter.grad is None else float(parameter.grad[place])
            assert found == pytest.approx(slope, abs=1e-7, rel=1e-5)
            checked += abs(slope) > 1e-4
    assert checked > 10


def gradients(controller, member, advantage, settings, before=None):
    controller.zero_grad()
    surrogate(controller, member, advantage, settings, before).backward()
    return torch.cat([p.grad.ravel() for p in controller.parameters() if p.grad is not None])


def test_ppo_begins_with_the_gradient_of_reinforce(space):
    controller, member = trained(space), space.sample(np.random.default_rng(3))
    before = controller.log_probs(member)[0].detach()
    settings = REINFORCE(clip=0.2, discount=0.9)
    plain, clipped = (gradients(controller, member, -0.7, settings, b) for b in (None, before))
    assert torch.allclose(plain, clipped, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("advantage", "change", "ends"), [(1, 0.3, True), (1, -0.3, False), (-1, -0.3, True)]
)
def test_ppo_ends_where_a_probability_has_changed_much(space, advantage, change, ends):
    """Schulman et al., figure 1: only a step that goes further the same way is not taken."""
    controller, member = trained(space), space.sample(np.random.default_rng(3))
    before = controller.log_probs(member)[0].detach() - change
    settings = REINFORCE(clip=0.2, entropy=1e-300)
    found = gradients(controller, member, advantage, settings, before)
    assert bool(found.abs().max() < 1e-200) == ends


def test_early_answers_get_less_of_the_gain():
    space = SPACES["cells"]()
    controller, member = trained(space), space.sample(np.random.default_rng(3))
    logs = controller.log_probs(member)[0].detach()
    settings = REINFORCE(discount=0.5, entropy=1e-300)
    weights = [0.5**later for later in reversed(range(len(logs)))]
    expected = -2 * sum(w * x for w, x in zip(weights, logs.tolist(), strict=True))
    found = surrogate(controller, member, 2.0, settings).detach()
    assert float(found) == pytest.approx(expected)


def test_probabilities_of_all_members_sum_to_one():
    space = SPACES["cells"]()
    controller = trained(space)
    with torch.no_grad():
        logs = [float(controller.log_probs(member)[0].sum()) for member in space.enumerate()]
    assert math.fsum(map(math.exp, logs)) == pytest.approx(1, abs=1e-9)


def test_members_are_drawn_by_their_probabilities():
    space = SPACES["cells"]()
    controller = trained(space, seed=2)
    members = list(space.enumerate())
    with torch.no_grad():
        shares = np.exp([float(controller.log_probs(member)[0].sum()) for member in members])
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
            assert float(controller.log_probs(member)[0].sum()) == pytest.approx(-expected)


@pytest.mark.thorough
@pytest.mark.parametrize("clip", [None, 0.2])
def test_the_expected_gain_rises(clip):
    torch.set_default_dtype(torch.float32)

    def deep(choose, inputs, classes):
        layers = []
        for i in range(20):
            layers.append(nn.Linear(4, 4, bias=choose.value(f"bias{i}", [True, False])))
            options = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "silu": nn.SiLU}
            layers.append(choose.one_of(f"a{i}", **options))
        slope = choose.value("slope", [round(0.01 * i, 2) for i in range(1, 51)])
        return nn.Sequential(*layers, nn.LeakyReLU(slope), nn.Linear(4, classes))

    space = Space(deep, (4,), 3)
    goal = space.sample(np.random.default_rng(5))
    search = REINFORCE(clip=clip).start(space, ONE)
    gains = []
    for number in range(400):
        proposal = search.propose(np.random.default_rng([0, number]), [])
        gains.append(-float(proposal.architecture.distance(goal)))
        search.observe(Trial(number, proposal, "done", {"accuracy": gains[-1]}))
    first, last = np.mean(gains[:50]), np.mean(gains[-50:])
    assert last > first + 4 * np.std(gains[:50]) / 50**0.5 + 5


def test_a_failed_trial_counts_as_the_worst():
    torch.set_default_dtype(torch.float32)
    space = SPACES["cells"]()
    search = REINFORCE().start(space, ONE)
    rng = np.random.default_rng(0)
    for number in range(20):
        search.observe(
            Trial(number, Proposal(space.sample(rng)), "done", {"accuracy": float(rng.random())})
        )
    bad = space.sample(rng)
    before = search._controller.log_probs(bad)[0].sum().item()
    for number in range(20, 25):
        search.observe(Trial(number, Proposal(bad), "failed"))
    assert search._controller.log_probs(bad)[0].sum().item() < before


@pytest.mark.parametrize(
    "given",
    [
        {"learning_rate": 0},
        {"baseline": 1.0},
        {"entropy": -1},
        {"hidden": 0},
        {"hidden": "x"},
        {"discount": 1.1},
        {"clip": 1.0},
        {"clip": 0},
        {"batch": 0},
        {"batch": 2.5},
        {"steps": True},
    ],
)
def test_wrong_settings_are_refused(given):
    with pytest.raises(SettingError, match=rf"`REINFORCE\({next(iter(given))}=...\)` must be"):
        REINFORCE(**given)

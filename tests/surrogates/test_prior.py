"""The prior of scores: what a space says of its options, believed as far as trials bear it out."""

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.objective import maximize, minimize
from netwright.strategies import BayesianOptimization
from netwright.strategies.fidelities import Fidelities
from netwright.surrogates import features_of
from netwright.surrogates.prior import Prior, prior_of
from netwright.trial import Trial

ADDS = {"width": {4: -0.3, 8: 0.0, 16: 0.3}, "act": {"relu": 0.1, "tanh": -0.1}}
ONE = [maximize("accuracy")]


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.value("width", [4, 8, 14, 16])
    act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU)
    layers = [nn.Linear(3, width), act, nn.Linear(width, width)]
    bias = choose.value("bias", [True, False])
    return nn.Sequential(*layers, nn.Linear(width, outputs, bias=bias))


@pytest.fixture
def space() -> nw.Space:
    return nw.Space(network, (3,), 2, prior=ADDS)


def members(space: nw.Space, count: int = 60) -> list[nw.Architecture]:
    rng = np.random.default_rng(3)
    return [space.sample(rng) for _ in range(count)]


def test_it_is_the_sum_of_what_options_add_on_the_scale_of_random_members(space: nw.Space) -> None:
    features, drawn = features_of(space), members(space)
    prior = Prior(space, features)
    near = {14: 0.3}  # as much as the nearest that is known; of names nothing
    sums = [{**ADDS["width"], **near}[a["width"]] + ADDS["act"].get(a["act"], 0.0) for a in drawn]
    told = prior.of(features.rows(drawn))
    assert np.corrcoef(told, sums)[0, 1] == pytest.approx(1.0)
    assert abs(told.mean()) < 0.4 and 0.7 < told.std() < 1.3


def test_it_costs_no_networks(space: nw.Space, monkeypatch) -> None:
    """Rows of members are made where networks are traced, which takes time in most spaces."""
    features = features_of(space)
    monkeypatch.setattr(features, "rows", lambda members: pytest.fail("a network was traced"))
    Prior(space, features)


def test_trials_say_how_far_it_holds(space: nw.Space) -> None:
    """Of networks that are not known, as far as the scores of the known go with it."""
    features = features_of(space)
    prior, drawn = Prior(space, features), list(dict.fromkeys(members(space)))
    told = prior.of(features.rows(drawn))
    known, others = drawn[:12], features.rows(drawn[12:])

    def slope(sign: float) -> float:
        trials = Fidelities(features, 100, prior)  # the kernel of the beginning
        for member, worth in zip(known, told, strict=False):
            trials.append(None, member, [sign * float(worth)])
        without = Fidelities(features, 100)
        for member, worth in zip(known, told, strict=False):
            without.append(None, member, [sign * float(worth)])
        more = trials.view().predict(others)[0] - without.view().predict(others)[0]
        return float(np.polyfit(told[12:], more, 1)[0])

    assert slope(1.0) > 0.1
    assert abs(slope(-1.0)) < 0.05


@pytest.mark.parametrize(
    "objectives",
    [
        [minimize("params")],
        [minimize("latency_ms@onnxruntime")],
        [maximize("accuracy"), minimize("macs")],
    ],
)
def test_of_costs_and_of_several_metrics_it_says_nothing(objectives: list, space) -> None:
    features = features_of(space)
    assert prior_of(space, features, objectives) is None
    assert prior_of(space, features, ONE) is not None
    assert prior_of(nw.Space(network, (3,), 2), features, ONE) is None


def proposed(space: nw.Space, trials: int, worth) -> list[nw.Architecture]:
    made = BayesianOptimization(initial=3).start(space, ONE)
    found = []
    for number in range(trials):
        proposal = made.propose(np.random.default_rng([5, number]), [])
        found.append(proposal.architecture)
        metrics = {"accuracy": worth(proposal.architecture)}
        made.observe(Trial(number, proposal, "done", metrics))
    return found


def test_the_first_trials_and_those_after_them_are_what_it_says_is_good(space: nw.Space) -> None:
    def widths() -> set[int]:
        return {member["width"] for member in proposed(space, 5, lambda member: 0.5)}

    assert widths() <= {14, 16}
    space.prior = {"width": {4: 0.3, 8: 0.2, 14: -0.3, 16: -0.3}}
    assert widths() <= {4, 8}


def test_a_wrong_one_is_overcome(space: nw.Space) -> None:
    def worth(member: nw.Architecture) -> float:
        return -float(member["width"]) - (member["act"] == "relu")

    widths = [member["width"] for member in proposed(space, 14, worth)]
    assert set(widths[:3]) <= {14, 16} and 4 in widths


def test_spaces_made_from_one_have_it_too(space: nw.Space) -> None:
    assert nw.space.restricted(space, {"act": ["relu", "tanh"]}).prior == ADDS
    assert nw.space.ensembled(space, 2).prior == ADDS
    assert space.limited({"params": 900}).prior == ADDS
    assert nw.Space(network, (3,), 2).prior == {}

"""Trials of networks that cannot be learned from, and of metrics that cannot be compared."""

import math

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.evaluate.job import Evaluation, Job
from netwright.trial import Budget


class Given(nn.Module):
    def __init__(self, width, gives):
        super().__init__()
        self.layers, self.gives = nn.Sequential(nn.Linear(4, width), nn.Linear(width, 2)), gives

    def forward(self, x):
        return self.gives(self.layers(x)) if self.training else self.layers(x)


def spaced(gives):
    def network(choose, inputs, outputs):
        return Given(choose.width("width", 4, 8, step=4), gives)

    return nw.Space(network, (4,), 2)


@pytest.fixture(scope="module")
def training():
    x = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
    return nw.Training(nw.data.from_arrays(x, (x[:, 0] > 0).astype("int64")), epochs=1)


@pytest.mark.parametrize(
    ("gives", "part"),
    [
        (lambda x: x.detach(), "outputs of the network have no gradient"),
        (lambda x: x.argmax(1, keepdim=True), "no gradient"),
        (lambda x: {"out": x}, "got a dict with the keys 'out'; give the outputs alone"),
        (lambda x: x.sum(), "got ()"),
        (lambda x: None, "got None"),
        (lambda x: x.detach().numpy(), "a NumPy array"),
    ],
)
def test_what_cannot_be_learned_from_is_the_reason_of_the_trial(training, gives, part):
    space = spaced(gives)
    outcome = Evaluation(space, training, ())(
        Job(space.smallest(), Budget(1, 1), 0, {}), lambda told: None
    )
    assert outcome.status == "failed"
    assert part in outcome.reason


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_an_objective_that_is_no_number_fails_its_trial(value):
    space = spaced(lambda x: x)
    measured = nw.Function(lambda model, epochs: {"accuracy": value, "f1": value, "loss": 1.0})
    for wanted in (["accuracy"], ["f1"]):
        evaluation = Evaluation(space, measured, (), wanted=wanted)
        outcome = evaluation(Job(space.smallest(), Budget(1, 1), 0, {}), lambda told: None)
        assert outcome.status == "failed"
        assert f"{wanted[0]} is {value}" in outcome.reason or "is NaN" in outcome.reason
    fine = Evaluation(
        space, nw.Function(lambda model, epochs: {"accuracy": 1, "far": math.inf}), ()
    )
    assert fine(Job(space.smallest(), Budget(1, 1), 0, {}), lambda told: None).status == "done"

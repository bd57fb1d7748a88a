"""A training in parts: each is a prefix of the whole, which goes on where the last one stood."""

import pytest
import torch
from torch import nn

from netwright import data as datasets
from netwright.data import Data
from netwright.evaluate.base import Candidate, Context, Result
from netwright.evaluate.training import Training
from netwright.network.weights import tensor_bytes
from netwright.space import Choose, Space
from netwright.trial import Budget


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load("digits")


def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 8, 16, step=8)
    convolution = nn.Conv2d(1, width, 3, stride=2, padding=1)
    layers = [convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(0.1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(width * 16, classes))


CANDIDATE = Candidate(Space(network, (1, 8, 8), 10), Space(network, (1, 8, 8), 10).smallest(), 7)


class Kept:
    """What a context keeps, through the bytes that a store has; and the epochs it heard of."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        self.heard: list[int] = []

    def context(self) -> Context:
        from safetensors.torch import load

        self.heard = []
        return Context(
            7,
            report=lambda epoch, metrics: self.heard.append(epoch),
            load=lambda name: load(self.states[name]) if name in self.states else None,
            save=lambda name, tensors: self.states.update({name: tensor_bytes(tensors)}),
        )


def same_weights(one: Result, other: Result) -> bool:
    states = (result.model.state_dict().values() for result in (one, other))
    return all(torch.equal(a, b) for a, b in zip(*states, strict=True))


@pytest.mark.parametrize(
    "settings",
    [
        {"cutmix": 1.0, "crop": 1, "flip": True},
        {"optimizer": "adamw", "learning_rate": 0.01},
        {"average": 0.0},
        {"folds": 2},
    ],
)
def test_parts_end_as_one_training_of_all_of_them(digits: Data, settings: dict) -> None:
    training, kept = Training(digits, batch=256, **{"folds": 1, **settings}), Kept()
    straight = training.evaluate(CANDIDATE, Budget(5), Context(7))
    for amount in (1, 3):
        training.evaluate(CANDIDATE, Budget(amount, 5), kept.context())
        assert kept.heard == [*range(1, amount + 1)]  # also of what was trained before
    last = training.evaluate(CANDIDATE, Budget(5), kept.context())
    assert last.curve == straight.curve
    assert last.metrics == straight.metrics
    assert same_weights(last, straight)
    folds = {f"{what}-5-part-{place}" for what in ("training", "looked") for place in range(2)}
    assert {*kept.states} == (folds if training.folds > 1 else {"training-5"})


def test_a_part_is_a_prefix_of_the_longer_training(digits: Data) -> None:
    training = Training(digits, folds=1, batch=256)
    straight = training.evaluate(CANDIDATE, Budget(4), Context(7))
    part = training.evaluate(CANDIDATE, Budget(2, 4), Context(7))
    own = training.evaluate(CANDIDATE, Budget(2), Context(7))
    losses = [point["loss"] for point in straight.curve]
    assert [point["loss"] for point in part.curve] == losses[:2]
    assert [point["loss"] for point in own.curve] != losses[:2]
    assert part.metrics["accuracy"] == part.curve[-1]["accuracy"]
    assert training.steps(Budget(2, 4), {}).number == training.steps(Budget(4), {}).number / 2
    assert training.steps(Budget(2, 4), {}).batch == training.steps(Budget(4), {}).batch


def test_a_part_that_is_done_already_is_only_scored(digits: Data) -> None:
    """As after the death of a worker that had saved, and had not said so."""
    training, kept = Training(digits, folds=1, batch=256), Kept()
    first = training.evaluate(CANDIDATE, Budget(2, 4), kept.context())
    again = training.evaluate(CANDIDATE, Budget(2, 4), kept.context())
    assert again.curve == first.curve
    assert again.metrics == first.metrics
    assert same_weights(again, first)


def test_what_was_trained_for_more_or_for_another_horizon_is_no_part(digits: Data) -> None:
    training, kept = Training(digits, folds=1, batch=256), Kept()
    training.evaluate(CANDIDATE, Budget(2, 4), kept.context())
    for budget in (Budget(1, 4), Budget(3)):
        fresh = training.evaluate(CANDIDATE, budget, Context(7))
        assert same_weights(training.evaluate(CANDIDATE, budget, kept.context()), fresh)


def test_a_whole_schedule_leaves_nothing(digits: Data) -> None:
    kept = Kept()
    Training(digits, folds=1, batch=256).evaluate(CANDIDATE, Budget(1), kept.context())
    assert not kept.states

"""The plain network beside the classical reference of pictures."""

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.data.folds import Selected
from netwright.evaluate.plain import Plain, is_for, plain_network
from netwright.evaluate.reference import reference

RNG = np.random.default_rng(0)


def bars(count=360, side=16):
    """Classes by the direction of a bar at a random place, which an SVM on pixels cannot tell."""
    y, x = np.arange(count) % 2, RNG.normal(0, 0.3, (count, 1, side, side)).astype("f4")
    for image, standing in zip(x, y, strict=True):
        row, column = RNG.integers(0, side - 5, 2)
        image[0, row : row + (5 if standing else 1), column : column + (1 if standing else 5)] += 2
    return nw.data.load((x, y), seed=0)


@pytest.fixture(scope="module")
def data():
    return bars()


def plain(data, epochs=8):
    training = nw.Training(data, epochs=2, full_epochs=6, batch=32)
    return Plain(training, {"learning_rate": 0.1}, epochs)


def test_the_better_one_on_held_out_rows_is_the_reference_of_pictures(data) -> None:
    found = reference(data, plain=plain(data))
    alone = reference(data)
    assert found is not None and alone is not None
    svm, network = found["compared"]
    assert svm == "SVM-RBF" == alone["name"] and network == found["name"]
    params = sum(p.numel() for p in plain_network(data).parameters())
    assert found["name"] == f"4 convolutions ({params:,} parameters)"
    assert found["params"] == params and found["compared_by"] == "accuracy"
    assert found["compared"][network] > found["compared"][svm]
    assert found["accuracy"] > alone["accuracy"] and found["epochs"] == 8
    assert found["rows"] == found["of"] == len(data.train)


def test_without_time_the_plain_network_is_left_out(data) -> None:
    found = reference(data, 0.0, plain=plain(data, epochs=10_000))
    assert found is not None and list(found["compared"]) == ["SVM-RBF"]


def test_a_training_that_takes_longer_than_was_told_is_left(data) -> None:
    now = [0.0]

    def clock() -> float:
        """Runs ten times as quick after the steps that are timed."""
        now[0] += 0.01 if now[0] < 0.06 else 0.1
        return now[0]

    made = {"name": "SVM-RBF", "accuracy": 0.4, "compared": {"SVM-RBF": 0.5}}
    held = np.arange(40)
    assert plain(data).against(made, data, held, data.task.metric, 2.0, clock) == made


def test_a_plain_network_that_is_not_better_is_told_and_left(data) -> None:
    made = {"name": "SVM-RBF", "accuracy": 0.4, "compared": {"SVM-RBF": 1.0}}
    held = np.arange(40)
    found = plain(data, 1).against(made, data, held, data.task.metric, None)
    assert found["name"] == "SVM-RBF" and found["accuracy"] == 0.4 and len(found["compared"]) == 2


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 70), (4, 224, 224)], ids=str)
def test_it_takes_pictures_of_any_size(shape) -> None:
    pictures = RNG.random((10, *shape)).astype("f4")
    data = nw.data.from_arrays(pictures, np.arange(10) % 2, name="pictures")
    network = plain_network(data)
    assert is_for(data) and network(torch.randn(2, *shape)).shape == (2, 2)
    assert len([layer for layer in network if isinstance(layer, torch.nn.Conv2d)]) == 4


def test_tables_have_none() -> None:
    table = nw.data.load((RNG.random((40, 4)), np.arange(40) % 2))
    assert not is_for(table)


def test_some_rows_of_a_part(data) -> None:
    some = Selected(data.train, torch.tensor([5, 3, 8]))
    (x,), y = some.batch(slice(1, None))
    (wanted,), targets = data.train.batch(torch.tensor([3, 8]))
    assert len(some) == 3 and x.equal(wanted) and y.equal(targets)
    assert some.batch(torch.tensor([0]))[1].equal(data.train.batch(torch.tensor([5]))[1])

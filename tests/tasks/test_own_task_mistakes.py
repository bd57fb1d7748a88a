"""What a task of a user's own may not give is refused where data are made of it."""

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks import Metric

X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)


class Rmse(nw.Task):
    """The squared error of one number."""

    outputs = (TensorSpec("output", (1,)),)
    metrics = (Metric("rmse", "minimize"),)

    def loss(self, outputs, targets, weights=None, *, smoothing=0.0):
        return ((outputs[:, 0] - targets) ** 2).mean()

    def measure(self, batches):
        return {"rmse": sum(((o[:, 0] - t) ** 2).sum() for o, t in batches)}

    def soft_targets(self, outputs):
        return outputs[:, 0]

    def split(self, targets, *, validation, test, rng, source):
        rows = np.arange(len(targets))
        return rows[:60], rows[60:80], rows[80:]

    def decoder(self):
        return nn.Flatten(0)

    def to_json(self):
        return {"kind": "rmse", "metrics": [metric.to_json() for metric in self.metrics]}


def network(choose, inputs, outputs):
    width = choose.width("width", 4, 8, step=4)
    return nn.Sequential(nn.Linear(*inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def with_changes(**changes) -> nw.Task:
    return type("Changed", (Rmse,), changes)()


def splits(*parts):
    return with_changes(split=lambda self, targets, **given: parts if len(parts) > 1 else parts[0])


def test_a_metric_that_is_a_tensor_is_trained_with() -> None:
    data = nw.data.from_arrays(X, X[:, 0], task=Rmse())
    space = nw.Space(network, data)
    training = nw.Training(data, epochs=1, full_epochs=1)
    given = {"trials": 1, "finals": (), "workers": 0, "rehearse": False, "refit": False}
    run = nw.search(space, training, strategy="random", store=nw.MemoryStore("own-task"), **given)
    (trial,) = run.record.history
    assert trial.done
    assert type(trial.metrics["rmse"]) is float
    assert type(trial.curve[-1]["rmse"]) is float


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("ranking", r"`task=...` must be .*a `netwright.Task`.* got 'ranking'"),
        (
            nw.Classification,
            r"`netwright.Task` of your own, an instance of that class, ",
        ),
        (with_changes(metrics=("rmse",)), r"`Changed.metrics` must be a tuple .* got \('rmse',\)"),
        (with_changes(metrics=()), r"`Changed.metrics` must be a tuple .* got \(\)"),
        (splits(None), r"`Changed.split\(...\)` must return the row numbers .* got None"),
        (splits(range(100), range(50), range(50)), r"got 200 row numbers, 100 of them different"),
        (splits(range(60), range(60, 80), []), r"got 80 row numbers, 80 of them different"),
        (splits(np.arange(60.0), range(60, 80), range(80, 100)), "by whole numbers from 0"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_what_a_task_may_not_give_is_said(task, said, named) -> None:
    make = nw.data.from_named if named else nw.data.from_arrays
    with pytest.raises(SettingError, match=said):
        make({"x": X} if named else X, X[:, 0], task=task)

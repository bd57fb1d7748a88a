import numpy as np
import pytest
import torch
from sklearn import metrics as known

import netwright as nw
from netwright.errors import DataError, SettingError
from netwright.tasks import Regression, task_from

ONE = Regression(mean=(10.0,), deviation=(4.0,))
TWO = Regression(("width", "height"), (10.0, -1.0), (4.0, 0.5))


def test_networks_learn_deviations_from_the_mean() -> None:
    outputs, targets = torch.tensor([[0.0], [1.0]]), torch.tensor([10.0, 22.0])
    assert float(ONE.loss(outputs, targets)) == pytest.approx((0 + 2**2) / 2)
    weights = torch.tensor([3.0, 1.0])
    assert float(ONE.loss(outputs, targets, weights)) == pytest.approx(1.0)


@pytest.mark.parametrize("task", [ONE, TWO])
def test_metrics_are_those_of_scikit_learn_in_the_units_of_the_user(task: Regression) -> None:
    rng = np.random.default_rng(0)
    k = task.outputs[0].sizes[0]
    outputs = torch.from_numpy(rng.normal(size=(60, k)))
    told = outputs.numpy() * task.deviation + task.mean
    targets = told + rng.normal(size=(60, k))
    given = torch.from_numpy(targets if k > 1 else targets[:, 0])
    found = task.measure([(outputs[:25], given[:25]), (outputs[25:], given[25:])])
    assert found == pytest.approx(
        {
            "rmse": known.root_mean_squared_error(targets, told),
            "mae": known.mean_absolute_error(targets, told),
            "r2": known.r2_score(targets, told),
        }
    )


def test_a_part_without_variance_has_an_r2() -> None:
    flat = torch.full((5,), 10.0)
    assert ONE.measure([(torch.zeros(5, 1), flat)])["r2"] == 1.0
    assert ONE.measure([(torch.ones(5, 1), flat)])["r2"] == 0.0


def test_answers_are_in_the_units_of_the_user() -> None:
    assert ONE.answers(ONE.decoder()(torch.tensor([[0.0], [1.0]]))) == [10.0, 14.0]
    two = TWO.answers(TWO.decoder()(torch.tensor([[0.0, 2.0]])))
    assert two == [{"width": 10.0, "height": 0.0}]
    assert (ONE.decoding["answer"], TWO.decoding["answer"]) == ("values", "numbers")


@pytest.mark.parametrize("task", [ONE, TWO])
def test_what_is_deployed_gives_them_itself(task: Regression) -> None:
    outputs = torch.randn(7, task.outputs[0].sizes[0], generator=torch.Generator().manual_seed(0))
    after, meant = task.deployed()
    assert after is not None
    torch.testing.assert_close(meant.decoder()(after(outputs)), task.decoder()(outputs))
    targets = task.soft_targets(outputs.flip(0))
    there = meant.measure([(after(outputs), targets)])
    assert there == pytest.approx(task.measure([(outputs, targets)]), rel=1e-5)
    assert meant.deployed() == (None, meant)
    assert task_from(task.to_json()) == task


def test_mean_and_deviation_are_of_the_train_part() -> None:
    y = np.random.default_rng(0).normal(50, 9, 200)
    data = nw.data.from_arrays(np.zeros((200, 2)), y)
    train = data.train.y.numpy().astype(float)
    assert data.task == Regression((), (train.mean(),), (train.std(),))
    given = nw.data.from_arrays(np.zeros((200, 2)), y, task=Regression((), (0.0,), (1.0,)))
    assert given.task.mean == (0.0,)
    assert Regression().fitted(np.full(5, 3.0)).deviation == (1.0,)


def test_the_split_leaves_no_part_empty() -> None:
    for count in (3, 4, 7):
        parts = ONE.split(
            np.arange(count), validation=0.1, test=0.1, rng=np.random.default_rng(0), source="rows"
        )
        assert all(len(part) for part in parts)
    with pytest.raises(DataError, match="3 parts need as many rows at least, got 2"):
        ONE.split(
            np.arange(2), validation=0.1, test=0.1, rng=np.random.default_rng(0), source="rows"
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": ("a", "a")}, "must be texts that all differ"),
        ({"names": ("a", "b"), "mean": (1.0,), "deviation": (1.0,)}, "must have 2 numbers each"),
        ({"mean": (1.0,)}, "must have 1 numbers each, or none, got 1 and 0"),
        ({"mean": (1.0,), "deviation": (0.0,)}, "deviations above 0"),
    ],
)
def test_wrong_settings_are_refused(given: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Regression(**given)


def test_less_is_better_is_said() -> None:
    assert ONE.metric.better == " (less rmse is better)" and ONE.metrics[2].better == ""

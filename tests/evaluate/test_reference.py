"""The classical method to compare with, within the seconds that it may take."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.evaluate.reference import reference
from netwright.tasks import Classification


class Clock:
    """Moves on by the square of the rows that are trained on: 1 s for 500."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.trained = 0.0, []
        monkeypatch.setattr(Classification, "classical", ())
        monkeypatch.setattr(Classification, "reference", self.train)

    def train(self, train, test) -> dict:
        self.trained.append(len(train[0]))
        self.now += (len(train[0]) / 500) ** 2
        return {"name": "SVM-RBF", "accuracy": 0.5}

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def data() -> nw.Data:
    rng = np.random.default_rng(0)
    return nw.data.load((rng.random((8000, 4)).astype("f4"), np.arange(8000) % 2))


def test_without_a_bound_all_rows_are_trained_on(data, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    found = reference(data, None, clock)
    assert found is not None
    assert clock.trained == [len(data.train)] and found["rows"] == found["of"] == len(data.train)


@pytest.mark.parametrize("seconds", [18, 40, 60])
def test_rows_are_as_many_as_there_is_time_for(data, monkeypatch, seconds) -> None:
    clock = Clock(monkeypatch)
    found = reference(data, seconds, clock)
    assert found is not None and clock.trained[0] == 500
    assert found["rows"] == clock.trained[1] < found["of"] == len(data.train)
    assert 0.8 * seconds <= found["seconds"] <= seconds


def test_where_there_is_no_time_the_first_few_rows_must_do(data, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    found = reference(data, 0.0, clock)
    assert found is not None and found["rows"] == 500 and clock.trained == [500]


def test_few_rows_are_all_taken(monkeypatch) -> None:
    clock = Clock(monkeypatch)
    rng = np.random.default_rng(0)
    few = nw.data.load((rng.random((600, 4)).astype("f4"), np.arange(600) % 2))
    found = reference(few, 0.0, clock)
    assert found is not None and clock.trained == [len(few.train)]


def test_rows_are_bounded_by_the_bytes_of_their_features_too(monkeypatch, data) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr("netwright.evaluate.reference._BYTES", 2500 * 16)
    found = reference(data, None, clock)
    assert found is not None and clock.trained == [2500] and found["rows"] == 2500


def test_the_test_part_is_read_piece_by_piece(monkeypatch, data) -> None:
    given = []

    def train(self, train, test) -> dict:
        given.append(test[0])
        return {"name": "SVM-RBF", "accuracy": 0.5}

    monkeypatch.setattr(Classification, "classical", ())
    monkeypatch.setattr(Classification, "reference", train)
    reference(data)
    monkeypatch.setattr("netwright.evaluate.reference._AT_ONCE", 7 * 16)
    reference(data)
    np.testing.assert_array_equal(*given)


def told(task: nw.Task, raw: np.ndarray, targets: np.ndarray, **given) -> dict:
    found = reference(nw.data.from_arrays(raw, targets, task=task, name="rows"), **given)
    assert found is not None
    return found


RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 4)).astype("f4")


def test_of_several_models_the_best_on_rows_of_the_train_part_is_the_reference() -> None:
    straight = told(nw.Regression(), ROWS, 100 + ROWS @ [1.0, -2.0, 3.0, 0.5])
    assert straight["name"] == "ridge regression" and straight["r2"] > 0.999
    names = ["ridge regression", "random forest", "HistGradientBoosting"]
    assert [name for name in straight["compared"] if name != "LightGBM"] == names
    assert min(straight["compared"].values()) == straight["compared"]["ridge regression"]
    assert straight["compared_by"] == "rmse" and straight["rows"] == straight["of"] == 180
    steps = told(nw.Regression(), ROWS, np.where(ROWS[:, 0] > 0, 9.0, 1.5) + ROWS[:, 1] ** 2)
    assert steps["name"] != "ridge regression"


def test_lightgbm_is_compared_where_it_is_installed(monkeypatch) -> None:
    made = []

    class Model:
        def __init__(self, **settings) -> None:
            made.append(settings)

        def fit(self, x, y) -> None:
            self.mean = float(y.mean())

        def predict(self, x) -> np.ndarray:
            return np.full(len(x), self.mean)

    module = ModuleType("lightgbm")
    module.__spec__ = ModuleSpec("lightgbm", None)
    module.LGBMRegressor = Model
    monkeypatch.setitem(sys.modules, "lightgbm", module)
    found = told(nw.Regression(), ROWS, ROWS @ [1.0, -2.0, 3.0, 0.5])
    assert found["name"] == "ridge regression" and len(found["compared"]) == 4
    assert made[0] == {"random_state": 0, "n_jobs": 1, "verbose": -1}


def test_a_model_without_probabilities_is_not_compared_by_the_loss() -> None:
    y = (ROWS[:, 0] + 0.3 * ROWS[:, 1] > 1.2).astype(int)
    data = nw.data.from_arrays(ROWS, y, name="rows")
    by_loss = reference(data, metric=data.task.metrics[1])
    balanced = reference(data, metric=data.task.metrics[2])
    assert by_loss is not None and balanced is not None
    assert "SVM-RBF" not in by_loss["compared"] and by_loss["loss"] < 0.7
    assert "SVM-RBF" in balanced["compared"] and balanced["compared_by"] == "balanced_accuracy"


def test_each_label_has_a_model_of_its_own() -> None:
    y = np.stack([ROWS[:, 0] > 0, ROWS[:, 1] > 0.5, ROWS[:, 2] > -1], 1).astype(int)
    found = told(nw.MultiLabel(), ROWS, y)
    assert found["f1"] > 0.9 and found["roc_auc"] > 0.95


def test_no_further_model_is_begun_when_the_time_is_over() -> None:
    now = iter(range(0, 10_000, 10))
    data = nw.data.from_arrays(ROWS, ROWS.sum(1), name="rows")
    found = reference(data, 15.0, lambda: next(now))
    assert found is not None and list(found["compared"]) == ["ridge regression"]


def test_pictures_are_compared_with_one_model() -> None:
    found = reference(nw.data.load((RNG.random((60, 1, 3, 3)), np.arange(60) % 2)))
    assert found is not None and found["name"] == "SVM-RBF" and "compared" not in found


def test_large_pictures_are_made_smaller_and_read_piece_by_piece(monkeypatch) -> None:
    """Photographs would be gigabytes of features; their means tell an SVM as much."""
    pictures = RNG.integers(0, 256, (30, 3, 96, 160), dtype=np.uint8)
    data = nw.data.from_arrays(pictures, np.arange(30) % 2, name="pictures")
    given, read = [], []

    def train(self, train, test) -> dict:
        given.extend([train, test])
        return {"name": "SVM-RBF", "accuracy": 0.5}

    monkeypatch.setattr(Classification, "classical", ())
    monkeypatch.setattr(Classification, "reference", train)
    batch = type(data.train).batch
    monkeypatch.setattr(
        type(data.train), "batch", lambda part, rows: read.append(rows) or batch(part, rows)
    )
    monkeypatch.setattr("netwright.evaluate.reference._AT_ONCE", 4 * 4 * 3 * 96 * 160)
    reference(data)
    (features, targets), (tested, wanted) = given
    assert features.shape == (18, 3 * 25 * 41) and tested.shape == (6, 3 * 25 * 41)
    assert max(len(rows) for rows in read if isinstance(rows, torch.Tensor)) == 4
    (raw,), y = batch(data.train, slice(None))
    assert (targets == y.numpy()).all() and (
        wanted == batch(data.test, slice(None))[1].numpy()
    ).all()
    wanted = torch.nn.functional.adaptive_avg_pool2d(raw.float(), (25, 41)).flatten(1)
    np.testing.assert_allclose(features, wanted.numpy(), rtol=1e-5)

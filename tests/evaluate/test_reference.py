"""The classical method to compare with, within the seconds that it may take."""

import numpy as np
import pytest

import netwright as nw
from netwright.evaluate.reference import reference
from netwright.tasks import Classification


class Clock:
    """Moves on by the square of the rows that are trained on: 1 s for 500."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.trained = 0.0, []
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

    monkeypatch.setattr(Classification, "reference", train)
    reference(data)
    monkeypatch.setattr("netwright.evaluate.reference._AT_ONCE", 7 * 16)
    reference(data)
    np.testing.assert_array_equal(*given)

"""Targets that are missing or cannot be used are refused by their row, before anything is read."""

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from estimated import QUICK
from netwright.errors import DataError

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
LABELS = ["a", "b"] * 20
NUMBERS = np.linspace(0, 1, 40).tolist()


def at_three(value: object, others: list) -> np.ndarray:
    y = np.array(others, object)
    y[3] = value
    return y


ABSENT = {
    "None": at_three(None, LABELS),
    "a list with None": at_three(None, LABELS).tolist(),
    "NaN": at_three(float("nan"), LABELS),
    "NaN of numpy": at_three(np.float32("nan"), LABELS),
    "NaT": at_three(pd.NaT, LABELS),
    "NA": pd.Series(at_three(pd.NA, LABELS), dtype="string"),
    "a category": pd.Series(at_three(None, LABELS), dtype="category"),
    "a table": pd.DataFrame({"y": at_three(None, LABELS)}),
    "whole numbers": at_three(None, [0, 1] * 20),
    "booleans": pd.Series(at_three(None, [True, False] * 20), dtype="boolean"),
    "floats": at_three(np.nan, [0, 1] * 20).astype(float),
    "Int64": pd.Series(at_three(None, [0, 1] * 20), dtype="Int64"),
}


@pytest.mark.parametrize("y", ABSENT.values(), ids=ABSENT)
def test_a_missing_label_is_told_by_its_row(y) -> None:
    with pytest.raises(DataError, match=r"^`NetClassifier.fit\(X, y\)`: row 3 of y .* no label"):
        nw.NetClassifier(**QUICK).fit(X, y)


def test_the_remedy_and_infinite_labels_are_told() -> None:
    y = at_three(np.inf, [0, 1] * 20).astype(float)
    said = r"row 3 of y \(counted from 0\) has the label inf; remove the row or give it one\.$"
    with pytest.raises(DataError, match=said):
        nw.NetClassifier(**QUICK).fit(X, y)


@pytest.mark.parametrize("value", [1, 1.5, b"a", {}, ["a"]], ids=str)
def test_labels_of_two_kinds_are_told_by_their_row(value) -> None:
    with pytest.raises(DataError, match=r"got 'a' in row 0 and .* in row 3 of y .*write them"):
        nw.NetClassifier(**QUICK).fit(X, at_three(value, LABELS))


def test_whole_numbers_among_objects_are_labels() -> None:
    fitted = nw.NetClassifier(**QUICK).fit(X, np.array([3, 7] * 20, object))
    assert fitted.classes_.tolist() == [3, 7]


NONE = {
    "None": at_three(None, NUMBERS),
    "a list with None": at_three(None, NUMBERS).tolist(),
    "NaN": at_three(np.nan, NUMBERS).astype(float),
    "NaT": at_three(pd.NaT, NUMBERS),
    "NA": at_three(pd.NA, NUMBERS),
    "Float64": pd.Series(at_three(None, NUMBERS), dtype="Float64"),
    "one of two": np.stack([np.ones(40), at_three(np.nan, NUMBERS).astype(float)], 1),
    "one of two objects": np.stack([np.ones(40, object), at_three(None, NUMBERS)], 1),
}


@pytest.mark.parametrize("y", NONE.values(), ids=NONE)
def test_a_missing_number_is_told_by_its_row(y) -> None:
    with pytest.raises(DataError, match=r"^`NetRegressor.fit\(X, y\)`: row 3 of y .* no target"):
        nw.NetRegressor(**QUICK).fit(X, y)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.inf, r"has the target inf; remove the row or give it one"),
        ("a", r"has the target 'a', which is no number"),
        (1e300, r"holds 1e\+300, a number beyond float32; give it in a larger unit"),
    ],
    ids=str,
)
def test_what_is_no_usable_number_is_told_by_its_row(value, said: str) -> None:
    with pytest.raises(DataError, match=rf"row 3 of y \(counted from 0\) {said}"):
        nw.NetRegressor(**QUICK).fit(X, at_three(value, NUMBERS))

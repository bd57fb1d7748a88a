"""What targets mean, found out or said."""

import numpy as np
import pandas as pd
import pytest
import torch

import netwright as nw
from netwright.data.targets import read_targets
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, MultiLabel, Regression

RNG = np.random.default_rng(0)
SEVERAL = (RNG.random((40, 3)) < 0.4).astype(int)


def read(y: object, task: object = None, **given):
    return read_targets({"train": y}, task=task, where="y", **given)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"] * 20, Classification(("a", "b"))),
        ([True, False] * 20, Classification(("False", "True"))),
        (np.arange(60) % 20, Classification(tuple(map(str, range(20))))),
        (np.arange(60) % 3 * 10.0, Classification(("0", "10", "20"))),
        (np.arange(130) % 26, Classification(tuple(map(str, range(26))))),
        (np.arange(129) % 26, Regression()),
        (np.arange(130) % 26 + 18, Regression()),
        (np.arange(40) / 4, Regression()),
        (np.arange(40)[:, None] / 4, Regression()),
        ([1, 2.5] * 20, Regression()),
        (RNG.random((40, 2)), Regression(("y0", "y1"))),
        (np.arange(80).reshape(40, 2), Regression(("y0", "y1"))),
        (SEVERAL, MultiLabel(("0", "1", "2"))),
        (SEVERAL.astype(bool), MultiLabel(("0", "1", "2"))),
        (torch.from_numpy(SEVERAL).float(), MultiLabel(("0", "1", "2"))),
    ],
)
def test_what_targets_mean_is_found_out_and_said(y, task) -> None:
    found = read(y)
    assert found.task == task and found.remark.startswith("y is read as ")
    given, classes = found.parts["train"], isinstance(task, Classification)
    assert given.dtype == (np.int64 if classes else np.float32)
    columns = () if classes or not task.names else (len(task.names),)
    assert given.shape == (len(y), *columns)


def test_the_remark_says_how_to_mean_something_else() -> None:
    assert read(np.arange(40)).remark == (
        'y is read as a number to predict, from 0 to 39; for classes say `task="classification"`'
    )
    assert read(np.arange(40) % 5).remark == (
        'y is read as 5 classes: 0, 1, 2, 3, ...; to predict the number say `task="regression"`'
    )
    assert read(SEVERAL).remark == "y is read as 3 labels, of which a row may have several: 0, 1, 2"


def test_what_is_said_is_not_remarked() -> None:
    y = np.arange(40) % 5
    found = read(y, "regression")
    assert found.task == Regression() and found.remark == ""
    assert read(y, Regression(("price",))).task == Regression(("price",))
    assert read(SEVERAL, "multilabel", names=("a", "b", "c")).task == MultiLabel(("a", "b", "c"))
    assert read(np.eye(3)[y % 3], "multilabel").task == MultiLabel(("0", "1", "2"))
    assert read(np.arange(80) % 40, "classification").task.names[:2] == ("0", "1")


def test_classes_of_a_task_are_met_by_name_or_by_number() -> None:
    task = Classification(("no", "yes"))
    for y in (["yes", "no"], [1, 0], [1.0, 0.0], [True, False]):
        assert read(y, task).parts["train"].tolist() == [1, 0]
    assert read([3, 1, 3], Classification(("1", "3"))).parts["train"].tolist() == [1, 0, 1]
    with pytest.raises(DataError, match=r"row 1 \(counted from 0\) has the class 'maybe'"):
        read(["yes", "maybe"], task)


def test_parts_are_read_alike() -> None:
    found = read_targets(
        {"train": ["a", "b"], "test": ["b"]}, task=None, where={"train": "p", "test": "q"}
    )
    assert found.parts["test"].tolist() == [1]
    with pytest.raises(DataError, match=r"y \(test\) has targets of shape \(3,\) a row, but y"):
        read_targets(
            {"train": RNG.random((5, 2)), "test": RNG.random((5, 3))}, task=None, where="y"
        )


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (np.eye(3)[np.arange(30) % 3], None, 'pass `y.argmax\\(1\\)`, .* say `task="multilabel"`'),
        ([[0.25, 0.75]] * 4, None, 'several numbers: .* say `task="regression"`'),
        ([1.5, np.nan, 2], None, r"row 1 \(counted from 0\) has no target"),
        ([1.5, None, 2.5], None, r"row 1 \(counted from 0\) has no target"),
        ([1.5, np.inf, 2], None, r"row 1 \(counted from 0\) has the target inf"),
        ([[1.5, 2], [np.nan, 2]], None, r"row 1 .* no target in column 0"),
        (["a", None], None, r"row 1 \(counted from 0\) has no label"),
        ([2.5] * 9, None, "has the target 2.5 in all 9 rows, so there is nothing to learn"),
        ([[2.5, 1.0], [2.5, 2.0]], None, "has the target 2.5 in 'y0' in all 2 rows"),
        (["a"] * 9, None, "at least 2 classes, got only 'a'"),
        (np.zeros((4, 3)), "multilabel", "has the target 0 in '0' in all 4 rows"),
        (["a", "b"], "regression", "must hold numbers for a regression, got the text 'a'"),
        ([0, 1, 2], "multilabel", r"row 2 \(counted from 0\) has 2 in column 0"),
        (SEVERAL, "classification", r"one class a row, shape \(n,\), got shape \(40, 3\)"),
        ([0.5, 1.0], "classification", "holds the number 0.5 at row 0"),
        ([1e300, 1.0], "regression", r"row 0 \(counted from 0\) has the target 1e\+300, beyond"),
        (5e8 + RNG.random(40), None, "of which float32 would lose too much; take a constant"),
        (np.zeros((4, 2, 2)), None, r"shape \(n,\) or \(n, k\), got \(4, 2, 2\)"),
        ([["a", "b"], ["c", "d"]], None, "one text a row, or numbers"),
        ([], None, "is empty: it has no targets"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_refused(y, task, message) -> None:
    with pytest.raises(DataError, match=message):
        read(y, task)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("ranking", 'must be "classification", "regression", "multilabel" or a .* \'ranking\''),
        (Regression(("a", "b")), "y has 1 column, but the task has 2 names: a, b"),
        (3, "must be a `netwright.Task`"),
    ],
)
def test_what_is_no_task_is_refused(task, message) -> None:
    with pytest.raises(SettingError, match=message):
        read(np.arange(9) / 4, task)


class Pairs(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, row):
        return np.full(2, row, np.float32), SEVERAL[row]


def test_every_source_says_what_was_found_out(tmp_path) -> None:
    x = np.arange(80.0).reshape(40, 2)
    np.savez(tmp_path / "x.npz", x=x, y=SEVERAL)
    for source in ((x, SEVERAL), tmp_path / "x.npz", Pairs()):
        data = nw.data.load(source)
        assert data.task == MultiLabel(("0", "1", "2"))
        assert len(data.remarks) == 1 and data.remarks[0].split(": ", 1)[1].startswith("y is read")
        numbers = nw.data.load(source, task="regression")
        assert numbers.task.names == ("y0", "y1", "y2") and numbers.remarks == ()
        assert numbers.train.y.shape == (24, 3)


def test_data_of_every_task_are_kept_in_a_file(tmp_path) -> None:
    for y in (SEVERAL, np.arange(40) / 4, RNG.random((40, 2)), np.arange(40) % 3):
        data = nw.data.from_arrays(np.zeros((40, 2)), y)
        data.save(tmp_path / "data")
        again = nw.data.ArrayData.open(tmp_path / "data")
        assert again.task == data.task and again.remarks == data.remarks
        assert torch.equal(again.train.y, data.train.y)


def test_a_source_of_classes_is_not_read_as_numbers(tmp_path) -> None:
    with pytest.raises(SettingError, match=r"`load\(task=...\)` must be \"classification\" for"):
        nw.data.load("digits", task="regression")
    assert nw.data.load("digits", task="classification").classes == 10


NO_LABEL = {
    "None": [None, "b"],
    "NaN": [float("nan"), "b"],
    "NaN of numpy": [np.float32("nan"), "b"],
    "NA": [pd.NA, "b"],
    "NaT": [pd.NaT, "b"],
    "NA among booleans": [pd.NA, True],
    "NA among numbers": [pd.NA, 0.5],
    "NaT among numbers": [pd.NaT, 0.5],
    "NaN of numpy among numbers": [np.float32("nan"), 0.5],
}


@pytest.mark.parametrize("two", NO_LABEL.values(), ids=NO_LABEL)
def test_whatever_stands_for_a_missing_target_is_told_by_its_row(two) -> None:
    x, y = np.zeros((6, 2), np.float32), np.array([two[1]] * 5 + [two[0]], object)
    said = r"y: row 5 \(counted from 0\) has no (label|target); remove the row or give it one\.$"
    with pytest.raises(DataError, match=said):
        nw.data.load((x, y))


def test_labels_of_two_kinds_are_told_by_a_row() -> None:
    x, y = np.zeros((4, 2), np.float32), np.array(["a", "b", "a", 7], object)
    with pytest.raises(DataError, match=r"got int, str: row 3 .* has the label 7\.$"):
        nw.data.load((x, y))


def test_labels_of_numpys_own_types_are_labels_of_pythons() -> None:
    x = np.random.default_rng(0).random((40, 2)).astype(np.float32)
    names = np.array([np.str_("a"), "b"] * 20, object)
    assert nw.data.load((x, names)).task.names == ("a", "b")
    numbers = np.array([np.int64(4), 2] * 20, object)
    assert nw.data.load((x, numbers)).task.names == ("2", "4")

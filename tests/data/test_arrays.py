from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from netwright.data import from_arrays, from_dataset
from netwright.errors import DataError

Y = np.arange(30) % 3


@pytest.mark.parametrize(
    ("x", "shape", "dtype"),
    [
        (np.zeros((30, 4, 5), np.uint8), (1, 4, 5), torch.uint8),
        (np.zeros((30, 6, 5, 3), np.uint8), (3, 6, 5), torch.uint8),
        (np.zeros((30, 3, 4, 5), np.float64), (3, 4, 5), torch.float32),
        (np.zeros((30, 13, 6, 6)), (13, 6, 6), torch.float32),
        (np.zeros((30, 7), np.int64), (7,), torch.float32),
        (np.zeros((30, 4, 5), bool), (1, 4, 5), torch.uint8),
        (torch.zeros(30, 7, dtype=torch.bfloat16, requires_grad=True), (7,), torch.float32),
        ([[1, 2]] * 30, (2,), torch.float32),
    ],
)
def test_inputs_are_kept_compact_and_channel_first(x, shape, dtype):
    data = from_arrays(x, Y)
    assert data.shape == shape and data.train.x.dtype == dtype


def test_channel_last_is_moved_pixel_by_pixel():
    x = np.random.default_rng(0).random((30, 6, 5, 3)).astype(np.float32)
    x[:, 0, 0, 0] = np.arange(30)
    data = from_arrays(x, Y)
    row = int(data.train.x[0, 0, 0, 0])
    assert data.train.x[0].equal(torch.from_numpy(x[row].transpose(2, 0, 1).copy()))


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (Y * 5 - 3, ("-3", "2", "7")),
        (np.array(["b", "c", "a"])[Y], ("a", "b", "c")),
        (np.array(["b", "c", "a"], object)[Y], ("a", "b", "c")),
        (np.array([b"b", b"c", b"a"])[Y], ("a", "b", "c")),
        (Y == 1, ("False", "True")),
        (Y.astype(np.float64) + 1, ("1", "2", "3")),
        (torch.from_numpy(Y)[:, None], ("0", "1", "2")),
        (Y[:, None].tolist(), ("0", "1", "2")),
        ([["bca"[row]] for row in Y], ("a", "b", "c")),
        (list(np.array(["b", "c", "a"])[Y]), ("a", "b", "c")),
        (tuple(np.array([b"b", b"c", b"a"])[Y]), ("a", "b", "c")),
    ],
)
def test_labels_become_0_to_k_in_sorted_order(y, names):
    rows = np.arange(30, dtype=np.float32)[:, None]
    data = from_arrays(rows, y)
    assert data.class_names == names
    flat = np.asarray(y).reshape(-1)
    for part in (data.train, data.validation, data.test):
        for row, label in zip(part.x[:, 0].tolist(), part.y.tolist(), strict=True):
            value = flat[int(row)]
            shown = value.decode() if isinstance(value, bytes) else value
            shown = int(shown) if isinstance(shown, float) else shown
            assert str(shown) == names[label]


def test_mean_and_std_are_of_the_train_part_in_raw_units():
    x = np.random.default_rng(0).normal(5, 3, (60, 2, 4, 4)).astype(np.float32)
    data = from_arrays(x, np.arange(60) % 2)
    assert torch.allclose(data.mean.flatten(), data.train.x.mean((0, 2, 3)), atol=1e-5)
    want = data.train.x.std((0, 2, 3), correction=0)
    assert torch.allclose(data.std.flatten(), want, atol=1e-5)


def test_a_constant_feature_has_std_1():
    x = np.stack([np.full(30, 0.1), np.arange(30)], 1)
    assert from_arrays(x, Y).std[0] == 1


def test_data_owns_its_memory():
    x = np.zeros((30, 2), np.float32)
    data = from_arrays(x, Y)
    x[:] = 9
    assert float(data.train.x.max()) == 0


def test_test_0_makes_no_test_part():
    assert len(from_arrays(np.zeros((30, 2)), Y, test=0).test) == 0


def with_value(value, place):
    x = np.zeros((30, 4))
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            with_value(np.nan, (7, 2)),
            Y,
            "arrays: x: row 7 (counted from 0) holds nan at column 2; "
            "remove the row or replace the value.",
        ),
        (
            with_value(1e300, (4, 1)),
            Y,
            "arrays: x: row 4 (counted from 0) holds 1e+300, beyond float32 at column 1; "
            "remove the row or replace the value.",
        ),
        (
            np.zeros((29, 4)),
            Y,
            "arrays: x has 29 rows and y has 30; every row needs one label.",
        ),
        (np.zeros((30, 4)), Y * 0, "arrays: y must have at least 2 classes, got only '0'."),
        (np.zeros((30, 4)), Y[:0], "arrays: y is empty: it has no targets."),
        (np.zeros((0, 4)), Y[:0], "arrays: x is empty: its shape is (0, 4)."),
        (
            np.zeros((30, 4)),
            np.eye(3)[Y],
            "arrays: y has 3 columns that sum to 1 in each row, which may be one class a row or "
            "several labels: for classes pass `y.argmax(1)`, for several labels say "
            '`task="multilabel"`.',
        ),
        (
            np.zeros((30, 4)),
            np.where(np.arange(30) == 5, np.nan, Y),
            "arrays: y: row 5 (counted from 0) has no target; remove the row or give it one.",
        ),
        (
            np.zeros((30, 4)),
            np.array(["a", None, "b"], object)[Y],
            "arrays: y: row 1 (counted from 0) has no label; remove the row or give it one.",
        ),
        (
            np.zeros((30, 4)),
            np.array(["a", 1, "b"], object)[Y],
            "arrays: y must be whole numbers, booleans or text, all of one kind, got int, str: "
            "row 1 (counted from 0) has the label 1.",
        ),
        (
            np.zeros((30, 4)),
            [("a", 1, "b")[row] for row in Y],
            "arrays: y must be whole numbers, booleans or text, all of one kind, got int, str: "
            "row 1 (counted from 0) has the label 1.",
        ),
        (
            np.zeros((30, 4)),
            tuple([("a", 1.5, b"b")[row]] for row in Y),
            "arrays: y must be whole numbers, booleans or text, all of one kind, got bytes, float, "
            "str: row 1 (counted from 0) has the label 1.5.",
        ),
        (
            np.zeros((30, 4)),
            [("a", None, 1)[row] for row in Y],
            "arrays: y: row 1 (counted from 0) has no label; remove the row or give it one.",
        ),
        (
            np.array([["a", "b"]] * 30),
            Y,
            "arrays: x must hold numbers, got <U1; "
            "a table with text is read from a .csv or .parquet file.",
        ),
        (
            np.zeros((30, 4)),
            np.array([0] * 28 + [1] * 2),
            "arrays: class '1' has 2 rows; a split into train, validation and test needs at "
            "least 3 rows of each of two classes.",
        ),
    ],
)
def test_bad_data_gets_an_error_that_names_the_row(x, y, message):
    with pytest.raises(DataError) as error:
        from_arrays(x, y)
    assert str(error.value) == message


def test_nan_in_an_image_is_named_beyond_the_first_chunk():
    x = np.zeros((300, 1, 128, 128), np.float32)
    x[290, 0, 3, 4] = np.inf
    with pytest.raises(DataError, match=r"row 290 \(counted from 0\) holds inf at .* \(0, 3, 4\)"):
        from_arrays(x, np.arange(300) % 2)


def test_class_names_must_fit_the_labels():
    with pytest.raises(DataError, match="has 3 different labels, but `class_names` has 2"):
        from_arrays(np.zeros((30, 2)), Y, class_names=["a", "b"])


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __getitem__(self, row):
        return self.items[row % len(self.items)]  # never raises IndexError

    def __len__(self):
        return len(self.items)


class Stream(IterableDataset):
    def __iter__(self):
        return iter([(torch.full((2,), float(row)), row % 3) for row in range(30)])


def test_datasets_of_every_kind_equal_their_arrays():
    x = torch.arange(30.0)[:, None].expand(30, 2)
    want = from_arrays(x, Y).digest
    items = [(x[row], torch.tensor(row % 3)) for row in range(30)]
    for dataset in (TensorDataset(x, torch.from_numpy(Y)), Items(items), Stream()):
        assert from_dataset(dataset).digest == want


@pytest.mark.parametrize(
    "wrap",
    [np.int64, np.array, lambda y: np.array([y]), lambda y: [y], lambda y: torch.ones(1) * y],
)
def test_the_label_of_an_item_may_come_in_an_array_of_one(wrap):
    x = np.arange(30.0)[:, None]
    dataset = Items([(x[row], wrap(row % 3)) for row in range(30)])
    assert from_dataset(dataset).digest == from_arrays(x, Y).digest


def test_given_parts_stay_and_missing_ones_are_carved_out_of_train():
    train = Items([(np.full(2, row), row % 3) for row in range(30)])
    test = Items([(np.full(2, 100 + row), row % 3) for row in range(9)])
    data = from_dataset(train, test=test)
    assert (len(data.train), len(data.validation)) == (24, 6)
    assert data.test.x[:, 0].tolist() == list(range(100, 109))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "dataset: train is empty: the dataset yields no item."),
        ([3], "dataset: train: row 0 (counted from 0) must be a pair (x, y), got int."),
        (
            [(np.zeros(2), 0), (np.zeros(3), 1)],
            "dataset: train: row 1 (counted from 0) has shape (3,) float64, but row 0 has (2,) "
            "float64; make them equal in the dataset.",
        ),
        *(
            (
                [(np.zeros(2), 0), (np.zeros(2), one_hot)],
                "dataset: train: row 1 (counted from 0) has a target of shape (3,), but row 0 has "
                "(); make them equal in the dataset.",
            )
            for one_hot in (torch.eye(3)[0], np.eye(3)[0], [1, 0, 0], (1.0, 0.0, 0.0))
        ),
        (
            [(np.zeros(2), torch.zeros(0))],
            "dataset: train: row 0 (counted from 0): y must be one label, or several numbers "
            "of shape (k,), got shape (0,) of float32.",
        ),
        (
            [(np.zeros(2), ("a", 1)[row % 2]) for row in range(20)],
            "dataset: y must be whole numbers, booleans or text, all of one kind, got int, str: "
            "row 1 (counted from 0) has the label 1.",
        ),
    ],
)
def test_bad_items_are_named(items, message):
    with pytest.raises(DataError) as error:
        from_dataset(Items(items))
    assert str(error.value) == message


def test_a_given_part_may_lack_a_class():
    train = Items([(np.zeros(2), row % 3) for row in range(30)])
    test = Items([(np.zeros(2), row % 2) for row in range(10)])
    data = from_dataset(train, test=test)
    assert data.classes == 3 and data.test.y.unique().tolist() == [0, 1]


def test_a_class_that_train_does_not_have_is_named():
    train = Items([(np.zeros(2), row % 2) for row in range(30)])
    test = Items([(np.zeros(2), row % 3) for row in range(10)])
    with pytest.raises(DataError) as error:
        from_dataset(train, test=test)
    assert str(error.value) == (
        "dataset: class '2' is in the test part but has no row in the train part; give train some, "
        "or leave the class out."
    )


def test_an_item_that_cannot_be_read_is_named():
    class Broken(Items):
        def __getitem__(self, row):
            return super().__getitem__(row) if row != 7 else 1 // 0

    with pytest.raises(DataError) as error:
        from_dataset(Broken([(np.zeros(2), row % 2) for row in range(30)]))
    assert str(error.value) == (
        "dataset: train: row 7 (counted from 0) cannot be read: ZeroDivisionError: integer "
        "division or modulo by zero."
    )

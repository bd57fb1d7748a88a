"""Data of several named tensors: what is kept, how it is normalised, what is refused."""

import pickle

import numpy as np
import pandas
import pytest
import torch

from netwright.data import NamedData, from_named
from netwright.errors import DataError, SettingError
from netwright.network.signature import TensorSpec
from netwright.testing.data import DATA_CHECKS

rng = np.random.default_rng(0)
GIVEN = {
    "numbers": 100 + 20 * rng.random((60, 3)),
    "codes": rng.integers(7, size=(60, 2)),
    "picture": rng.integers(256, size=(60, 1, 5, 5)).astype(np.uint8),
    "age": rng.random(60),
}


def make(**settings) -> NamedData:
    return from_named(GIVEN, np.arange(60) % 3, ids={"codes": 7}, name="toy", **settings)


class Rows(dict):
    """Rows by name; as long as there are rows, which the checks ask for."""

    def __len__(self) -> int:
        return 4

    def __bool__(self) -> bool:
        return True


@pytest.mark.parametrize("check", DATA_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check) -> None:
    check(make, Rows({key: values[:4] for key, values in GIVEN.items()}))
    check(make, [{key: values[row] for key, values in GIVEN.items()} for row in range(4)])


def test_tensors_keep_their_names_and_dtypes() -> None:
    data = make()
    assert data.raw == (
        TensorSpec("numbers", (3,)),
        TensorSpec("codes", (2,), "int64", ids=7),
        TensorSpec("picture", (1, 5, 5), "uint8"),
        TensorSpec("age", (1,)),
    )
    assert [spec.dtype for spec in data.signature.inputs] == [
        "float32", "int64", "float32", "float32",
    ]  # fmt: skip
    assert "codes: int64 (b, 2), ids below 7" in repr(data)
    numbers, codes, picture, age = data.normalise(*data.train.x)
    assert torch.equal(codes, data.train.x[1])
    for x in (numbers, picture, age):
        assert abs(float(x.mean())) < 1e-4
        assert float(x.std()) == pytest.approx(1.0, abs=0.05)


def test_rows_of_all_inputs_stay_together() -> None:
    row = np.arange(60)
    data = from_named({"a": row * 1.0, "b": row}, row % 3, ids={"b": 60})
    for part in (data.train, data.validation, data.test):
        (a, b), y = part.batch(torch.arange(len(part)).flip(0))
        assert torch.equal(a[:, 0].long(), b) and torch.equal(b % 3, y)


def test_what_is_sent_has_no_test_row() -> None:
    held = make().without_test()
    sent = pickle.loads(pickle.dumps(held))  # noqa: S301 - bytes that this test made
    assert len(sent.test) == 0
    assert all(x.untyped_storage().nbytes() == x.nbytes for x in sent.train.x)


def test_the_digest_is_of_content_and_of_what_it_is() -> None:
    assert make().digest == make().digest
    other = from_named(GIVEN, np.arange(60) % 3, ids={"codes": 8}, name="toy")
    assert other.digest != make().digest


@pytest.mark.parametrize(
    ("x", "ids", "message"),
    [
        ({"a": np.eye(6), "b": np.eye(5)}, {}, r"b has 5 rows and y has 6"),
        ({"a": np.full((6, 1), 3)}, {"a": 3}, r"a: row 0 \(counted from 0\) holds the id 3"),
        ({"a": np.eye(6)}, {"a": 3}, r"must hold ids, whole numbers"),
        ({"a": np.full((6, 2), np.nan)}, {}, r"row 0 \(counted from 0\) holds nan"),
    ],
)
def test_bad_inputs_are_named(x, ids, message) -> None:
    with pytest.raises(DataError, match=message):
        from_named(x, [0, 1, 2] * 2, ids=ids)


@pytest.mark.parametrize(
    ("x", "ids", "message"),
    [
        (np.eye(6), {}, r"`from_named\(x, ...\)` must be a mapping"),
        ({}, {}, r"must be a mapping"),
        ({"a": np.eye(6)}, {"b": 3}, r"`from_named\(ids=...\)` must give inputs \(a\)"),
        ({"a": np.eye(6)}, {"a": 0}, r"at least 1, got 'a': 0"),
        ({"output": np.eye(6)}, {}, r"name of an output of the task, got 'output'"),
    ],
)
def test_bad_settings_are_refused(x, ids, message) -> None:
    with pytest.raises(SettingError, match=message):
        from_named(x, [0, 1, 2] * 2, ids=ids)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": None}, "must have 'codes', got none"),
        ({"codes": [[7, 0]]}, "'codes' must hold ids from 0 to 6"),
        ({"codes": [[0.5, 0]]}, "'codes' must hold whole numbers"),
        ({"numbers": [[1.0, 2.0]]}, r"'numbers' must have the shape \(b, 3\), got \[1, 2\]"),
        ({"numbers": [[1, 2, np.nan]]}, r"row 0 \(counted .* holds nan in 'numbers' at \[2\]"),
        ({"numbers": [[1, 2, 10**400]]}, "'numbers' must hold numbers"),
        ({"numbers": np.ones((3, 3))}, "in each input, got 3 in 'numbers', 1 in 'codes'"),
        ({"age": 3.0}, r"'age' must have the shape \(b, 1\), got \[\]"),
    ],
)
def test_rows_that_cannot_be_encoded_are_named(change, message) -> None:
    rows = {key: values[:1] for key, values in GIVEN.items()} | change
    rows = {key: values for key, values in rows.items() if values is not None}
    with pytest.raises(DataError, match=message):
        make().encode(rows)


def test_rows_are_mappings_of_arrays_or_a_list_of_mappings() -> None:
    data = make()
    for none in ([], {key: values[:0] for key, values in GIVEN.items()}):
        encoded = data.encode(none)
        assert [list(x.shape) for x in encoded] == [[0, *spec.shape] for spec in data.raw]
    rows = [{key: values[row] for key, values in GIVEN.items()} for row in range(3)]
    for given in ((row for row in rows), pandas.DataFrame(rows)):
        assert all(map(torch.equal, data.encode(given), data.encode(rows)))
    for odd in (None, "abc", rows[0]["numbers"], pandas.Series(rows[0]), [1, 2]):
        with pytest.raises(DataError, match="rows must be a mapping from names to arrays"):
            data.encode(odd)

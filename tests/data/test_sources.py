from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from netwright.data import from_arrays, load
from netwright.errors import DataError, SettingError

X, Y = np.arange(60, dtype=np.float32).reshape(30, 2), np.arange(30) % 3


def test_pairs_datasets_and_files_give_the_same_data(tmp_path):
    np.savez(tmp_path / "toy.npz", x=X, y=Y)
    want = from_arrays(X, Y).digest
    dataset = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    for source in ((X, Y), dataset, tmp_path / "toy.npz", str(tmp_path / "toy.npz")):
        assert load(source).digest == want
    assert load((X, Y), seed=1).digest != want


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "fashoin14",
            "`load('fashoin14')`: there is no such file or folder, and it is not the name of an "
            "embedded set (fashion14, digits).",
        ),
        (X, "`load(...)` must get a name, a path, a pair (X, y) or a Dataset, got ndarray."),
        ((X,), "`load(...)` must get a name, a path, a pair (X, y) or a Dataset, got tuple."),
    ],
)
def test_what_is_no_source_is_said(source, message):
    with pytest.raises(DataError) as error:
        load(source)
    assert str(error.value) == message


def test_a_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(DataError, match=r"x\.doc is of no kind that is read"):
        load(tmp_path / "x.doc")


@pytest.mark.parametrize("setting", [{"label": "y"}, {"size": (4, 4)}])
def test_arguments_of_another_source_are_refused(setting):
    with pytest.raises(SettingError, match=rf"`load\({next(iter(setting))}=...\)` belongs to a"):
        load((X, Y), **setting)


def test_fractions_are_checked_even_where_the_parts_are_fixed():
    with pytest.raises(SettingError, match=r"`validation=\.\.\.` must be a fraction"):
        load("fashion14", validation=2.0)


@pytest.mark.parametrize("name", ["label", "group", "time", "series", "test", "channels", "kind"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_text_is_not_taken_for_none(name: str, empty: str, tmp_path) -> None:
    table = tmp_path / "two.csv"
    table.write_text("a,y\n" + "1,p\n2,q\n" * 20, encoding="utf-8")
    with pytest.raises(SettingError, match=rf"`load\({name}=\.\.\.\)` must"):
        load(table, **{name: empty})
    with pytest.raises(SettingError, match=r"`load\(source=\.\.\.\)` must not be empty"):
        load(empty)

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.data import Data, Part, from_arrays
from netwright.errors import DataError


def make(seed=0, **settings):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (60, 1, 6, 6)).astype(np.uint8)
    return from_arrays(x, np.arange(60) % 3, name="toy", **settings)


def receive(sent):
    return pickle.loads(sent)  # noqa: S301 - bytes that this test made


def test_repr_is_one_short_line():
    assert repr(make()) == ("Data(toy: 36 train, 12 validation, 12 test; 1x6x6 uint8; 3 classes)")
    assert repr(make().train) == "Part(36 rows, x (1, 6, 6) uint8)"


def test_save_and_open_give_the_same_data_back(tmp_path):
    data = make()
    data.save(tmp_path / "toy.safetensors")
    opened = Data.open(tmp_path / "toy.safetensors")
    for part in ("train", "validation", "test"):
        assert getattr(opened, part).x.equal(getattr(data, part).x)
        assert getattr(opened, part).y.equal(getattr(data, part).y)
    assert opened.mean.equal(data.mean) and opened.std.equal(data.std)
    for field in ("name", "shape", "classes", "class_names", "digest", "source"):
        assert getattr(opened, field) == getattr(data, field)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.safetensors"]


def test_an_opened_data_is_mapped_not_read(tmp_path):
    path = tmp_path / "toy.safetensors"
    make().save(path)
    opened = Data.open(path)
    before = opened.train.x[0, 0, 0, 0].item()
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(path) in maps.read_text()
    opened.train.x[0, 0, 0, 0] = (before + 1) % 256  # a private page, not the file
    assert Data.open(path).train.x[0, 0, 0, 0].item() == before


def test_an_opened_data_is_sent_as_its_path(tmp_path):
    data = make()
    data.save(tmp_path / "toy.safetensors")
    sent = pickle.dumps(Data.open(tmp_path / "toy.safetensors"))
    assert len(sent) < 500
    assert receive(sent).train.x.equal(data.train.x)
    assert receive(pickle.dumps(data)).test.x.equal(data.test.x)
    make(seed=1).save(tmp_path / "toy.safetensors")
    with pytest.raises(DataError, match=r"toy\.safetensors changed since it was opened"):
        receive(sent)


def test_without_test_holds_no_test_row_even_when_sent_and_saved(tmp_path):
    data = make()
    data.save(tmp_path / "whole.safetensors")
    for whole in (data, Data.open(tmp_path / "whole.safetensors")):
        held = whole.without_test()
        assert len(held.test) == 0 and held.digest == data.digest
        assert len(receive(pickle.dumps(held)).test) == 0
        held.save(tmp_path / "held.safetensors")
        assert len(Data.open(tmp_path / "held.safetensors").test) == 0
        assert held.test.x.untyped_storage().nbytes() == 0


def test_the_digest_is_of_the_content():
    assert make().digest == make().digest
    assert make().digest != make(seed=1).digest
    assert make(class_names=["a", "b", "c"]).digest != make().digest


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "toy.safetensors"
    with pytest.raises(DataError, match="no such file"):
        Data.open(path)
    make().save(path)
    whole = path.read_bytes()
    for content in (whole[:-10], whole[:100], b"", b"\xff" * 50):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"toy\.safetensors cannot be read as a data file"):
            Data.open(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(DataError, match="is not a data file of this version"):
        Data.open(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2).long(), "uint8 or float32"),
        (torch.zeros(2, 3), torch.zeros(2), "must be int64 of shape"),
        (torch.zeros(2, 3), torch.zeros(3).long(), "x has 2 rows and y has 3"),
        (torch.zeros(2, 3, 4), torch.zeros(2).long(), "must have shape"),
    ],
)
def test_a_part_checks_its_tensors(x, y, message):
    with pytest.raises(DataError, match=message):
        Part(x, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 1}, "at least 2 classes, got 1"),
        ({"class_names": ("a",)}, "has 3 classes, got 1 names"),
        ({"shape": (1, 5, 5)}, r"the train part of 'toy' must hold inputs of shape \(1, 5, 5\)"),
        ({"mean": torch.zeros(1)}, r"`Data\(mean=...\)` of 'toy' must be float32 of shape"),
        ({"std": torch.zeros(1, 1, 1)}, r"`Data\(std=...\)` of 'toy' must be above 0"),
        ({"mean": torch.full((1, 1, 1), torch.nan)}, "must be finite"),
        (
            {"test": Part(torch.zeros(1, 1, 6, 6), torch.zeros(1).long())},
            "the test part of 'toy' must be uint8 as the train part is, got float32",
        ),
        (
            {"test": Part(torch.zeros(1, 1, 6, 6).byte(), torch.tensor([3]))},
            r"the test part of 'toy' must have labels 0\.\.2, got 3\.\.3",
        ),
    ],
)
def test_data_checks_that_its_fields_fit(change, message):
    with pytest.raises(DataError, match=message):
        replace(make(), **change)

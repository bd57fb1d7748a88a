from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.data import ArrayData, ArrayPart, NamedData, from_arrays
from netwright.errors import DataError
from netwright.tasks import Classification
from netwright.testing.data import DATA_CHECKS
from netwright.testing.exports import DATA


def make(seed=0, **settings):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (60, 1, 6, 6)).astype(np.uint8)
    return from_arrays(x, np.arange(60) % 3, name="toy", **settings)


def receive(sent):
    return pickle.loads(sent)  # noqa: S301 - bytes that this test made


def test_repr_is_one_short_line():
    assert repr(make()) == ("Data(toy: 36 train, 12 validation, 12 test; 1x6x6 uint8; 3 classes)")
    assert repr(make().train) == "ArrayPart(36 rows, x (1, 6, 6) uint8)"


def test_save_and_open_give_the_same_data_back(tmp_path):
    data = make()
    data.save(tmp_path / "toy.safetensors")
    opened = ArrayData.open(tmp_path / "toy.safetensors")
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
    opened = ArrayData.open(path)
    before = opened.train.x[0, 0, 0, 0].item()
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(path) in maps.read_text(encoding="utf-8")
    opened.train.x[0, 0, 0, 0] = (before + 1) % 256  # a private page, not the file
    assert ArrayData.open(path).train.x[0, 0, 0, 0].item() == before


def test_an_opened_data_is_sent_as_its_path(tmp_path):
    data = make()
    data.save(tmp_path / "toy.safetensors")
    sent = pickle.dumps(ArrayData.open(tmp_path / "toy.safetensors"))
    assert len(sent) < 500
    assert receive(sent).train.x.equal(data.train.x)
    assert receive(pickle.dumps(data)).test.x.equal(data.test.x)
    make(seed=1).save(tmp_path / "toy.safetensors")
    with pytest.raises(DataError, match=r"toy\.safetensors changed since it was opened"):
        receive(sent)


def test_without_test_holds_no_test_row_even_when_sent_and_saved(tmp_path):
    data = make()
    data.save(tmp_path / "whole.safetensors")
    for whole in (data, ArrayData.open(tmp_path / "whole.safetensors")):
        held = whole.without_test()
        assert len(held.test) == 0 and held.digest == data.digest
        assert len(receive(pickle.dumps(held)).test) == 0
        held.save(tmp_path / "held.safetensors")
        assert len(ArrayData.open(tmp_path / "held.safetensors").test) == 0
        assert held.test.x.untyped_storage().nbytes() == 0


def test_parts_are_views_of_one_array():
    data = make()
    storage = data.train.x.untyped_storage().data_ptr()
    both = data.with_validation_in_train()
    assert both.train.x.untyped_storage().data_ptr() == storage
    assert data.validation.x.untyped_storage().data_ptr() == storage
    assert both.train.x.equal(torch.cat([data.train.x, data.validation.x]))
    assert both.train.y.equal(torch.cat([data.train.y, data.validation.y]))
    assert len(both.validation) == 0 and both.test.x.equal(data.test.x)


def test_parts_that_do_not_follow_each_other_are_copied_together():
    data = make()
    moved = replace(data, validation=data.test, test=data.validation)
    both = moved.with_validation_in_train()
    assert both.train.x.equal(torch.cat([data.train.x, data.test.x]))


def test_every_exported_kind_of_data_is_checked():
    assert (ArrayData, NamedData) == DATA  # the latter in test_named.py


@pytest.mark.parametrize("check", DATA_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check, tmp_path):
    data = make()
    rows = np.zeros((4, 1, 6, 6), np.uint8)
    check(make, rows)
    data.save(tmp_path / "toy.safetensors")
    check(lambda: ArrayData.open(tmp_path / "toy.safetensors"), rows)


def test_rows_are_encoded_as_the_data_were():
    data = make()
    (x,) = data.encode(np.full((2, 6, 6), 7, np.uint8))
    assert x.shape == (2, 1, 6, 6) and x.dtype == torch.uint8 and bool((x == 7).all())
    for rows, message in (
        (np.zeros((2, 5, 5), np.uint8), r"the shape \(b, 1, 6, 6\), got \[2, 5, 5\]"),
        (np.full((2, 6, 6), 0.5), r"must be whole numbers that torch\.uint8 holds"),
        ("abc", r"must be numbers of the shape \(b, 1, 6, 6\)"),
    ):
        with pytest.raises(DataError, match=message):
            data.encode(rows)
    assert data.encode([])[0].shape == (0, 1, 6, 6)
    colours = from_arrays(np.zeros((60, 3, 6, 5)), np.arange(60) % 3)
    last = np.random.default_rng(0).random((2, 6, 5, 3))[:, ::-1]
    assert torch.equal(
        colours.encode(last)[0], torch.tensor(last.copy()).permute(0, 3, 1, 2).float()
    )
    last[1, 0, 4, 2] = np.inf
    with pytest.raises(DataError, match=r"row 1 \(counted from 0\) holds inf at \[2, 0, 4\]"):
        colours.encode(last)


def test_the_digest_is_of_the_content():
    assert make().digest == make().digest
    assert make().digest != make(seed=1).digest
    assert make(class_names=["a", "b", "c"]).digest != make().digest


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "toy.safetensors"
    with pytest.raises(DataError, match="no such file"):
        ArrayData.open(path)
    make().save(path)
    whole = path.read_bytes()
    for content in (whole[:-10], whole[:100], b"", b"\xff" * 50):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"toy\.safetensors cannot be read as a data file"):
            ArrayData.open(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(DataError, match="is not a data file of this version"):
        ArrayData.open(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2).long(), "uint8 or float32"),
        (torch.zeros(2, 3), torch.zeros(2).double(), "must be int64 or float32 of shape"),
        (torch.zeros(2, 3), torch.zeros(3).long(), "x has 2 rows and y has 3"),
        (torch.zeros(2, 3, 4), torch.zeros(2).long(), "must have shape"),
    ],
)
def test_a_part_checks_its_tensors(x, y, message):
    with pytest.raises(DataError, match=message):
        ArrayPart(x, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": None}, r"`ArrayData\(task=...\)` must be a Task, got None"),
        ({"task": Classification(("a", "b"))}, r"must have labels 0\.\.1, got 0\.\.2"),
        (
            {"test": ArrayPart(torch.zeros(1, 1, 6, 6).byte(), torch.zeros(1))},
            r"must have labels of int64 and shape \(n,\), got torch.float32",
        ),
        ({"shape": (1, 5, 5)}, r"the train part of 'toy' must hold inputs of shape \(1, 5, 5\)"),
        ({"mean": torch.zeros(1)}, r"`ArrayData\(mean=...\)` of 'toy' must be float32 of shape"),
        ({"std": torch.zeros(1, 1, 1)}, r"`ArrayData\(std=...\)` of 'toy' must be above 0"),
        ({"mean": torch.full((1, 1, 1), torch.nan)}, "must be finite"),
        (
            {"test": ArrayPart(torch.zeros(1, 1, 6, 6), torch.zeros(1).long())},
            "the test part of 'toy' must be uint8 as the train part is, got float32",
        ),
        (
            {"test": ArrayPart(torch.zeros(1, 1, 6, 6).byte(), torch.tensor([3]))},
            r"the test part of 'toy' must have labels 0\.\.2, got 3\.\.3",
        ),
    ],
)
def test_data_checks_that_its_fields_fit(change, message):
    with pytest.raises(DataError, match=message):
        replace(make(), **change)

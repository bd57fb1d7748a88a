from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

from netwright.data import embedded, load
from netwright.data.npz import read_npz
from netwright.errors import DataError

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_fashion14.py"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def test_fashion14_has_its_sizes_and_balanced_classes():
    data = load("fashion14")
    assert repr(data) == (
        "Data(fashion14: 10,000 train, 5,000 validation, 10,000 test; 1x14x14 uint8; 10 classes)"
    )
    for part, count in ((data.train, 1000), (data.validation, 500), (data.test, 1000)):
        assert part.y.bincount().tolist() == [count] * 10


def test_the_shipped_file_has_its_sum_and_its_notice():
    content = embedded.FASHION14_PATH.read_bytes()
    assert hashlib.sha256(content).hexdigest() == embedded.FASHION14_SHA256
    assert len(content) < 3.4e6
    notice = embedded.FASHION14_PATH.with_suffix(".LICENSE").read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice and "Permission is hereby granted" in notice


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "FASHION14_PATH", tmp_path / "fashion14.npz")
    (tmp_path / "fashion14.npz").write_bytes(b"x")
    with pytest.raises(DataError, match=r"fashion14\.npz is damaged .*: reinstall netwright"):
        load("fashion14")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_script_makes_the_same_arrays_and_the_same_bytes_twice(tmp_path):
    script = runpy.run_path(str(SCRIPT))
    arrays = script["make_arrays"](DEBIAN)
    for name, shipped in read_npz(embedded.FASHION14_PATH).items():
        assert np.array_equal(shipped, arrays[name])
    small = {name: array[:100] for name, array in arrays.items()}
    for out in ("a.npz", "b.npz"):
        script["write_npz"](small, tmp_path / out)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_digits_are_split_by_the_seed():
    data = load("digits", seed=1)
    assert data.shape == (1, 8, 8) and data.classes == 10
    assert len(data.train) + len(data.validation) + len(data.test) == 1797
    assert int(data.train.x.max()) == 16
    assert load("digits", seed=1).digest == data.digest != load("digits", seed=2).digest

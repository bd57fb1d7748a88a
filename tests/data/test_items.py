"""Torch data sets of every kind: what cannot be read is refused by its row, with the remedy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset

from netwright.data import items, load
from netwright.errors import DataError


class Yields(IterableDataset):
    """Yields what a function gives for 0, 1, ... until that raises StopIteration."""

    def __init__(self, give) -> None:
        self.give = give

    def __iter__(self):
        for row in itertools.count():
            item = self.give(row)
            if item is None:
                return
            yield item


class Says(Yields):
    def __init__(self, give, count: Any) -> None:
        super().__init__(give)
        self.count = count

    def __len__(self) -> int:
        return self.count


class Indexed(Dataset):
    def __init__(self, give, count: Any = 30) -> None:
        self.give, self.count = give, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int):
        return self.give(row)


class WithoutLength(Dataset):
    def __getitem__(self, row: int):
        return pair(row)


def pair(row: int):
    return torch.full((3,), float(row)), row % 3


def upto(count: int, give=pair):
    return lambda row: give(row) if row < count else None


def fails(row: int):
    if row == 7:
        raise OSError("the disk is gone")
    return pair(row)


def test_an_endless_one_is_bounded_by_rows(monkeypatch) -> None:
    monkeypatch.setattr(items, "_MOST_ROWS", 50)
    with pytest.raises(DataError, match=r"yields more than 50 rows, .*`__len__`.*islice"):
        load(Yields(pair))
    assert len(load(Yields(upto(50))).train) == 30


def test_an_endless_one_is_bounded_by_bytes(monkeypatch) -> None:
    monkeypatch.setattr(items, "_MOST_BYTES", 2**20)
    with pytest.raises(DataError, match=r"yields more than 0.00097\d+ GiB, .*islice"):
        load(Yields(lambda row: (torch.zeros(1024), row % 3)))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Yields(fails), r"row 7 \(counted from 0\) cannot be read: OSError: the disk is gone\."),
        (Indexed(fails), r"row 7 \(counted from 0\) cannot be read: OSError: the disk is gone\."),
        (Says(upto(20), 10), r"yields more rows than its `__len__` says, 10"),
        (Indexed([pair(row) for row in range(20)].__getitem__), r"row 20 .*`__len__` says 30"),
        (Indexed(pair, "many"), "its `__len__` fails: TypeError"),
        (Indexed(pair, -1), "its `__len__` fails: ValueError"),
        (WithoutLength(), "must have a `__len__`"),
        (Indexed(pair, 0), "is empty"),
        (Yields(lambda row: None), "is empty"),
        (Indexed(lambda row: {"image": 1, "label": 2}), r"row 0 .* a dict with 'image', 'label'"),
        (Indexed(lambda row: None), r"row 0 .* must be a pair \(x, y\), got NoneType"),
        (Indexed(lambda row: (1, 2, 3)), r"row 0 .* must be a pair \(x, y\), got tuple of 3"),
        (Indexed(lambda row: (None, 1)), "row 0 .* must have numbers as x, got NoneType"),
        (Indexed(lambda row: ("a.png", 1)), "texts: y must have at least 2 classes"),
        (Indexed(lambda row: (torch.zeros(3), None)), r"row 0 \(counted from 0\) has no label"),
        (DataLoader(Indexed(pair)), r"got a DataLoader; write `load\(loader.dataset\)`"),
        ((pair(row) for row in range(30)), "cannot begin a generator again"),
    ],
)
def test_what_cannot_be_read_is_named(source: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        load(source)


def test_pictures_and_labels_of_any_kind() -> None:
    def picture(row: int):
        pixels = np.full((4, 4, 3), 80 * (row % 3), np.uint8)
        made = Image.fromarray(pixels)
        return (made.convert("P") if row % 2 else made), torch.tensor([row % 3])

    plain = load(Indexed(lambda row: (np.full((4, 4, 3), 80 * (row % 3), np.uint8), row % 3)))
    assert load(Indexed(picture)).train.x.shape == plain.train.x.shape
    assert set(load(Indexed(picture)).train.x.unique().tolist()) <= {0, 80, 160} | set(range(256))
    assert load(Indexed(picture)).class_names == plain.class_names == ("0", "1", "2")


def test_an_iterable_that_says_its_length_is_read_whole() -> None:
    assert len(load(Says(upto(30), 30)).train) == 18

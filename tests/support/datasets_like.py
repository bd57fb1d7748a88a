"""Stand-ins for `datasets` of Hugging Face: what netwright asks of its objects, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Value:
    """A column of numbers, texts or dates."""


class List:
    """A column of lists."""


class Audio:
    """A column of recordings."""


class ClassLabel:
    """A column of the numbers of classes; -1 is none."""

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Dataset:
    """Columns of one length, with a feature for each."""

    def __init__(self, columns: Mapping[str, list[Any]], features: Mapping[str, Any]) -> None:
        self.columns, self.features = dict(columns), dict(features)

    def with_format(self, kind: None) -> Dataset:
        """The same: values are Python's in any case."""
        return self

    def __getitem__(self, column: str) -> list[Any]:
        return self.columns[column]

    def select(self, rows: range) -> Dataset:
        """Some rows."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Dataset(columns, self.features)


class DatasetDict(dict[str, Dataset]):
    """Splits by name."""


for kind in (Dataset, DatasetDict):
    kind.__module__ = "datasets.stand_in"

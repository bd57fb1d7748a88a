"""Data of a table: numbers with gaps, and codes of categories, of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.data.base import Inputs, Part
from netwright.data.columns import Category, Column
from netwright.data.encodings import Columns
from netwright.data.in_memory import MemoryData
from netwright.data.named import NamedPart
from netwright.data.shown import shown_row
from netwright.data.worded import Words
from netwright.network.normalised import Encoder
from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.tasks import Task

NUMBERS, CATEGORIES = "numbers", "categories"


class Numbers(nn.Module):
    """Numbers on one scale, a gap as 0, and 1 or 0 for each column that may have one.

    The scale is that of the middle half of the train part, and far values are drawn near smoothly,
    to 3 at most: Holzmueller et al., "Better by Default", arXiv 2407.04491, section 3.
    """

    center: Tensor
    scale: Tensor
    gaps: Tensor

    def __init__(self, center: Tensor, scale: Tensor, gaps: Tensor) -> None:
        super().__init__()
        self.register_buffer("center", center.detach().clone().float())
        self.register_buffer("scale", scale.detach().clone().float())
        self.register_buffer("gaps", gaps.detach().clone().long())

    def forward(self, numbers: Tensor) -> Tensor:
        """(b, n) with NaN for gaps to (b, n + gaps)."""
        numbers = numbers.float()
        gone = torch.isnan(numbers)
        near = (torch.where(gone, self.center, numbers) - self.center) * self.scale
        drawn = near / torch.sqrt(1 + (near / 3) ** 2)
        return torch.cat([drawn, gone[:, self.gaps].float()], 1)


class Levels(nn.Module):
    """Codes of categories as 1 or 0 for each level of each; a code of no level is all 0."""

    column: Tensor
    level: Tensor

    def __init__(self, column: Tensor, level: Tensor) -> None:
        super().__init__()
        self.register_buffer("column", column.detach().clone().long())
        self.register_buffer("level", level.detach().clone().long())

    def forward(self, categories: Tensor) -> Tensor:
        """(b, k) to (b, levels of all)."""
        return (categories.long()[:, self.column] == self.level).float()


class Row(nn.Module):
    """Numbers and categories as one row of features, side by side."""

    def __init__(self, of_numbers: nn.Module, of_categories: nn.Module) -> None:
        super().__init__()
        self.of_numbers = of_numbers
        self.of_categories = of_categories

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """(b, n) and (b, k) to (b, features)."""
        return torch.cat([self.of_numbers(numbers), self.of_categories(categories)], 1)


@dataclass(frozen=True, eq=False, repr=False)
class TableData(MemoryData):
    """A table in memory, as `load` reads it: columns, task, three parts, and scales of numbers.

    Raw are `numbers` (n,) of float32, NaN where one is missing, and `categories` (k,) of int64,
    codes from 0; a table that has numbers alone has them under no name. A network takes one row of
    features: numbers on one scale, 1 or 0 for gaps, and 1 or 0 for each level of each category.
    `center` and `scale` (n,) are of the train part. `label` is the column that is predicted.
    """

    name: str
    columns: Columns
    task: Task
    train: NamedPart
    validation: NamedPart
    test: NamedPart
    center: Tensor
    scale: Tensor
    digest: str
    source: str
    remarks: tuple[str, ...] = ()
    label: str | None = None
    reshuffles: bool = False
    groups: Tensor | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, with the label column."""
        known = {} if self.label is None else {"label": self.label}
        return {**super().settings, **known}

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """`numbers` and `categories`, those of them that there are."""
        count, categories = len(self.center), self.columns.categories
        numbers = TensorSpec(NUMBERS if categories else UNNAMED, (count or 1,))
        most = max((len(each.levels) for each in categories), default=0) + 1
        codes = TensorSpec(CATEGORIES, (len(categories) or 1,), "int64", most)
        return (*((numbers,) if count else ()), *((codes,) if categories else ()))

    @property
    def normalise(self) -> nn.Module:
        """What makes one row of features (b, f) of the raw tensors."""
        numbers = Numbers(self.center, self.scale, torch.tensor(self._gaps, dtype=torch.int64))
        levels = [
            (place, code)
            for place, category in enumerate(self.columns.categories)
            for code in range(1, len(category.levels) + 1)
        ]
        places = torch.tensor(levels, dtype=torch.int64).reshape(-1, 2)
        codes = Levels(places[:, 0], places[:, 1])
        if not levels:
            return numbers
        return Row(numbers, codes) if len(self.center) else codes

    @property
    def _gaps(self) -> list[int]:
        """Which of the numbers are told from their gaps; of a date its first."""
        found, place = [], 0
        for column in self.columns.numbers:
            if column.gaps:
                found.append(place)
            place += len(column.features)
        return found

    @property
    def features(self) -> int:
        """How many features a network takes."""
        levels = sum(len(category.levels) for category in self.columns.categories)
        return len(self.center) + len(self._gaps) + levels

    @property
    def signature(self) -> Signature:
        """One row of features, and what the task wants."""
        return Signature((TensorSpec(UNNAMED, (self.features,)),), self.task.outputs)

    def encode(self, rows: Any) -> Inputs:
        """A DataFrame, a mapping of columns, or a list of mappings, with all columns but the label.

        Raises:
            DataError: A column is missing, or a value cannot be encoded.
        """
        return self.columns.encode(rows)

    def readable(self, part: Part, rows: Sequence[int]) -> list[Any]:
        """The values of the columns, by name."""
        inputs, _ = part.batch(torch.tensor(rows, dtype=torch.int64))
        numbers = inputs[0].double().tolist() if len(self.center) else [[]] * len(rows)
        codes = inputs[-1].tolist() if self.columns.categories else [[]] * len(rows)
        return [shown_row(self.columns, *pair) for pair in zip(numbers, codes, strict=True)]

    @property
    def encoding(self) -> dict[str, Any]:
        """The columns, each with its levels or how its numbers are written."""
        return self.columns.to_json()

    @property
    def encoder(self) -> Encoder:
        """What exported networks get of `encode`: all of it."""
        return self.columns.encoder

    @property
    def usual_space(self) -> str:
        """Numbers first, which may be embedded; the weights of words after them are not."""
        of_words = sum(len(c.words) for c in self.columns.numbers if isinstance(c, Words))
        return f"tabular(numbers={len(self.center) - of_words})"

    def __repr__(self) -> str:
        of_words = sum(isinstance(column, Words) for column in self.columns.numbers)
        kinds = f"{len(self.columns.numbers) - of_words} columns of numbers"
        kinds += f", {of_words} of texts" if of_words else ""
        if self.columns.categories:
            kinds += f", {len(self.columns.categories)} of categories"
        return self.shown(kinds)


def encoded(
    columns: tuple[Column, ...], values: Mapping[str, NDArray[Any]], rows: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All rows as numbers (rows, n) and codes (rows, k)."""
    numbers = [c.encode(values[c.name]) for c in columns if not isinstance(c, Category)]
    codes = [c.encode(values[c.name])[:, None] for c in columns if isinstance(c, Category)]
    return (
        np.concatenate([np.zeros((rows, 0), np.float32), *numbers], 1),
        np.concatenate([np.zeros((rows, 0), np.int64), *codes], 1),
    )


def measure_scales(numbers: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """The center (n,) and the scale (n,) of numbers (rows, n), of their values that are there.

    The scale is one over the distance of the quartiles; where that is 0, two over the whole range,
    and 1 where the values are all one.
    """
    center, scale = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
    for place, column in enumerate(numbers.T.astype(np.float64)):
        some = column[~np.isnan(column)]
        if not len(some):
            continue
        least, low, center[place], high, most = np.quantile(some, [0, 0.25, 0.5, 0.75, 1])
        if high > low:
            scale[place] = 1 / (high - low)
        elif most > least:
            scale[place] = 2 / (most - least)
    return torch.from_numpy(center).float(), torch.from_numpy(scale).float()

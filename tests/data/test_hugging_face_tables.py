"""Data sets of Hugging Face with plain columns are tables, whose splits are parts.

The rows come as stand-ins where `datasets` is not installed, and else as its own objects too.
"""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from netwright.data import load
from netwright.data.table_data import TableData
from netwright.data.text_data import TextData
from netwright.errors import DataError, SettingError
from support import datasets_like

NAMES = ["setosa", "virginica"]


def columns(rows: int = 60) -> dict[str, list[Any]]:
    return {
        "length": [row / 7 for row in range(rows)],
        "colour": [("red", "blue", None)[row % 3] for row in range(rows)],
        "seen": [datetime.datetime(2024, 1 + row % 12, 3) for row in range(rows)],
        "kind": [row % 2 for row in range(rows)],
        "place": [(0, 1, -1)[row % 3] for row in range(rows)],
        "marks": [[1.0, 2.0]] * rows,
    }


def stand_in(cells: dict[str, list[Any]], **features: Any) -> Any:
    kinds = {name: features.get(name, datasets_like.Value()) for name in cells}
    return datasets_like.Dataset(cells, kinds)


@pytest.fixture(params=["stand-in", "datasets"])
def rows(request) -> Any:
    if request.param == "stand-in":
        names, places = datasets_like.ClassLabel(NAMES), datasets_like.ClassLabel(["a", "b"])
        return stand_in(columns(), kind=names, place=places, marks=datasets_like.List())
    datasets = pytest.importorskip("datasets")
    kinds = {
        "length": datasets.Value("float64"),
        "colour": datasets.Value("string"),
        "seen": datasets.Value("timestamp[s]"),
        "kind": datasets.ClassLabel(names=NAMES),
        "place": datasets.ClassLabel(names=["a", "b"]),
        "marks": datasets.List(datasets.Value("float64")),
    }
    return datasets.Dataset.from_dict(columns(), features=datasets.Features(kinds))


def splits(rows: Any, **parts: Any) -> Any:
    made = {name: rows.select(some) for name, some in parts.items()}
    if isinstance(rows, datasets_like.Dataset):
        return datasets_like.DatasetDict(made)
    return pytest.importorskip("datasets").DatasetDict(made)


def test_plain_columns_are_a_table_with_names_of_classes(rows: Any) -> None:
    data = load(rows, label="kind")
    assert isinstance(data, TableData) and data.task.names == ("setosa", "virginica")
    kinds = {column.name: type(column).__name__ for column in data.columns.columns}
    assert kinds == {"length": "Number", "colour": "Category", "seen": "Day", "place": "Category"}
    place = data.columns.columns[-1].to_json()
    assert place["levels"] == ["", "a", "b"]  # -1 is none
    assert data.remarks[0] == "columns of lists are left out: marks"
    assert [len(part) for part in (data.train, data.validation, data.test)] == [36, 12, 12]
    row = {"length": 1.5, "colour": "red", "seen": datetime.date(2024, 1, 3), "place": "b"}
    assert [x.shape[1] for x in data.encode([row])] == [4, 2]


def test_the_only_column_of_classes_is_the_label(rows: Any) -> None:
    one = {name: cells for name, cells in columns().items() if name in ("kind", "length")}
    assert load(stand_in(one, kind=datasets_like.ClassLabel(NAMES))).label == "kind"
    assert load(stand_in({**one, "y": one["length"]})).label == "y"


def test_splits_are_parts_and_what_lacks_is_drawn(rows: Any) -> None:
    parts = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
    data = load(splits(rows, **parts), label="kind")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [40, 10, 10]
    assert not data.reshuffles
    lengths = data.test.x[0][:, 0] + data.columns.columns[0].offset
    assert lengths.tolist() == pytest.approx([row / 7 for row in range(50, 60)])
    two = load(splits(rows, train=range(40), test=range(40, 60)), label="kind")
    assert [len(part) for part in (two.train, two.validation, two.test)] == [32, 8, 20]
    assert two.reshuffles
    later = load(splits(rows, train=range(40), test=range(40, 60)), label="kind", time="length")
    assert [len(part) for part in (later.train, later.validation, later.test)] == [32, 8, 20]


def test_columns_of_tables_divide_the_rows(rows: Any) -> None:
    data = load(rows, label="kind", time="length")
    assert data.test.x[0][:, 0].min() > data.validation.x[0][:, 0].max()
    grouped = load(rows, label="kind", group="seen")
    assert len(set(grouped.groups.tolist())) < 12


def test_texts_and_classes_are_learned_from_as_texts() -> None:
    cells = {
        "text": [f"number {row} is {'good' if row % 2 else 'bad'} to read" for row in range(60)],
        "label": [row % 2 for row in range(60)],
    }
    data = load(stand_in(cells, label=datasets_like.ClassLabel(["bad", "good"])))
    assert isinstance(data, TextData) and data.task.names == ("bad", "good")


def test_what_is_no_table_is_refused_in_one_sentence() -> None:
    cells = columns()
    names = datasets_like.ClassLabel(NAMES)
    heard = stand_in(cells, kind=names, marks=datasets_like.Audio())
    with pytest.raises(DataError, match="Column 'marks' holds recordings, which are not read"):
        load(heard, label="kind")
    listed = stand_in(cells, kind=names, marks=datasets_like.List())
    with pytest.raises(DataError, match="Column 'marks' must hold one value a row"):
        load(listed, label="marks")
    with pytest.raises(DataError, match=r"has no column 'kinds' for `label=...`"):
        load(listed, label="kinds")
    with pytest.raises(SettingError, match=r"`load\(size=...\)` belongs to a folder or a table of"):
        load(listed, label="kind", size=8)
    with pytest.raises(SettingError, match=r"`load\(series=...\)` belongs to a long table"):
        load(listed, label="kind", series="place")
    other = stand_in({"kind": [0, 1], "length": [1.0, 2.0]}, kind=names)
    with pytest.raises(DataError, match="The test part has no column 'colour'"):
        load(datasets_like.DatasetDict(train=listed, test=other), label="kind")

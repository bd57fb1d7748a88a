"""Data sets of Hugging Face: pictures, names of classes, splits as parts."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data import load
from netwright.errors import DataError

Image = pytest.importorskip("PIL.Image")
datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "id": datasets.Value("string"),
        }
    )
    pictures = [Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)) for _ in range(60)]
    columns = {"image": pictures, "label": [row % 2 for row in range(60)], "id": ["x"] * 60}
    return datasets.Dataset.from_dict(columns, features=features), pictures


def test_names_of_classes_are_kept_and_columns_are_said(rows):
    data = load(rows[0])
    assert data.task.names == ("cat", "dog") and data.shape == (3, 8, 8)
    assert data.remarks[:2] == (
        "column 'image' holds the pictures and 'label' what is predicted",
        "other columns are left out: id",
    )


def test_splits_are_parts(rows):
    whole, pictures = rows
    split = datasets.DatasetDict(
        train=whole.select(range(40)),
        validation=whole.select(range(40, 50)),
        test=whole.select(range(50, 60)),
    )
    data = load(split)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [40, 10, 10]
    assert (data.test.x[3].permute(1, 2, 0).numpy() == np.asarray(pictures[53])).all()


def test_what_has_no_pictures_or_other_splits_is_refused(rows):
    with pytest.raises(DataError, match="no column that can be learned from"):
        load(rows[0].remove_columns("image"))
    with pytest.raises(DataError, match="must have splits called train"):
        load(datasets.DatasetDict(mine=rows[0]))

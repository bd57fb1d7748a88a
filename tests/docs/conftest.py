"""The folder of a reader: what the pages call theirs is there."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

import netwright
from netwright.data import from_arrays, load
from netwright.data.dataset import ArrayData
from netwright.spaces import nasbench201
from netwright.spaces.nasbench201 import to_string

MINE = """
from torch import nn


def network(choose, inputs, outputs):
    filters = choose.width("filters", 4, 8, step=4)
    conv = nn.Conv2d(inputs[0], filters, choose.value("kernel", [3, 5]))
    return nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(filters, outputs))
"""


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos, tables and a space, which is where the test is; it can be imported
    from. fashion14 has its first 600 examples there.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(netwright.data, "load", small)
    rng = np.random.default_rng(0)
    for number in range(20):
        kind = ("cats", "dogs")[number % 2]
        (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, size=(36, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / kind / f"{number}.png")
    flowers = pandas.DataFrame(rng.normal(size=(60, 3)), columns=["petal", "sepal", "stem"])
    flowers["species"] = np.where(flowers["petal"] > 0, "rose", "tulip")
    flowers.to_csv("flowers.csv", index=False)
    texts = [f"what a {word} film" for word in ("good", "bad", "fine", "dull")] * 30
    pandas.DataFrame({"text": texts, "tone": ["up", "down"] * 60}).to_csv(
        "reviews.csv", index=False
    )
    flowers[::3].to_csv("new-flowers.csv", index=False)
    pandas.concat([flowers, flowers.assign(stem=1.5)]).to_csv("more-flowers.csv", index=False)
    Path("mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path


def small(source, **given) -> ArrayData:
    """What `load` gives, of fashion14 some examples."""
    if source != "fashion14":
        return load(source, **given)
    data = load("fashion14")
    return from_arrays(data.train.x[:600], data.train.y[:600])


@pytest.fixture
def published(reader: Path) -> None:
    """A table of the 15,625 cells in the form of a published one, with made-up scores."""
    space = nasbench201()
    members = list(space.enumerate())
    rows = space.encode(members)
    scores = rows @ np.random.default_rng(0).standard_normal(rows.shape[1])
    scores = 94.37 * (scores - scores.min()) / (scores.max() - scores.min())
    names = ("c10_val_12", "c10_val_200", "c10_test_200", "c100_test_200")
    columns = {"arch_str": [to_string(each) for each in members]}
    columns |= dict.fromkeys(names, scores) | {"seconds_12": np.full(len(members), 150.0)}
    pandas.DataFrame(columns).to_parquet(reader / "nb201.parquet")

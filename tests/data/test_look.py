"""A look at data is plain values, true to the table that they were read from."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

import netwright as nw

RNG = np.random.default_rng(0)


def test_a_table_is_told_by_its_columns(tmp_path: Path) -> None:
    table = pandas.DataFrame(
        {
            "id_of_money": RNG.integers(10**9, 10**9 + 9, 90),  # float32 holds them less an offset
            "when": pandas.date_range("2020-02-27", periods=90).strftime("%d.%m.%Y"),
            "word": ["red"] * 50 + ["blue"] * 30 + [None] * 9 + ["rare"],
            "size": [None, None, *range(88)],
            "price": RNG.normal(100, 5, 90),
        }
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    told = nw.data.look(nw.data.load(tmp_path / "a.csv"))
    assert json.loads(json.dumps(told)) == told
    assert told["rows"] == sum(told["parts"].values()) == 90
    assert told["label"] == "price"
    money, when, word, size = told["columns"]
    assert (money["least"], money["most"]) == (10**9, 10**9 + 8)
    assert (when["kind"], when["least"], when["most"]) == ("date", "2020-02-27", "2020-05-26")
    assert word == {
        "name": "word", "kind": "category", "gaps": 9, "levels": [["red", 50], ["blue", 30]],
        "other": 1,
    }  # fmt: skip
    assert (size["gaps"], size["least"], size["most"], size["mean"]) == (2, 0.0, 87.0, 43.5)
    assert sum(size["histogram"]) == 88
    (price,) = told["numbers"]
    assert price["name"] == "price"
    assert price["mean"] == pytest.approx(table["price"].mean(), rel=1e-6)


def test_pictures_and_their_classes() -> None:
    x = RNG.integers(0, 256, (60, 3, 6, 5)).astype(np.uint8)
    told = nw.data.look(nw.data.load((x, np.repeat(["a", "b", "c"], [30, 20, 10]))))
    assert told["pictures"]["shape"] == [3, 6, 5]
    assert told["pictures"]["mean"] == pytest.approx([128, 128, 128], abs=12)
    assert [(each["name"], each["rows"]) for each in told["counts"]] == [
        ("a", 30), ("b", 20), ("c", 10),
    ]  # fmt: skip
    assert told["counts"][2]["share"] == pytest.approx(1 / 6)


def test_several_labels_and_several_numbers() -> None:
    x = RNG.normal(size=(50, 2))
    y = (RNG.uniform(size=(50, 2)) < [0.7, 0.2]).astype(int)
    labels = nw.data.look(nw.data.load((x, y), task=nw.MultiLabel(("p", "q"))))["counts"]
    assert [each["rows"] for each in labels] == y.sum(0).tolist()
    told = nw.data.look(nw.data.load((x, x * 2), task=nw.Regression(("up", "down"))))
    assert [each["name"] for each in told["numbers"]] == ["up", "down"]
    assert [each["kind"] for each in told["columns"]] == ["number", "number"]
    assert told["numbers"][0]["most"] == pytest.approx(2 * x[:, 0].max(), rel=1e-6)


def test_what_files_of_pictures_had_is_told(tmp_path: Path) -> None:
    pil = pytest.importorskip("PIL.Image")
    for label in "ab":
        (tmp_path / "p" / label).mkdir(parents=True)
        for row in range(10):
            mode = "RGB" if row % 2 else "L"
            pil.new(mode, (4 + row, 8), row).save(tmp_path / "p" / label / f"{row}.png")
    data = nw.data.load(tmp_path / "p", size=6)
    told = nw.data.look(data)["pictures"]["files"]
    assert told == {
        "height": [8, 8], "width": [4, 13], "sizes": 10, "modes": {"L": 10, "RGB": 10},
    }  # fmt: skip
    data.save(tmp_path / "saved")
    assert nw.data.look(nw.data.ArrayData.open(tmp_path / "saved"))["pictures"]["files"] == told


def test_a_row_of_each_class_is_told_as_a_curve() -> None:
    rows = [np.full(100, row % 2 + 0.5) for row in range(20)] + [np.array([np.nan, 3.0])] * 5
    data = nw.data.load((rows, ["ab"[row % 2] for row in range(20)] + ["c"] * 5), kind="series")
    told = nw.data.look(data)["curves"]
    assert told[:2] == [
        {"name": "a", "values": [0.5] * 40}, {"name": "b", "values": [1.5] * 40},
    ]  # fmt: skip
    assert told[2] == {"name": "c", "values": [None, 3.0]}
    waves = [np.repeat([0.0, 0.25 + row % 2 / 2], 200) for row in range(20)]
    data = nw.data.load((waves, np.arange(20) % 2), kind="sound", rate=8000)
    quiet, loud = nw.data.look(data)["curves"]
    assert quiet["values"][:20] == [0.0] * 20
    assert quiet["values"][20:] == pytest.approx([0.25] * 20, abs=1e-3)
    assert loud["values"][20:] == pytest.approx([0.75] * 20, abs=1e-3)

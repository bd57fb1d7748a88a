"""What an exported folder answers to files, by any of its forms, without its run."""

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image

import netwright as nw
from netwright.errors import DataError, SettingError
from netwright.reuse import open_exported, predict
from netwright.reuse.exported import FORMS
from untrained import exported

RNG = np.random.default_rng(0)
TABLE = pandas.DataFrame(
    {"age": RNG.integers(1, 99, 80), "word": RNG.choice(["red", "blue"], 80),
     "kind": RNG.choice(["long", "wide"], 80)}
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    TABLE.to_csv(home / "kinds.csv", index=False)
    return exported(nw.data.load(home / "kinds.csv"), home / "best")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("form", FORMS)
def test_each_form_alone_answers_as_model_py_does(form: str, folder: Path, home: Path) -> None:
    alone = home / f"alone-{form}"
    alone.mkdir()
    for file in ("card.json", form, *(["model.safetensors"] if form == "model.py" else [])):
        shutil.copy(folder / file, alone)
    network = open_exported(alone)
    assert network.form == form
    found = predict(network, home / "kinds.csv")
    source = open_exported(folder).module
    rows = TABLE.drop(columns="kind").to_dict("records")
    assert found.columns == ("kind", "p_long", "p_wide")
    assert [row[0] for row in found.rows] == source.predict(rows)
    shares = np.array([row[1:] for row in found.rows], float)
    assert shares == pytest.approx(source.predict_proba(rows).numpy(), abs=1e-5)
    assert found.metrics["accuracy"] == np.mean([row[0] for row in found.rows] == TABLE["kind"])


def test_the_label_may_be_missing_and_other_columns_are_left_out(folder: Path, home: Path) -> None:
    others = TABLE.drop(columns="kind").assign(town="x", when=3)[["when", "word", "age", "town"]]
    others.to_parquet(home / "others.parquet")
    found = predict(open_exported(folder), home / "others.parquet")
    assert found.metric is None
    assert found.remarks == ("columns that the network does not take are left out: when, town",)
    assert found.rows == predict(open_exported(folder), home / "kinds.csv").rows
    assert [row["kind"] for row in table(found.to_csv())] == [row[0] for row in found.rows]


def test_labels_that_are_no_classes_cost_the_metric_alone(folder: Path, home: Path) -> None:
    TABLE.assign(kind=["short", *TABLE["kind"][1:]]).to_csv(home / "short.csv", index=False)
    found = predict(open_exported(folder), home / "short.csv")
    assert found.metric is None
    assert len(found.rows) == 80
    assert "no metric is told" in found.remarks[0]
    assert "row 0 (counted from 0) has the class 'short'" in found.remarks[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age,word\n3,red\nold,red\n", r"row 1 \(counted from 0\) holds 'old' in the column 'age'"),
        ("age\n3\n", "has no column 'word', which the network takes; it has: age"),
        ("age,word\n", "is empty: it has a header and no rows"),
    ],
)
def test_what_cannot_be_encoded_is_named(text: str, said: str, folder: Path, home: Path) -> None:
    (home / "odd.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        predict(open_exported(folder), home / "odd.csv")


def test_one_number_is_called_as_its_column(home: Path) -> None:
    TABLE.assign(price=TABLE["age"] * 1000.5).drop(columns="kind").to_csv(
        home / "prices.csv", index=False
    )
    data = nw.data.load(home / "prices.csv", task="regression")
    network = open_exported(exported(data, home / "price"))
    found = predict(network, home / "prices.csv")
    assert found.columns == ("price",)
    assert found.metric is not None
    off = np.array([row[0] for row in found.rows]) - TABLE["age"] * 1000.5
    assert found.metrics[found.metric.name] == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-4)


def _apart(rows: Sequence[Sequence[Any]]) -> tuple[list[Any], list[float]]:
    """Answers, and their probabilities in one list."""
    return [row[0] for row in rows], [share for row in rows for share in row[1:]]


def test_arrays_have_several_numbers_or_labels(home: Path) -> None:
    x = RNG.normal(size=(60, 5)).astype(np.float32)
    y = (x[:, :3] > 0.2).astype(int)
    labels = nw.data.from_arrays(x, y, task=nw.MultiLabel(("a", "b", "c")))
    network = open_exported(exported(labels, home / "labels"))
    np.savez(home / "asked.npz", x=x, y=y)
    np.save(home / "asked.npy", x)
    found = predict(network, home / "asked.npz")
    assert found.columns == ("answer", "p_a", "p_b", "p_c")
    for answer, *shares in found.rows:
        held = [name for name, share in zip("abc", shares, strict=True) if share >= 0.5]
        assert answer == ";".join(held)
    assert found.metric is not None
    assert predict(network, home / "asked.npy").rows == found.rows
    np.savez(home / "parts.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    answers, shares = _apart(predict(network, home / "parts.npz").rows)
    told, expected = _apart(found.rows[:9])
    assert answers == told and shares == pytest.approx(expected, rel=1e-6)
    np.savez(home / "train.npz", x_train=x, y_train=y)
    with pytest.raises(DataError, match=r"must hold `x`, got none called 'x'"):
        predict(network, home / "train.npz")
    numbers = nw.data.from_arrays(x, x[:, :2] * 3, task=nw.Regression(("up", "down")))
    network = open_exported(exported(numbers, home / "numbers"))
    assert predict(network, home / "asked.npy").columns == ("up", "down")


def pictures(folder: Path, count: int, size: int = 8) -> None:
    folder.mkdir(parents=True)
    for place in range(count):
        pixels = RNG.integers(0, 256, (size, size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{place}.png")


def test_pictures_are_told_by_their_files(home: Path) -> None:
    for name in ("cat", "dog"):
        pictures(home / "photos" / name, 8)
    network = open_exported(exported(nw.data.load(home / "photos"), home / "of-photos"))
    found = predict(network, home / "photos")
    assert found.columns == ("file", "answer", "p_cat", "p_dog")
    assert [row[0] for row in found.rows][7:9] == ["cat/7.png", "dog/0.png"]
    right = np.mean([row[0].partition("/")[0] == row[1] for row in found.rows])
    assert found.metrics["accuracy"] == right
    pictures(home / "new", 3, size=20)
    (home / "new" / "notes.txt").write_text("x", encoding="utf-8")
    (home / "new" / ".hidden").write_text("x", encoding="utf-8")
    found = predict(network, home / "new")
    assert found.metric is None
    assert len(found.rows) == 3
    assert found.remarks == (
        "files that are no pictures are left out: notes.txt",
        "3 pictures of another size become 8x8 pixels",
    )
    alone, of_three = predict(network, home / "new" / "1.png").rows[0][1:], found.rows[1][1:]
    assert alone[0] == of_three[0] and alone[1:] == pytest.approx(of_three[1:], rel=1e-6)
    (home / "new" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png cannot be read as an image"):
        predict(network, home / "new")


def test_data_of_another_kind_are_refused(folder: Path, home: Path) -> None:
    np.save(home / "some.npy", np.zeros((2, 3)))
    with pytest.raises(DataError, match=r"it takes rows of a table \(.csv, .parquet\)"):
        predict(open_exported(folder), home / "some.npy")
    with pytest.raises(DataError, match="There is no file or folder"):
        predict(open_exported(folder), home / "nothing.csv")


def test_a_folder_that_is_none_of_an_export_is_refused(folder: Path, home: Path) -> None:
    with pytest.raises(SettingError, match=r"but it has no card\.json"):
        open_exported(home)
    bare = home / "bare"
    bare.mkdir()
    shutil.copy(folder / "card.json", bare)
    with pytest.raises(SettingError, match=r"must hold model\.py, model\.pt2 or model\.onnx"):
        open_exported(bare)
    shutil.copy(folder / "model.py", bare)
    (bare / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(SettingError, match=r"cannot be read: model\.py says .*cut off"):
        open_exported(bare)
    (bare / "card.json").write_text("{", encoding="utf-8")
    with pytest.raises(SettingError, match=r"card\.json is damaged"):
        open_exported(bare)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    own = home / "own"
    shutil.copytree(folder, own)
    card["encoding"] = {"kind": "own"}
    (own / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(SettingError, match="learned from data of your own"):
        predict(open_exported(own), home / "kinds.csv")

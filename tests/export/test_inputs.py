"""What a reader of an exported folder needs to feed a form by hand."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import netwright as nw
from untrained import exported

ROWS = [
    {"age": 20 + i, "day": f"2024-01-{1 + i % 28:02}", "word": ["blue", "red", ""][i % 3],
     "price": 0.5 * i}
    for i in range(60)
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("prices")
    with (home / "prices.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    exported(nw.data.load(home / "prices.csv", task="regression"), home / "best")
    return home / "best"


def test_each_place_of_the_raw_tensors_is_explained(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    told = [(row["tensor"], row["place"], row["column"]) for row in card["inputs"]]
    days = [("numbers", place, "day") for place in (1, 2, 3)]
    assert told == [("numbers", 0, "age"), *days, ("categories", 0, "word")]
    page = (folder / "card.md").read_text(encoding="utf-8")
    assert "| `categories[0]` | word   | 1 (missing), 2 blue, 3 red, 0 other" in page
    assert "numbers in the units of the column 'price'" in page
    source = (folder / "model.py").read_text(encoding="utf-8")
    assert "numbers[0] = age, less 0\n" in source
    assert "categories[0] = word: 1 (missing), 2 blue, 3 red, 0 other" in source


def test_onnx_is_fed_by_hand_as_its_metadata_say(folder: Path) -> None:
    model = onnx.load(str(folder / "model.onnx"))
    places = json.loads({p.key: p.value for p in model.metadata_props}["inputs"])
    by_column = {(row["column"], row["holds"].split(",")[0]): row for row in places}
    less = by_column["day", "days since 1970-01-01"]["less"]
    numbers = np.zeros((1, 4), np.float32)
    days = (np.datetime64("2024-01-03") - np.datetime64("1970-01-01")).astype(int) - less
    for key, value in {
        ("age", "number"): 33.0,
        ("day", "days since 1970-01-01"): days,
        ("day", "month"): 1,
        ("day", "weekday"): 2,
    }.items():
        numbers[0, by_column[key]["place"]] = value
    codes = np.array([[1 + by_column["word", "code"]["codes"].index("red")]])
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    (given,) = session.run(None, {"numbers": numbers, "categories": codes})
    answers: dict[str, object] = {}
    exec(  # as model.py of the folder answers the row
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from model import load\nsys.path.pop(0); del sys.modules['model']\n"
        "row = {'age': 33, 'day': '2024-01-03', 'word': 'red'}\n"
        "answer = load().predict([row])[0]\n",
        answers,
    )
    assert answers["answer"] == pytest.approx(given[0, 0], abs=1e-4)

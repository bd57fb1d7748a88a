"""Texts: what is read as one, what becomes of it, and what is said of what is odd."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from torch.utils.data import Dataset

from netwright.data import load, look
from netwright.data.table_data import TableData
from netwright.data.text_data import TextData
from netwright.errors import DataError, SettingError
from netwright.tasks import Classification, MultiLabel, Regression
from netwright.testing.data import DATA_CHECKS
from sentences import sentences

TEXTS, TONES = sentences(60)
ROWS = ["a warm plot", "", "über 😀", "x" * 500]


def table(**columns) -> pandas.DataFrame:
    return pandas.DataFrame({"text": TEXTS, **columns, "tone": TONES})


@pytest.mark.parametrize("check", DATA_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check) -> None:
    check(lambda: load((TEXTS, TONES)), ROWS)
    check(lambda: load(table()), [{"text": text} for text in ROWS])


def test_a_text_becomes_its_bytes() -> None:
    data = load((TEXTS, TONES))
    (ids,) = data.encode(["ab", "é", "e\u0301", "\ud800", None, float("nan")])
    assert ids.tolist() == [[98, 99], [196, 170], [196, 170], [64, 0], [0, 0], [0, 0]]
    assert data.encode([])[0].shape == (0, 1)
    longest = data.tokens.longest
    assert data.encode(["x" * 9999])[0].shape == (1, longest) and longest < 100
    assert data.texts(data.train)[0] in TEXTS


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("one text", "rows must be a list of texts"),
        ([5], "row 0 (counted from 0) must be a text, got 5"),
        ([["a"]], "row 0 (counted from 0) must be a text"),
        (table(), "rows must be a list of texts"),
        (7, "rows must be a list of texts"),
    ],
)
def test_rows_that_are_no_texts(rows: object, told: str) -> None:
    with pytest.raises(DataError, match="row") as error:
        load((TEXTS, TONES)).encode(rows)
    assert told in str(error.value)


def test_rows_of_a_table() -> None:
    data = load(table())
    wanted = data.encode(["a plot", "fine"])[0]
    for rows in (
        pandas.DataFrame({"text": ["a plot", "fine"], "other": [1, 2]}),
        [{"text": "a plot"}, {"text": "fine"}],
        {"text": ["a plot", "fine"]},
        pandas.Series(["a plot", "fine"]),
        np.array(["a plot", "fine"]),
    ):
        assert torch.equal(data.encode(rows)[0], wanted)
    with pytest.raises(DataError, match=r"row 0 \(counted from 0\) has no column 'text'"):
        data.encode([{"txt": "a"}])


class Pairs(Dataset):
    def __len__(self) -> int:
        return len(TEXTS)

    def __getitem__(self, place: int) -> tuple[str, str]:
        return TEXTS[place], TONES[place]


def test_sources(tmp_path: Path) -> None:
    for place, (text, tone) in enumerate(zip(TEXTS, TONES, strict=True)):
        (tmp_path / "notes" / tone).mkdir(parents=True, exist_ok=True)
        (tmp_path / "notes" / tone / f"{place}.txt").write_text(text, encoding="utf-8")
    table().to_csv(tmp_path / "notes.csv", index=False)
    for source in (
        (TEXTS, TONES), Pairs(), tmp_path / "notes", tmp_path / "notes.csv", table(),
        (np.array(TEXTS), np.array(TONES)), (pandas.Series(TEXTS), pandas.Series(TONES)),
    ):  # fmt: skip
        data = load(source)
        assert isinstance(data, TextData) and data.task == Classification(("down", "up"))
        assert sorted(data.texts(data.train) + data.texts(data.validation)) != []
        assert len(data.train) + len(data.validation) + len(data.test) == 60
    (tmp_path / "notes" / "up" / "bad.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match=r"bad\.txt is no text in UTF-8"):
        load(tmp_path / "notes")


def test_tasks() -> None:
    assert isinstance(load((TEXTS, np.linspace(0.1, 1, 60))).task, Regression)
    labels = np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0], 1)
    assert isinstance(load((TEXTS, labels)).task, MultiLabel)
    with pytest.raises(DataError, match="60 texts and 59 labels"):
        load((TEXTS, TONES[1:]))


def test_texts_beside_other_columns() -> None:
    beside = table(size=np.arange(60) % 7)
    data = load(beside)
    assert isinstance(data, TableData) and 'kind="text"' in " ".join(data.remarks)
    data = load(beside, kind="text")
    assert isinstance(data, TextData) and data.tokens.columns == ("text",)
    assert "column 'text' is read as text; left out are size" in data.remarks
    two = load(table(more=TEXTS[::-1]))
    assert "columns 'text' and 'more' are read as text, one after the other" in two.remarks
    assert two.texts(two.train)[0].count("\n") == 1
    for kind in ("words", 3):
        with pytest.raises(SettingError, match=r"`load\(kind=\.\.\.\)` must be"):
            load(beside, kind=kind)
    with pytest.raises(SettingError, match="must be given texts"):
        load("digits", kind="text")
    with pytest.raises(DataError, match="has no column of texts"):
        load(pandas.DataFrame({"a": [1, 2, 3] * 9, "b": ["x", "y", "z"] * 9}), kind="text")


def test_names_stay_names() -> None:
    names = pandas.DataFrame({"name": [f"w{i}" for i in range(40)], "b": ["x", "y"] * 20})
    with pytest.raises(DataError, match="as names or ids have"):
        load(names)


def test_parts_of_a_table(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "train.csv", index=False)
    table().tail(10).to_csv(tmp_path / "test.csv", index=False)
    data = load(tmp_path / "train.csv", test=tmp_path / "test.csv")
    assert len(data.test) == 10 and data.texts(data.test) == TEXTS[-10:]
    assert "10 rows of the test part are in the train part too" in " ".join(data.remarks) or any(
        "are in the train part too" in remark for remark in data.remarks
    )
    grouped = load(table(who=np.arange(60) // 6), group="who", kind="text")
    assert grouped.groups is not None and len(grouped.groups) + len(grouped.test) == 60


def test_what_is_odd_is_said() -> None:
    data = load(([*TEXTS, "", " ", "long " * 999], [*TONES, "up", "down", "up"]), seed=3)
    told = " ".join(data.remarks)
    assert "2 texts are empty" in told and "longer than" in told and "cut there" in told
    with pytest.raises(DataError, match="no text that is not empty"):
        load((["", None] * 20, ["a", "b"] * 20), kind="text")


def test_a_look_at_texts() -> None:
    found = look(load(table()))
    assert found["label"] == "tone" and found["texts"]["empty"] == 0
    words = {each["name"]: [w for w, _ in each["words"]] for each in found["texts"]["telling"]}
    assert {"good", "fine"} & {*words["up"][:4]} and {"bad", "dull"} & {*words["down"][:4]}
    assert found["texts"]["words"] == 15 and sum(found["texts"]["lengths"]["histogram"]) == 60


def test_rows_are_read_again_as_texts() -> None:
    texts = ["größe über alles", "", "no mask 🎭 at all", "short"] * 8
    data = load((texts, [0, 1, 1, 0] * 8))
    read = data.readable(data.train, range(len(data.train)))
    assert set(read) == set(texts)


def folder_of_parts(path: Path, parts: dict[str, int]) -> Path:
    """Texts of both tones in a folder for each part, so many of each."""
    for part, count in parts.items():
        texts, tones = sentences(2 * count, seed=len(part))
        for number, (text, tone) in enumerate(zip(texts, tones, strict=True)):
            file = path / part / tone / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return path


def test_a_folder_of_texts_may_have_parts(tmp_path: Path) -> None:
    whole = load(folder_of_parts(tmp_path / "whole", {"Train": 8, "dev": 3, "test": 2}))
    assert isinstance(whole, TextData) and whole.tokens is not None
    assert [len(part) for part in (whole.train, whole.validation, whole.test)] == [16, 6, 4]
    assert isinstance(whole.task, Classification) and not whole.reshuffles
    assert whole.task.names == ("down", "up")
    some = load(folder_of_parts(tmp_path / "some", {"training": 10, "testing": 2}))
    assert [len(part) for part in (some.train, some.validation, some.test)] == [16, 4, 4]
    assert some.reshuffles


@pytest.mark.parametrize("parts", [{"dev": 2, "test": 2}, {"train": 2, "other": 2}])
def test_parts_of_texts_stand_alone_and_one_is_trained_on(tmp_path: Path, parts: dict) -> None:
    with pytest.raises(DataError, match="must hold a train folder, at most one for validation"):
        load(folder_of_parts(tmp_path / "folder", parts))


def test_a_file_as_test_part_of_a_folder_of_texts_is_refused_in_its_words(tmp_path: Path) -> None:
    folder = folder_of_parts(tmp_path / "folder", {"train": 4})
    with pytest.raises(SettingError, match="a file or a folder is for tables of values, series"):
        load(folder, test=tmp_path)

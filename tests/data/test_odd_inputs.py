"""What people have on their disks: sidecar files, nested folders, other endings, odd tables."""

import wave
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas
import pytest

import netwright as nw
from netwright.data import load
from netwright.data.sound_data import SoundData
from netwright.data.table_data import TableData
from netwright.data.text_data import TextData
from netwright.errors import DataError
from netwright.run.origin import _training

Image = pytest.importorskip("PIL.Image")


def sound(path: Path, *, rate: int = 8000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(sum(map(ord, path.name)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(rng.integers(-999, 999, 400 * channels).astype("<i2").tobytes())


def text(path: Path, content: str = "a text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content} {path.name}", encoding="utf-8")


def picture(path: Path, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 4), 7 if mode == "L" else (7, 9, 11, 255)[: len(mode)]).save(path)


def test_nested_folders_are_of_the_class_of_the_top_one(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(8):
            sound(
                tmp_path / "s" / label / f"day{place % 2}" / f"{place}.WAV", channels=1 + place % 2
            )
            text(tmp_path / "t" / label / f"day{place % 2}" / f"{place}.TXT")
    heard, read = load(tmp_path / "s"), load(tmp_path / "t")
    assert isinstance(heard, SoundData) and heard.task.names == ("no", "yes")
    assert "16 recordings are in folders inside those of classes" in " ".join(heard.remarks)
    assert isinstance(read, TextData) and read.task.names == ("no", "yes")
    assert sum(map(len, (read.train, read.validation, read.test))) == 16


def test_files_beside_recordings_do_not_make_them_pictures(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            sound(tmp_path / label / f"{place}.wav", rate=(8000, 16000)[place % 2])
            text(tmp_path / label / f"{place}.txt")
            text(tmp_path / label / f"{place}.json")
    data = load(tmp_path)
    assert isinstance(data, SoundData)
    assert sum(map(len, (data.train, data.validation, data.test))) == 12
    assert isinstance(load(tmp_path, kind="text"), TextData)


@pytest.mark.parametrize(
    ("make", "ending", "what"), [(sound, "wav", "recording"), (text, "txt", ".txt file")]
)
def test_a_class_without_a_file_is_refused_by_its_folder(tmp_path, make, ending, what) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            make(tmp_path / label / f"{place}.{ending}")
    (tmp_path / ".git").mkdir()
    assert load(tmp_path).task.names == ("no", "yes")
    (tmp_path / "maybe").mkdir()
    with pytest.raises(DataError, match=f"maybe holds no {what}; a class needs some"):
        load(tmp_path)


def test_a_folder_of_another_kind_than_is_said(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            picture(tmp_path / label / f"{place}.png", ("RGBA", "L")[place % 2])
    assert load(tmp_path).shape == (3, 4, 4)
    with pytest.raises(DataError, match=r"has no \.txt file"):
        load(tmp_path, kind="text")
    with pytest.raises(DataError, match="no holds no recording"):
        load(tmp_path, kind="sound")


def test_a_broken_recording_is_told_in_one_sentence(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            sound(tmp_path / label / f"{place}.wav")
    (tmp_path / "no" / "0.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"^1 of 12 files .*[^.]\. Remove it or save it anew\.$"):
        load(tmp_path)


def test_texts_with_nulls_and_other_encodings(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            text(tmp_path / label / f"{place}.txt", f"{label}\0\r\n\ufeff")
    data = load(tmp_path)
    assert "\0\n" in data.texts(data.train)[0]
    (tmp_path / "no" / "0.txt").write_bytes("hellö".encode("latin-1"))
    with pytest.raises(DataError, match=r"0\.txt is no text in UTF-8: .*; save it as UTF-8\."):
        load(tmp_path)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("between", [";", "\t", "|"])
def test_a_table_with_a_mark_and_other_signs(tmp_path: Path, ends: str, between: str) -> None:
    rows = [
        ["size", "city", "label"],
        *([f"{n % 7},5", "AB"[n % 2], "xyz"[n % 3]] for n in range(40)),
    ]
    content = ends.join(between.join(row) for row in rows)
    (tmp_path / "t.csv").write_bytes(("\ufeff" + content + ends).encode())
    data = load(tmp_path / "t.csv")
    assert isinstance(data, TableData) and data.label == "label"
    assert [column.name for column in data.columns.columns] == ["size", "city"]
    assert float(data.train.x[0].max()) == 6.5


def test_a_table_called_tsv_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("size\tcity\tlabel\n1\tA\tx\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"begins with a header, .*; a table may be called \.csv"):
        load(tmp_path / "t.tsv")


def test_decimals_of_a_parquet_file_are_numbers(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    prices = [None if row % 9 == 0 else Decimal(row % 7) / 4 for row in range(40)]
    table = pandas.DataFrame({"price": prices, "n": np.arange(40) % 5, "y": ["u", "v"] * 20})
    table.to_parquet(tmp_path / "t.parquet")
    data = load(tmp_path / "t.parquet")
    price, _ = data.columns.numbers
    assert price.name == "price" and price.gaps
    assert np.nanmax(data.train.x[0][:, 0]) == 1.5
    (x,) = data.encode([{"price": Decimal("0.25"), "n": 1}])
    assert x.tolist() == [[0.25, 1.0]]
    numbers = load(tmp_path / "t.parquet", label="n", task="regression")
    assert len(numbers.columns.columns) == 2


def test_a_long_table_with_two_rows_of_one_time_is_refused() -> None:
    table = pandas.DataFrame(
        {
            "id": np.repeat(np.arange(10), 3),
            "t": np.tile([0, 1, 1], 10),
            "v": np.arange(30.0),
            "label": np.repeat(["a", "b"] * 5, 3),
        }
    )
    with pytest.raises(DataError, match=r"rows 1 and 2 .* are of one time of the series '0'"):
        load(table, series="id", time="t")


def test_one_number_for_the_size_is_told_to_who_goes_on_with_a_run(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        for place in range(6):
            picture(tmp_path / label / f"{place}.png")
    for size, told in ((6, "6"), ((6, 5), "6x5"), (None, None)):
        assert _training(nw.Training(load(tmp_path, size=size), folds=1))["size"] == told

"""Tables that name files of pictures."""

from __future__ import annotations

import pytest

from netwright.data import load
from netwright.errors import DataError, SettingError

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("pandas")


@pytest.fixture
def table(tmp_path):
    lines = ["id,file,kind,size,round,red"]
    (tmp_path / "img").mkdir()
    for row in range(60):
        Image.new("L", (4, 4), row).save(tmp_path / "img" / f"{row}.png")
        kind, size = ("cat", "dog")[row % 2], row + 0.5
        lines.append(f"k{row},img/{row}.png,{kind},{size},{row % 2},{row // 2 % 2}")
    path = tmp_path / "all.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_column_of_paths_makes_pictures_with_labels(table):
    data = load(table, label="kind")
    assert data.shape == (1, 4, 4) and data.task.names == ("cat", "dog")
    assert "other columns are left out: id, size, round, red" in data.remarks[0]
    assert (data.train.x[:, 0, 0, 0] % 2).long().equal(data.train.y)


def test_numbers_and_several_labels_are_predicted_too(table):
    numbers = load(table, label="size", size=2)
    assert numbers.task.words.startswith("a number") or "number" in numbers.task.words
    assert numbers.train.y.equal(numbers.train.x[:, 0, 0, 0].float() + 0.5)
    several = load(table, label="round,red", task="multilabel")
    assert several.task.names == ("round", "red")
    assert several.train.y[:, 0].equal((several.train.x[:, 0, 0, 0] % 2).float())


def test_a_file_that_is_not_there_is_named_with_its_row(table):
    (table.parent / "img" / "7.png").unlink()
    with pytest.raises(DataError, match=r"row 7 .*7\.png, which is not there; 1 of the 60"):
        load(table, label="kind")


def test_another_table_is_the_test_part(table):
    other = table.with_name("test.csv")
    lines = table.read_text(encoding="utf-8").splitlines()
    other.write_text("\n".join(lines[:11]), encoding="utf-8")
    table.write_text("\n".join([lines[0], *lines[11:]]), encoding="utf-8")
    data = load(table, label="kind", test=other)
    assert len(data.test) == 10 and int(data.test.x.max()) == 9


def test_what_divides_rows_of_values_is_refused(table):
    with pytest.raises(SettingError, match="belongs to a table of values"):
        load(table, label="kind", time="id")

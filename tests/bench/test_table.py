import json

import numpy as np
import pytest

from netwright.bench import Table
from netwright.errors import DataError, SettingError
from netwright.spaces.nasbench201 import from_string, to_string
from netwright.testing.spaces import READY, SPACES

pandas = pytest.importorskip("pandas", reason="needs pandas and pyarrow")


@pytest.fixture(scope="module")
def conditional():
    return SPACES["conditional"]()


def rows(space, count=12):
    rng = np.random.default_rng(0)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(count)))
    return members, rng.random(len(members))


def written(path, frame):
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_for_each_choice(tmp_path, conditional, ending):
    members, accuracy = rows(conditional)
    frame = pandas.DataFrame([dict(m.answers) for m in members], columns=[*conditional.choices])
    frame = frame.assign(accuracy=accuracy, note="x")
    table = Table.open(written(tmp_path / f"mine.{ending}", frame), conditional)
    assert table.architectures == tuple(members) and table.name == "mine"
    assert table.column("accuracy").tolist() == accuracy.tolist()
    assert [*table.columns] == ["accuracy"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_of_architectures(tmp_path, conditional, ending):
    members, accuracy = rows(conditional)
    frame = pandas.DataFrame({"architecture": [m.to_json() for m in members], "a": accuracy})
    table = Table.open(written(tmp_path / f"mine.{ending}", frame), conditional)
    assert table.architectures == tuple(members)
    assert [table.row(m) for m in members] == list(range(len(members)))


def test_names_of_another_kind(tmp_path):
    space = READY["nasbench201"]()
    members, accuracy = rows(space)
    frame = pandas.DataFrame({"arch_str": [to_string(m) for m in members], "a": accuracy})
    path = written(tmp_path / "nb.parquet", frame)
    table = Table.open(path, space, parse=lambda t: from_string(t, space), column="arch_str")
    assert table.architectures == tuple(members)


def test_equal_architectures_have_the_row_of_the_first(conditional):
    members, accuracy = rows(conditional)
    table = Table(conditional, [*members, members[2]], {"a": [*accuracy, 9.0]})
    assert table.row(members[2]) == 2 and len(table) == len(members) + 1


def test_what_is_no_table_is_refused(tmp_path, conditional):
    members, accuracy = rows(conditional)
    name = next(iter(conditional.choices))
    frame = pandas.DataFrame([dict(m.answers) for m in members], columns=[*conditional.choices])
    bad = frame.assign(a=accuracy).astype({name: object})
    bad.loc[3, name] = "nothing"
    with pytest.raises(DataError, match=rf"bad.csv, row 3: 'nothing' is no option of '{name}'"):
        Table.open(written(tmp_path / "bad.csv", bad), conditional)
    with pytest.raises(DataError, match=r"must have a column for each choice .* it lacks"):
        Table.open(written(tmp_path / "few.csv", frame[[name]]), conditional)
    text = pandas.DataFrame({"architecture": ["{", json.dumps({"zzz": 1})], "a": [1, 2]})
    with pytest.raises(DataError, match=r"json.csv, row 0: .* must be JSON"):
        Table.open(written(tmp_path / "json.csv", text), conditional)
    with pytest.raises(DataError, match=r"json.csv, row 0: .* no choice 'zzz'"):
        Table.open(written(tmp_path / "json.csv", text[1:]), conditional)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"x.parquet cannot be read as a table"):
        Table.open(tmp_path / "x.parquet", conditional)
    with pytest.raises(DataError, match=r"must end in .parquet, .csv or .saf"):
        Table.open(tmp_path / "x.txt", conditional)
    with pytest.raises(DataError, match="one value a row in each column"):
        Table(conditional, members, {"a": [1.0]})
    with pytest.raises(SettingError, match=r"has no column 'b'; its columns are a"):
        Table(conditional, members, {"a": accuracy}).column("b")

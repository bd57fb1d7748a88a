"""How rows become parts: wrong values are told, and groups stay whole."""

from pathlib import Path

import numpy as np
import pandas
import pytest

import netwright as nw
from netwright.errors import SettingError

TABLE = pandas.DataFrame(
    {
        "who": np.repeat([f"p{i}" for i in range(10)], 6),
        "a": np.arange(60) % 7 + 0.5,
        "out": np.tile(["x", "y"], 30),
    }
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": -1}, r"`load\(seed=...\)` must be a whole number, at least 0, got -1"),
        ({"seed": 1.5}, r"`load\(seed=...\)` must be a whole number"),
        ({"seed": "a"}, r"`load\(seed=...\)` must be a whole number"),
        ({"test": None}, r"`load\(test=...\)` must be a fraction of the rows, 0 for none, or a"),
        ({"test": ""}, r"`load\(test=...\)` must not be empty, got ''; leave it out"),
        ({"validation": "0.2"}, "`validation=...` must be a fraction of the rows .* got '0.2'"),
        ({"test": True}, "`test=...` must be a fraction"),
        (
            {"group": ""},
            r"`load\(group=...\)` must not be empty, got ''; leave it out",
        ),
        ({"time": 3}, r"`load\(time=...\)` must be the name of a column, got 3"),
        ({"drop_rare": "yes"}, r"`load\(drop_rare=...\)` must be True or False"),
        ({"group": "who", "time": "a"}, "must have `group` or `time`, got both"),
    ],
)
def test_wrong_values_are_told_by_their_names(table: Path, given: dict, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        nw.data.load(table, **given)


def test_a_seed_is_refused_for_every_kind_of_source() -> None:
    for source in ("digits", (np.zeros((9, 2)), np.arange(9) % 2)):
        with pytest.raises(SettingError, match=r"`load\(seed=...\)` must be a whole number"):
            nw.data.load(source, seed=-1)


def test_groups_of_a_given_test_part_that_are_learned_from_are_told(table: Path) -> None:
    other = table.with_name("other.csv")
    TABLE[TABLE["who"] > "p7"].to_csv(other, index=False)
    told = nw.data.load(table, group="who", test=other).remarks
    assert any(each.startswith("2 of 2 groups of column 'who' in the test part") for each in told)
    TABLE.assign(who="new").to_csv(other, index=False)
    told = nw.data.load(table, group="who", test=other).remarks
    assert not any("groups of column" in each for each in told)


def test_what_belongs_to_tables_is_refused_in_few_words() -> None:
    rows = np.zeros((5000, 40)).tolist(), [0, 1] * 2500
    with pytest.raises(SettingError, match=r"belongs to a table.*, not tuple in memory") as found:
        nw.data.load(rows, group="g")
    assert len(str(found.value)) < 200


def test_rare_classes_of_long_tables_are_not_dropped_in_silence(tmp_path: Path) -> None:
    long = pandas.DataFrame({"id": np.repeat(range(9), 8), "v": 1.0, "out": "x"})
    long.to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(SettingError, match=r"`load\(drop_rare=...\)` belongs to a table of values"):
        nw.data.load(tmp_path / "long.csv", series="id", label="out", drop_rare=True)

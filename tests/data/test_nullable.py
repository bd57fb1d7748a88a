"""Columns of pandas with types of its own: numbers where no value is missing."""

import numpy as np
import pandas as pd
import pytest

from netwright.data import load
from netwright.errors import DataError

N = 60
Y = np.arange(N) % 3


def frame(**columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    given = {
        "whole": pd.array(np.arange(N), dtype="Int64"),
        "real": pd.array(rng.random(N), dtype="Float64"),
        "yes": pd.array(np.arange(N) % 2 == 0, dtype="boolean"),
    }
    return pd.DataFrame(given | columns)


def test_they_are_read_as_the_numbers_that_they_hold() -> None:
    plain = frame().astype({"whole": "int64", "real": "float64", "yes": "bool"}).astype("float64")
    assert load((frame(), Y)).digest == load((plain.to_numpy(), Y)).digest
    mixed = frame(plain=np.arange(N, dtype=np.int64))
    assert load((mixed, Y)).shape == (4,)
    assert load((frame()[["yes"]], Y)).train.x.unique().tolist() == [0, 1]
    assert load((frame(), pd.Series(Y, dtype="Int64"))).class_names == ("0", "1", "2")


@pytest.mark.parametrize("column", ["whole", "real", "yes"])
def test_a_missing_value_is_refused_by_its_row_and_column(column: str) -> None:
    table = frame()
    table.loc[7, column] = pd.NA
    with pytest.raises(
        DataError, match=rf"row 7 \(counted from 0\) has no value in column '{column}'"
    ):
        load((table, Y))


def test_what_holds_no_numbers_is_named() -> None:
    with pytest.raises(DataError, match="must hold numbers, got Timestamp"):
        load((frame(day=pd.date_range("2020-01-01", periods=N)), Y))
    with pytest.raises(DataError, match="a table with text"):
        load((frame(word=["a"] * N), Y))

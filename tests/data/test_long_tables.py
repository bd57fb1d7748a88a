"""Series from a table with a row for each step."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.errors import DataError, SettingError


def table() -> pd.DataFrame:
    rng, rows = np.random.default_rng(0), []
    for name in range(20):
        for step in range(6 + name % 3):
            rows.append((f"s{name}", step, rng.normal(), rng.normal(), "ab"[name % 2]))
    return pd.DataFrame(rows, columns=["who", "at", "heat", "wind", "label"])


def test_rows_are_ordered_by_time_within_an_id(tmp_path: Path) -> None:
    frame = table()
    straight = nw.data.load(frame, series="who", time="at")
    frame.sample(frac=1, random_state=0).to_csv(tmp_path / "long.csv", index=False)
    mixed = nw.data.load(tmp_path / "long.csv", series="who", time="at")
    assert straight.channels == mixed.channels == ("heat", "wind")
    assert straight.raw[0].shape == (2, None)
    assert sum(len(getattr(mixed, part)) for part in ("train", "validation", "test")) == 20
    wanted = frame[frame.who == "s3"][["heat", "wind"]].to_numpy().T.astype(np.float32)
    held = np.concatenate([p.x[0].numpy() for p in (mixed.train, mixed.validation, mixed.test)])
    found = [row[:, : wanted.shape[1]] for row in held]
    assert any(np.allclose(row, wanted) for row in found)
    assert straight.encode([{"heat": [1, 2], "wind": [3, 4]}])[0].tolist() == [[[1, 2], [3, 4]]]


def test_a_test_table_of_its_own(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "a.csv", index=False)
    table().iloc[:45].to_csv(tmp_path / "b.csv", index=False)
    data = nw.data.load(tmp_path / "a.csv", series="who", time="at", test=tmp_path / "b.csv")
    assert (len(data.train), len(data.test)) == (16, 7)


@pytest.mark.parametrize(
    ("column", "values", "told", "message"),
    [
        ("at", {1: 0}, {}, "rows 0 and 1 .* are of one time of the series 's0'"),
        ("label", {1: "b"}, {}, "rows 0 and 1 .* the labels 'a' and 'b'"),
        ("wind", {2: "x"}, {}, "row 2 .* holds 'x' in column 'wind'"),
        ("who", {4: ""}, {}, "row 4 .* has no id in column 'who'"),
        ("who", {}, {"series": "whom"}, "no column 'whom' for `series=...`"),
        ("who", {}, {"time": "when"}, "no column 'when' for `time=...`"),
    ],
)
def test_what_is_wrong_is_named(
    column: str, values: dict[int, object], told: dict[str, str], message: str
) -> None:
    frame = table()
    cells = frame[column].astype(object).to_list()
    for row, value in values.items():
        cells[row] = value
    frame[column] = cells
    with pytest.raises(DataError, match=message):
        nw.data.load(frame, **{"series": "who", "time": "at", **told})


def test_series_belong_to_a_table() -> None:
    with pytest.raises(SettingError, match=r"`load\(series=...\)` belongs to a table"):
        nw.data.load("digits", series="who")

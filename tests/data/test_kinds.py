"""What arrays are: told, or found out and said."""

import numpy as np
import pytest

import netwright as nw
from netwright.errors import DataError, SettingError

Y = np.arange(30) % 3
FLOATS = np.random.default_rng(0).normal(size=(30, 6, 12)).astype(np.float32)


def test_numbers_with_three_axes_must_be_told() -> None:
    with pytest.raises(DataError, match='say `kind="images"` or `kind="series"`'):
        nw.data.from_arrays(FLOATS, Y)
    assert nw.data.from_arrays(FLOATS, Y, kind="images").raw[0].shape == (1, 6, 12)
    assert nw.data.from_arrays(FLOATS, Y, kind="series").raw[0].shape == (6, 12)


def test_bytes_with_three_axes_are_pictures_which_is_said() -> None:
    data = nw.data.from_arrays((FLOATS * 50 + 128).clip(0, 255).astype(np.uint8), Y)
    assert data.raw[0].shape == (1, 6, 12)
    assert "read as gray pictures of 6 x 12" in data.remarks[0]


def test_a_row_is_a_table_or_a_series_of_one_channel() -> None:
    assert nw.data.from_arrays(FLOATS[:, 0], Y).raw[0].shape == (12,)
    assert nw.data.from_arrays(FLOATS[:, 0], Y, kind="series").raw[0].shape == (1, 12)


def test_a_list_of_unequal_lengths_is_series_which_is_said() -> None:
    rows = [row[:, : 5 + n % 7] for n, row in enumerate(FLOATS)]
    data = nw.data.from_arrays(rows, Y)
    assert data.raw[0].shape == (6, None)
    assert "series of unequal lengths" in data.remarks[0]


@pytest.mark.parametrize(
    ("kind", "x"), [("table", FLOATS), ("images", FLOATS[:, 0]), ("series", FLOATS[:, None])]
)
def test_axes_must_fit_the_kind(kind: str, x: np.ndarray) -> None:
    with pytest.raises(DataError, match=f"must have shape .* for {kind}"):
        nw.data.from_arrays(x, Y, kind=kind)


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match=r"`load\(kind=...\)` must be one of table, images"):
        nw.data.load((FLOATS, Y), kind="video")
    with pytest.raises(SettingError, match="must be given series"):
        nw.data.load("digits", kind="series")

"""Which axis of an array with four counts the channels: found out, said, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data import from_arrays, load
from netwright.errors import DataError, SettingError

Y = np.arange(60) % 2


def bands(*shape):
    return np.random.default_rng(0).normal(size=(60, *shape)).astype(np.float32)


def test_the_reading_with_equal_sides_is_taken_and_said():
    x = bands(8, 8, 5)
    data = from_arrays(x, Y)
    assert data.shape == (5, 8, 8)
    assert "5 channels of 8 x 8 (channels last)" in data.remarks[0]
    assert data.encode(x[:3])[0].numpy().tolist() == x[:3].transpose(0, 3, 1, 2).tolist()
    assert from_arrays(bands(5, 8, 8), Y).shape == (5, 8, 8)


@pytest.mark.parametrize(("shape", "reading"), [((6, 5, 3), (3, 6, 5)), ((3, 4, 5), (3, 4, 5))])
def test_else_that_with_as_many_channels_as_pictures_have(shape, reading):
    assert from_arrays(bands(*shape), Y).shape == reading


@pytest.mark.parametrize("shape", [(6, 6, 6), (3, 3, 3), (5, 7, 9), (3, 5, 3)])
def test_where_both_readings_or_neither_fit_the_remedies_are_said(shape):
    with pytest.raises(DataError, match=r"channels='first'` or `channels='last'"):
        from_arrays(bands(*shape), Y)
    for channels in ("first", "last"):
        data = from_arrays(bands(*shape), Y, channels=channels)
        assert data.shape == (shape if channels == "first" else (shape[2], *shape[:2]))


def test_rows_of_equal_axes_are_read_as_the_data_were():
    x = bands(6, 6, 6)
    data = load((x, Y), channels="last")
    assert data.encode(x[:2])[0].numpy().tolist() == x[:2].transpose(0, 3, 1, 2).tolist()
    assert data.encoding["channels"] == "last"


def test_channels_are_checked(tmp_path):
    with pytest.raises(SettingError, match=r"`channels=...` must be 'first' or 'last'"):
        load((bands(4, 4, 4), Y), channels="middle")
    with pytest.raises(SettingError, match="belongs to arrays"):
        load("digits", channels="last")

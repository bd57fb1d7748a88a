from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netwright.data import load
from netwright.errors import DataError

Y = np.arange(30) % 3
X = np.random.default_rng(0).integers(0, 256, (30, 4, 4)).astype(np.uint8)


def test_x_and_y_are_split(tmp_path):
    np.savez(tmp_path / "toy.npz", x=X, y=Y, index=np.array([{}], object))  # others left alone
    data = load(tmp_path / "toy.npz")
    assert (data.name, data.shape) == ("toy", (1, 4, 4))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [18, 6, 6]


def test_given_parts_stay_and_a_missing_validation_is_carved_out(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:9] // 2, y_test=Y[:9])
    data = load(str(tmp_path / "a.npz"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [24, 6, 9]
    assert np.array_equal(data.test.x[:, 0].numpy(), X[:9] // 2)


def test_parts_that_are_all_given_do_not_depend_on_the_seed(tmp_path):
    parts = {f"x_{part}": X for part in ("train", "val", "test")}
    parts |= {f"y_{part}": Y for part in ("train", "val", "test")}
    np.savez(tmp_path / "a.npz", **parts)
    first, second = load(tmp_path / "a.npz", seed=1), load(tmp_path / "a.npz", seed=2)
    assert first.digest == second.digest
    assert np.array_equal(first.train.x[:, 0].numpy(), X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "or `x_train` and `y_train` with optional .* got x"),
        ({"images": X}, "got none of them"),
        ({"x_train": X, "y_train": Y, "x_val": X}, "got x_train, x_val, y_train"),
        ({"x": X, "y": Y.astype(object)}, "array `y` holds Python objects .dtype object., which"),
        ({"x": X.astype(np.complex64), "y": Y}, "x must hold numbers, got complex64"),
        (
            {"x_train": X, "y_train": Y, "x_test": X / 255, "y_test": Y},
            "x_test is float32, but train is uint8: give all parts in one unit",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :3], "y_test": Y},
            r"x_test holds inputs of shape \(1, 3, 4\), but train holds \(1, 4, 4\)",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y.astype(str)},
            "y_test holds text, but .*y_train holds whole numbers: labels must be of one kind",
        ),
    ],
)
def test_bad_archives_are_named(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path / "bad.npz")
    assert str(tmp_path / "bad.npz") in str(error.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (2**29,)}
    )
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w") as member:
            member.write(header.getvalue())
            for _ in range(2**5):
                member.write(bytes(2**24))
        archive.writestr("y.npy", b"")
    with pytest.raises(DataError, match=r"bomb\.npz holds 0\.5 MiB that unpack to 512 MiB, as a"):
        load(path)


def test_a_header_that_lies_about_the_size_is_refused_before_memory_is_taken(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (2**45, 2**10)}
    )
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(64))
        archive.writestr("y.npy", header.getvalue())
    with pytest.raises(DataError, match=r"array `x` says shape .* but its size in the file"):
        load(tmp_path / "lie.npz")


def test_cut_files_are_named(tmp_path):
    np.savez_compressed(tmp_path / "toy.npz", x=X, y=Y)
    whole = (tmp_path / "toy.npz").read_bytes()
    (tmp_path / "toy.npz").write_bytes(whole[:200])
    with pytest.raises(DataError, match=r"toy\.npz cannot be read as an \.npz file"):
        load(tmp_path / "toy.npz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def load_or_refuse(path):
    try:
        data = load(path)
    except DataError as error:
        message = str(error)
    else:
        message = f"{path}: {data}"
    assert str(path) in message


ANY_ARRAY = hnp.arrays(
    st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes()),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)


@settings(max_examples=250, deadline=None)
@given(x=ANY_ARRAY, y=ANY_ARRAY)
def test_any_arrays_load_or_are_refused(folder, x, y):
    np.savez(folder / "any.npz", x=x, y=y)
    load_or_refuse(folder / "any.npz")


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_damage_of_a_good_file_loads_or_is_refused(folder, data):
    buffer = io.BytesIO()
    np.savez(buffer, x=X[:, :2, :2], y=Y)
    content = bytearray(buffer.getvalue())
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / "damaged.npz").write_bytes(bytes(content))
    load_or_refuse(folder / "damaged.npz")

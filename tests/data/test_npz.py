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


@pytest.mark.parametrize("end", ["_val", "_valid", "_validation"])
def test_the_validation_part_has_three_names(tmp_path, end):
    parts = {"x_train": X, "y_train": Y, f"x{end}": X[:9] // 2, f"y{end}": Y[:9]}
    np.savez(tmp_path / "a.npz", **parts)
    data = load(tmp_path / "a.npz")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [24, 9, 6]
    assert np.array_equal(data.validation.x[:, 0].numpy(), X[:9] // 2)
    np.savez(tmp_path / "a.npz", **parts | {f"y{end}": Y[:8]})
    with pytest.raises(DataError, match=rf"x{end} has 9 rows and y{end} has 8"):
        load(tmp_path / "a.npz")


ACCEPTED = (
    "`x` and `y` alone, or `x_train` and `y_train` with optional `x_val`, `y_val` (or `_valid`, "
    "`_validation`) and `x_test`, `y_test`"
)


@pytest.mark.parametrize(
    ("names", "strange"),
    [
        (["x_train", "y_train", "x_dev", "y_dev"], "x_dev"),
        (["x_train", "y_train", "x_test", "y_test", "Y_val"], "Y_val"),
        (["X_train", "Y_train"], "X_train"),
        (["x", "y", "x_test", "y_test"], "x_test"),
    ],
)
def test_an_array_that_looks_like_a_part_is_not_dropped(tmp_path, names, strange):
    path = tmp_path / "a.npz"
    np.savez(path, **{name: X if name.lower().startswith("x") else Y for name in names})
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == (
        f"{path} holds the array `{strange}`, which looks like a part but is not read; the arrays "
        f"that are read are {ACCEPTED}. Rename it or leave it out."
    )


def test_a_part_by_two_names_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x_train=X, y_train=Y, x_val=X, y_val=Y, x_validation=X, y_validation=Y)
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == (
        f"{path} must name its validation part in one way, got `x_val`, `y_val`, `x_validation`, "
        f"`y_validation`; keep one pair of them."
    )


def test_arrays_that_are_not_read_are_not_unpacked(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=X, y=Y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.npy", b"no array")
        archive.writestr("x_notes.txt", "no array")
    assert len(load(path).train) == 18
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_more.npy", b"no array")
    with pytest.raises(DataError, match="holds the array `x_more`, which looks like a part"):
        load(path)


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

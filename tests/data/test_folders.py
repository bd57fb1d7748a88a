from __future__ import annotations

import shutil

import numpy as np
import pytest

from netwright.data import load
from netwright.errors import DataError, SettingError

Image = pytest.importorskip("PIL.Image")


def paint(path, value, size=(5, 4), mode="RGB", **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    color = value if mode in ("L", "I;16", "P") else (value, value, value, 9)[: len(mode)]
    Image.new(mode, size, color).save(path, **settings)


@pytest.fixture
def folder(tmp_path):
    for row in range(20):
        paint(tmp_path / "pets" / ("cat", "dog")[row % 2] / f"{row:02}.png", row)
    return tmp_path / "pets"


def test_sub_folders_are_classes(folder):
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    data = load(folder)
    assert data.shape == (3, 4, 5) and data.class_names == ("cat", "dog")
    assert data.name == "pets"
    for part in (data.train, data.validation, data.test):
        assert (part.x[:, 0, 0, 0] % 2).long().equal(part.y)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 4, 4]


def test_gray_images_give_one_channel_and_one_of_color_makes_all_rgb(tmp_path):
    for row in range(20):
        paint(tmp_path / str(row % 2) / f"{row}.png", row, mode="L")
    assert load(tmp_path).shape == (1, 4, 5)
    paint(tmp_path / "0" / "0.png", 3, mode="RGBA")
    data = load(tmp_path)
    assert data.shape == (3, 4, 5)
    assert data.train.x[:, 0].equal(data.train.x[:, 2])


def test_size_resizes_to_height_and_width(folder):
    paint(folder / "cat" / "big.jpg", 7, size=(50, 30))
    assert load(folder, size=(6, 8)).shape == (3, 6, 8)


def test_images_are_turned_upright(folder):
    shutil.rmtree(folder)
    exif = Image.Exif()
    exif[0x0112] = 6
    for row in range(20):
        paint(folder / str(row % 2) / f"{row}.jpg", 40, size=(8, 6), exif=exif)
    assert load(folder).shape == (3, 8, 6)


def test_top_folders_of_parts_are_kept(folder, tmp_path):
    root = tmp_path / "parts"
    shutil.copytree(folder, root / "train")
    for row in range(4):
        paint(root / "test" / ("cat", "dog")[row % 2] / f"{row}.png", 100 + row)
    data = load(root)
    assert data.class_names == ("cat", "dog")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [16, 4, 4]
    assert sorted(data.test.x[:, 0, 0, 0].tolist()) == [100, 101, 102, 103]


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("Train", "Val", "Test"),
        ("training", "validation", "testing"),
        ("TRAIN", "valid", "TESTING"),
    ],
)
def test_parts_may_be_called_in_any_case(folder, tmp_path, train, validation, test):
    root = tmp_path / "parts"
    shutil.copytree(folder, root / train)
    for row in range(4):
        paint(root / validation / ("cat", "dog")[row % 2] / f"{row}.png", 100 + row)
        paint(root / test / ("cat", "dog")[row % 2] / f"{row}.png", 200 + row)
    data = load(root)
    assert data.class_names == ("cat", "dog")
    assert data.validation.x[:, 0, 0, 0].tolist() == [100, 102, 101, 103]
    assert data.test.x[:, 0, 0, 0].tolist() == [200, 202, 201, 203]


@pytest.mark.parametrize("tops", [["extra", "train"], ["train", "training"], ["test", "val"]])
def test_folders_that_are_partly_parts_are_refused_with_the_names_of_parts(folder, tmp_path, tops):
    root = tmp_path / "parts"
    for top in tops:
        shutil.copytree(folder, root / top)
    assert refused(root) == (
        f"{root} must hold a train folder, at most one for validation and one for test, and "
        f"nothing else, got {', '.join(tops)}; the names of parts are train, training, val, valid, "
        f"validation, dev, test, testing, in any case. Rename the other folders or move them away."
    )


def test_a_part_without_class_folders_is_named(folder, tmp_path):
    root = tmp_path / "parts"
    shutil.copytree(folder, root / "train")
    paint(root / "test" / "1.png", 1)
    assert refused(root) == (
        f"{root / 'test'} must hold a sub-folder for each class and nothing else, got the file "
        f"1.png."
    )


def test_a_train_folder_alone_is_split(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "parts" / "train")
    data = load(tmp_path / "parts")
    assert data.class_names == ("cat", "dog")
    assert len(data.train) + len(data.validation) + len(data.test) == 20


def test_classes_may_be_called_as_parts(folder):
    (folder / "cat").rename(folder / "train")
    (folder / "dog").rename(folder / "test")
    assert load(folder).class_names == ("test", "train")


def refused(folder, **settings):
    with pytest.raises(DataError) as error:
        load(folder, **settings)
    return str(error.value)


def test_an_unreadable_image_is_named(folder):
    bad = folder / "cat" / "bad.png"
    bad.write_bytes(b"no image")
    assert refused(folder).startswith(f"{bad} cannot be read as an image: cannot identify")


def test_a_cut_image_is_named(folder):
    noise = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    bad = folder / "dog" / "cut.png"
    Image.fromarray(noise).save(bad)
    bad.write_bytes(bad.read_bytes()[:-40])
    assert refused(folder).startswith(f"{bad} cannot be read as an image: ")


def test_two_sizes_are_named(folder):
    odd = folder / "dog" / "99.png"
    paint(odd, 1, size=(9, 7))
    assert refused(folder) == (
        f"images differ in size: {folder / 'cat' / '00.png'} is 4x5 and {odd} is 7x9 "
        f"(height x width); pass `size=(height, width)` to resize."
    )


def test_an_empty_folder_is_named(folder, tmp_path):
    (folder / "eel").mkdir()
    assert refused(folder) == f"{folder / 'eel'} is empty; a class needs images."
    (tmp_path / "none").mkdir()
    assert refused(tmp_path / "none") == (
        f"{tmp_path / 'none'} is empty; it must hold a sub-folder for each class."
    )


def test_a_file_that_is_no_image_is_named(folder):
    (folder / "cat" / "notes.txt").write_text("x")
    assert refused(folder).startswith(f"{folder / 'cat' / 'notes.txt'} is not of a kind")
    (folder / "notes.txt").write_text("x")
    assert refused(folder) == (
        f"{folder} must hold a sub-folder for each class and nothing else, got the file notes.txt."
    )


def test_pictures_in_a_folder_of_a_class_folder_are_of_that_class(folder):
    paint(folder / "cat" / "more" / "black" / "1.png", 77)
    data = load(folder)
    assert "1 pictures are in folders inside those of classes" in data.remarks[0]
    (row,) = [
        y
        for part in (data.train, data.validation, data.test)
        for x, y in zip(part.x, part.y, strict=True)
        if x[0, 0, 0] == 77
    ]
    assert int(row) == 0


def test_one_class_is_refused(folder):
    shutil.rmtree(folder / "dog")
    assert refused(folder) == f"{folder}: folders must have at least 2 classes, got only 'cat'."


def test_an_image_bomb_is_refused(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert "00.png cannot be read as an image: Image size (20 pixels) exceeds" in refused(folder)


@pytest.mark.parametrize("size", [(0, 4), (4,), (4, 4, 3), (2.5, 2)])
def test_size_is_checked(folder, size):
    with pytest.raises(SettingError, match=r"`size=...` must be \(height, width\)"):
        load(folder, size=size)

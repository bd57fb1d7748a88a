"""Files of every kind of picture: sizes, modes, depths, alpha, pages; and files that are broken."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch

from netwright.data import load
from netwright.errors import DataError, SettingError

Image = pytest.importorskip("PIL.Image")


def png16(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits a value, (h, w, 3) or (h, w, 4), which Pillow cannot write."""
    height, width, channels = pixels.shape

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def written(tmp_path):
    """Writes images into two classes by turns."""

    def write(images, suffix="png", **settings):
        for row, image in enumerate(images):
            file = tmp_path / "ab"[row % 2] / f"{row:02}.{suffix}"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(image) if isinstance(image, bytes) else image.save(file, **settings)
        return tmp_path

    return write


def rows_of(data):
    return torch.cat([part.x for part in (data.train, data.validation, data.test)])


def same_by_encode(data, folder):
    """What `encode` makes of the files is what the data hold."""
    files = sorted(folder.rglob("*.*"))
    made = data.encode(files)[0]
    rows = rows_of(data)
    assert made.dtype == rows.dtype and made.shape == rows.shape
    assert sorted(x.tolist() for x in made) == sorted(x.tolist() for x in rows)
    return made


def test_gray_of_16_bits_keeps_its_numbers(written):
    values = np.random.default_rng(0).integers(0, 65536, (20, 4, 5)).astype(np.uint16)
    data = load(written([Image.fromarray(each) for each in values]))
    assert data.shape == (1, 4, 5) and data.train.x.dtype == torch.float32
    assert sorted(rows_of(data).flatten().tolist()) == sorted(values.flatten().tolist())
    assert any("more than 8 bits a value" in remark for remark in data.remarks)


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_of_16_bits_keeps_its_numbers(written, channels):
    values = np.random.default_rng(0).integers(0, 65536, (20, 4, 5, channels)).astype(np.uint16)
    folder = written([png16(each) for each in values])
    data = load(folder)
    assert data.shape == (channels, 4, 5)
    wanted = torch.from_numpy(values.astype(np.float32)).permute(0, 3, 1, 2)
    made = same_by_encode(data, folder)
    assert sorted(made.flatten().tolist()) == sorted(wanted.flatten().tolist())
    (one,) = data.encode([png16(values[3])])
    assert one[0].equal(wanted[3])


def test_8_bits_beside_16_are_on_their_scale(written):
    deep = [Image.fromarray(np.full((4, 5), 1000 * row, np.uint16)) for row in range(19)]
    data = load(written([*deep, Image.new("L", (5, 4), 200)]))
    assert 200 * 257 in rows_of(data)


def test_alpha_that_is_all_there_is_becomes_a_channel(written):
    images = []
    for row in range(20):
        alpha = np.zeros((6, 6), np.uint8)
        alpha[row % 2 : 3, :] = 255
        images.append(
            Image.merge("RGBA", (*Image.new("RGB", (6, 6)).split(), Image.fromarray(alpha)))
        )
    folder = written(images)
    data = load(folder)
    assert data.shape == (4, 6, 6) and "alpha differs" in data.remarks[0]
    assert not any("one colour" in remark for remark in data.remarks)
    same_by_encode(data, folder)


def test_alpha_that_says_nothing_is_left_out(written):
    data = load(written([Image.new("LA", (6, 6), (row, 255)) for row in range(20)]))
    assert data.shape == (1, 6, 6) and "left out" in data.remarks[0]


@pytest.mark.parametrize(("mode", "suffix"), [("P", "gif"), ("1", "png"), ("CMYK", "jpg")])
def test_other_modes_become_gray_or_colour(written, mode, suffix):
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)) for _ in range(20)]
    folder = written([image.convert(mode) for image in images], suffix)
    data = load(folder)
    assert data.shape == ((1 if mode == "1" else 3), 8, 8)
    same_by_encode(data, folder)


def test_the_aspect_is_kept_by_padding_or_cutting(written):
    wide = Image.new("L", (8, 4), 90)
    wide.paste(200, (2, 0, 6, 4))
    folder = written([wide] * 20)
    stretched = load(folder, size=4)
    assert "stretched to another aspect" in stretched.remarks[0]
    padded, cut = load(folder, size=4, fit="pad"), load(folder, size=4, fit="crop")
    assert not padded.train.x[:, :, [0, 3]].any() and padded.train.x[:, :, 1:3].all()
    assert (cut.train.x == 200).all()
    for data in (stretched, padded, cut):
        assert data.shape == (1, 4, 4)
        same_by_encode(data, folder)


def test_pages_are_said_and_another_can_be_taken(written):
    first, second = Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 20)
    folder = written([first] * 20, "tif", save_all=True, append_images=[second])
    data = load(folder)
    assert "20 of the 20 files have several pages, 2 each: page 1 is read" in data.remarks[0]
    assert (load(folder, page=2).train.x == 20).all()
    with pytest.raises(DataError, match=r"it has 2 pages, and none of number 3\. In all 20 files"):
        load(folder, page=3)


def test_all_broken_files_are_counted(written):
    folder = written([Image.new("L", (4, 4), row) for row in range(30)])
    for name in ("a/04.png", "b/07.png", "a/12.png", "b/13.png"):
        file = folder / name
        file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(DataError) as raised:
        load(folder)
    said = str(raised.value)
    assert said.startswith(f"{folder / 'a/04.png'} cannot be read as an image")
    assert "In all 4 files cannot be read" in said and "and 1 more" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fit": "squeeze"}, "stretch, crop, pad"),
        ({"page": 0}, "at least 1"),
        ({"size": 0}, "size"),
    ],
)
def test_how_pictures_are_read_is_checked(written, given, said):
    with pytest.raises(SettingError, match=said):
        load(written([Image.new("L", (4, 4), row) for row in range(20)]), **given)


def test_a_test_folder_is_the_test_part(written, tmp_path):
    folder = written([Image.new("L", (4, 4), row) for row in range(20)])
    (tmp_path / "other" / "a").mkdir(parents=True)
    Image.new("L", (4, 4), 77).save(tmp_path / "other" / "a" / "1.png")
    for name in "ab":
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
    data = load(folder / "train", test=tmp_path / "other")
    assert len(data.test) == 1 and (data.test.x == 77).all()


def test_a_network_that_takes_bytes_refuses_a_file_of_16_bits(written):
    data = load(written([Image.new("L", (4, 4), row) for row in range(20)]))
    text = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(text, "png")
    with pytest.raises(DataError, match=r"row 0 .* has more than 8 bits a value"):
        data.encode([text.getvalue()])

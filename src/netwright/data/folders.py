"""Data from a folder of images with one sub-folder for each class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.dataset import ArrayData
from netwright.data.encodings import PictureFiles
from netwright.data.groups import groups_of_files
from netwright.data.picture_data import Labelled, Source, picture_data
from netwright.data.pictures import SUFFIXES, Reading, decode, read_headers
from netwright.data.split import PART_NAMES, Split, named_parts
from netwright.errors import DataError

_LITTER = frozenset({"thumbs.db", "desktop.ini"})


def load_folder(
    path: Path,
    split: Split,
    *,
    reading: Reading,
    like: PictureFiles | None = None,
) -> ArrayData:
    """Data from `path/<class>/<image>`, or `path/train/<class>/<image>` with `val` and `test`.

    The second form is taken when a top folder is called as a part and holds folders only. Then the
    top folders must be "train" and perhaps "val" and "test", or called as `PART_NAMES` has them, in
    any case. The test part may be another folder of classes. Pictures in folders inside a class
    folder are of that class. How they are read is told by `reading`, or `like` pictures that were
    read before; see `netwright.data.pictures.encoding_of`.

    Raises:
        DataError: no class folders, an empty one, folders of parts beside others, an unreadable
            image, a file that is no image, or images of several sizes without `size`; the message
            names the file.
        MissingExtra: pillow is absent.
    """
    tops = _sub_folders(path, "a sub-folder for each class")
    parts = _given_parts(path, tops) or {"train": path}
    if split.given is not None:
        if not split.given.is_dir():
            raise DataError(f"{split.given} must be a folder of classes, as {path} is.")
        parts["test"] = split.given
    remarks: list[str] = []
    found = {part: _labelled(folder, remarks) for part, folder in parts.items()}
    files = {part: pictures.files for part, pictures in found.items()}
    source = Source(
        path.name,
        str(path),
        reading,
        split,
        "classification",
        like,
        remarks=tuple(remarks),
        groups=groups_of_files(split.group, files, parts),
    )
    return picture_data(found, source)


@dataclass(frozen=True)
class Pictures:
    """Pictures as a network takes them: (n, c, h, w).

    `names` are the paths of the files in the folder, `labels` the folders that they are in, empty
    for the top one. `resized` is how many had another size, `others` which files are no pictures.
    """

    names: list[str]
    labels: list[str]
    x: NDArray[Any]
    resized: int
    others: list[str]


def read_pictures(path: Path, encoding: PictureFiles) -> Pictures:
    """The pictures of a folder and of the folders in it, or one picture, by their names.

    They are read as the encoding says.

    Raises:
        DataError: There is no picture, one cannot be read, or `shape` is not that of pictures.
        MissingExtra: pillow is absent.
    """
    shape = encoding.shape
    if len(shape) != 3 or not 1 <= shape[0] <= 4:
        raise DataError(
            f"{path} holds pictures, but the network takes {' x '.join(map(str, shape))} numbers."
        )
    top = path if path.is_dir() else path.parent
    files = [
        file
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and not any(map(_is_hidden, file.relative_to(top).parts))
    ]
    known = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not known:
        raise DataError(f"{path} holds no picture ({', '.join(sorted(SUFFIXES))}).")
    found = read_headers(known, encoding.page)
    x = np.empty((len(known), *shape), encoding.dtype)
    decode(known, encoding, x)
    return Pictures(
        names=[file.relative_to(top).as_posix() for file in known],
        labels=[file.parent.name if file.parent != top else "" for file in known],
        x=x,
        resized=sum(each.size != shape[1:] for each in found),
        others=[file.relative_to(top).as_posix() for file in files if file not in known],
    )


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LITTER


def _given_parts(path: Path, tops: list[Path]) -> dict[str, Path] | None:
    """The top folders by part, when they are parts and not classes."""
    named = [top for top in tops if top.name.lower() in PART_NAMES]
    if not any(_holds_folders(top) for top in named):
        return None  # classes may be called as parts
    return named_parts(path, tops)


def _holds_folders(path: Path) -> bool:
    children = [child for child in path.iterdir() if not _is_litter(child)]
    return bool(children) and all(child.is_dir() for child in children)


def _sub_folders(path: Path, what: str) -> list[Path]:
    children = sorted(child for child in path.iterdir() if not _is_litter(child))
    for child in children:
        if not child.is_dir():
            raise DataError(f"{path} must hold {what} and nothing else, got the file {child.name}.")
    if not children:
        raise DataError(f"{path} is empty; it must hold {what}.")
    return children


def _is_litter(path: Path) -> bool:
    return _is_hidden(path.name)


def _labelled(folder: Path, remarks: list[str]) -> Labelled:
    """The pictures of one part in a fixed order, each with the name of its class."""
    files: list[Path] = []
    labels: list[str] = []
    nested = 0
    for top in _sub_folders(folder, "a sub-folder for each class"):
        found = [*_pictures_in(top)]
        if not found:
            raise DataError(f"{top} is empty; a class needs images.")
        nested += sum(file.parent != top for file in found)
        files += found
        labels += [top.name] * len(found)
    if nested:
        remarks.append(
            f"{nested:,} pictures are in folders inside those of classes, and are of the class of "
            "the top one"
        )
    return Labelled(files, labels, f"{folder}: folders")


def _pictures_in(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.iterdir()):
        if _is_litter(file):
            continue
        if file.is_dir():
            yield from _pictures_in(file)
        elif file.suffix.lower() in SUFFIXES:
            yield file
        else:
            raise DataError(
                f"{file} is not of a kind that is read as an image "
                f"({', '.join(sorted(SUFFIXES))}); convert it or move it away."
            )

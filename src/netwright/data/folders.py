"""Data from a folder of images with one sub-folder for each class."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.arrays import from_parts
from netwright.data.dataset import ArrayData
from netwright.errors import DataError, SettingError, require

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap width and height
_GRAY = frozenset({"1", "L"})
_DEEP = ("I", "F")  # modes with more than 8 bits a channel, which conversion would clip


@dataclass(frozen=True)
class _Found:
    path: Path
    label: str
    size: tuple[int, int]  # height, width, upright
    gray: bool


def load_folder(
    path: Path,
    *,
    seed: int,
    validation: float,
    test: float,
    size: tuple[int, int] | None,
) -> ArrayData:
    """Data from `path/<class>/<image>`, or `path/train/<class>/<image>` with `val` and `test`.

    The second form is taken when a top folder is called as a part and holds folders only. Then the
    top folders must be "train" (or "training") and perhaps "val" (or "valid", "validation") and
    "test" (or "testing"), in any case. Images are turned upright by their EXIF tag; all gray images
    give one channel, else all become RGB (transparency is dropped). `size` is (height, width):
    images of another size are resized, bilinear with antialiasing.

    Raises:
        DataError: no class folders, an empty one, folders of parts beside others, an unreadable
            image, a file that is no image, or images of several sizes without `size`; the message
            names the file.
        MissingExtra: pillow is absent.
        SettingError: `size` is not two whole numbers of at least 1.
    """
    if size is not None and (len(size) != 2 or any(int(s) != s or s < 1 for s in size)):
        raise SettingError(f"`size=...` must be (height, width), each at least 1, got {size}.")
    tops = _sub_folders(path, "a sub-folder for each class")
    parts = _named_parts(path, tops) or {"train": path}
    found = {part: _find_images(folder) for part, folder in parts.items()}
    target = size or _only_size([image for images in found.values() for image in images])
    gray = all(image.gray for images in found.values() for image in images)
    read = {
        part: (_decode_images(images, target, gray), np.array([image.label for image in images]))
        for part, images in found.items()
    }
    return from_parts(
        read, name=path.name, source=str(path), seed=seed, validation=validation, test=test
    )


def _named_parts(path: Path, tops: list[Path]) -> dict[str, Path] | None:
    """The top folders by part, when they are parts and not classes."""
    named = [top for top in tops if top.name.lower() in _PARTS]
    if not any(_holds_folders(top) for top in named):
        return None  # classes may be called as parts
    parts = {_PARTS[top.name.lower()]: top for top in named}
    if "train" not in parts or len(parts) != len(tops):
        raise DataError(
            f"{path} must hold a train folder, at most one for validation and one for test, and "
            f"nothing else, got {', '.join(top.name for top in tops)}; the names of parts are "
            f"{', '.join(_PARTS)}, in any case. Rename the other folders or move them away."
        )
    return parts


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
    return path.name.startswith(".") or path.name.lower() in _LITTER


def _find_images(folder: Path) -> list[_Found]:
    """The images of one part in a fixed order, with only their headers read."""
    found: list[_Found] = []
    for top in _sub_folders(folder, "a sub-folder for each class"):
        files = sorted(child for child in top.iterdir() if not _is_litter(child))
        if not files:
            raise DataError(f"{top} is empty; a class needs images.")
        for file in files:
            if file.is_dir():
                raise DataError(f"{file} is a folder inside the class folder {top}; images only.")
            if file.suffix.lower() not in SUFFIXES:
                raise DataError(
                    f"{file} is not of a kind that is read as an image "
                    f"({', '.join(sorted(SUFFIXES))}); convert it or move it away."
                )
            found.append(_read_header(file, top.name))
    return found


def _read_header(file: Path, label: str) -> _Found:
    with _opened(file) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        if image.mode.startswith(_DEEP):
            raise DataError(
                f"{file} has more than 8 bits a channel (mode {image.mode}); convert it to 8 bits."
            )
        size = (width, height) if turned else (height, width)
        return _Found(file, label, size, image.mode in _GRAY)


def _only_size(images: list[_Found]) -> tuple[int, int]:
    first = images[0]
    for image in images:
        if image.size != first.size:
            raise DataError(
                f"images differ in size: {first.path} is {_shown(first.size)} and {image.path} is "
                f"{_shown(image.size)} (height x width); pass `size=(height, width)` to resize."
            )
    return first.size


def _decode_images(images: list[_Found], size: tuple[int, int], gray: bool) -> NDArray[np.uint8]:
    """uint8 of shape (n, c, h, w)."""
    pil = require("PIL.Image", extra="images", purpose="Reading images")
    ops = require("PIL.ImageOps", extra="images", purpose="Reading images")
    height, width = size
    x = np.empty((len(images), 1 if gray else 3, height, width), np.uint8)
    for row, found in enumerate(images):
        with _opened(found.path) as image:
            upright = ops.exif_transpose(image).convert("L" if gray else "RGB")
            if upright.size != (width, height):
                upright = upright.resize((width, height), pil.Resampling.BILINEAR)
            pixels = np.asarray(upright)
        x[row] = pixels[None] if gray else pixels.transpose(2, 0, 1)
    return x


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """An open image; whatever Pillow raises inside becomes a DataError that names the file."""
    pil = require("PIL.Image", extra="images", purpose="Reading images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # palettes with transparency, odd EXIF tags
        warnings.simplefilter("error", pil.DecompressionBombWarning)
        try:
            with pil.open(file) as image:
                yield image
        except DataError:
            raise
        except Exception as error:  # a damaged image makes Pillow raise many kinds
            raise DataError(
                f"{file} cannot be read as an image: {error}. Remove it or save it anew."
            ) from error


def _shown(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"

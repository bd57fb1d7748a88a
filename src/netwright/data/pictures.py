"""Files of pictures: what they are by their headers, how all are read alike, and their pixels."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray

from netwright.data.encodings import FITS, PictureFiles
from netwright.data.written_pictures import picture_opened, picture_tensor
from netwright.errors import DataError, SettingError, require

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 swap width and height
_GRAY = ("1", "L", "LA", "La", "I", "F")  # and all that begin with I;
_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_LOOKED = 256  # pictures whose alpha is looked at, at most
_TOLD = 3  # broken files that are named

Picture = Any
"""The path of a file; or what has a `name` and gives by `picture()` a path, bytes or an image."""

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Reading:
    """How pictures are to be read: `size` is (height, width), or None for that of all of them.

    Raises:
        SettingError: A value outside its rule.
    """

    size: tuple[int, int] | None = None
    fit: str = "stretch"
    page: int = 1

    def __post_init__(self) -> None:
        size: object = self.size
        if size is not None and not _is_size(size):
            raise SettingError(
                "`size=...` must be (height, width), each at least 1, or one number for both, "
                f"got {size}."
            )
        if self.fit not in FITS:
            raise SettingError(f"`fit=...` must be one of {', '.join(FITS)}, got {self.fit!r}.")
        if type(self.page) is not int or self.page < 1:
            raise SettingError(f"`page=...` must be a whole number, at least 1, got {self.page!r}.")


def reading_of(size: int | tuple[int, int] | None, fit: str, page: int) -> Reading:
    """What the arguments of `load` mean; one number is a square."""
    square = type(size) is int
    return Reading((size, size) if square else size, fit, page)  # type: ignore[arg-type]


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(side, int | float) and int(side) == side >= 1 for side in size)
    )


@dataclass(frozen=True)
class Header:
    """A file of a picture: its size upright (height, width), mode, and what is unusual about it."""

    path: Picture
    size: tuple[int, int]
    mode: str
    alpha: bool
    wide: bool
    pages: int

    @property
    def gray(self) -> bool:
        """Whether it has no colour."""
        return self.mode in _GRAY or self.mode.startswith("I;")


def read_headers(files: Sequence[Picture], page: int = 1) -> list[Header]:
    """The headers of all files, in their order.

    Raises:
        DataError: Some cannot be read; the message has their count and the first of them.
        MissingExtra: pillow is absent.
    """
    return list(_of_all(lambda file: _header(file, page), files, lambda file: file))


def _given(file: Picture) -> Any:
    return file.picture() if hasattr(file, "picture") else file


def _header(file: Picture, page: int) -> Header:
    with picture_opened(_given(file), page) as image:
        width, height = image.size
        wide = image.mode[0] in "IF" or ";16" in str(image.tile[:1])
        known = image.format != "PNG" or "exif" in image.info  # else Pillow decodes it to find out
        turned = known and image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        alpha = image.mode in _ALPHA or "transparency" in image.info
        pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        size = (width, height) if turned else (height, width)
        return Header(file, size, image.mode, alpha, wide, pages)


def seen_in(headers: Sequence[Header]) -> dict[str, Any]:
    """What the files had: heights and widths, least and most, how many sizes, and the modes."""
    sizes = {header.size for header in headers}
    heights, widths = zip(*sizes, strict=True)
    return {
        "height": [min(heights), max(heights)],
        "width": [min(widths), max(widths)],
        "sizes": len(sizes),
        "modes": dict(Counter(header.mode for header in headers).most_common()),
    }


def encoding_of(headers: Sequence[Header], reading: Reading) -> tuple[PictureFiles, list[str]]:
    """How all of these pictures are read alike, and what has to be said of it.

    Gray ones give one channel if all are gray, else all become RGB. Alpha is a further channel if
    it differs within a picture. More than 8 bits a value in one of them makes all float32.

    Raises:
        DataError: They differ in size, and none is said.
    """
    remarks: list[str] = []
    size = reading.size or _only_size(headers)
    colour = not all(header.gray for header in headers)
    channels = 3 if colour else 1
    if any(header.alpha for header in headers):
        if _says_something(headers, reading.page):
            channels += 1
            remarks.append(f"alpha differs within pictures and is kept, as channel {channels}")
        else:
            remarks.append("alpha is the same all over each picture and is left out")
    wide = [header for header in headers if header.wide]
    if wide:
        every = len(wide) == len(headers)
        few = "" if every else f"{len(wide):,} of the {len(headers):,} "
        rest = "" if every else "; values of 8 bits are times 257"
        remarks.append(
            f"{few}pictures have more than 8 bits a value: they are float32 in the units of the "
            f"files, neither scaled nor cut off{rest}"
        )
    grays = sum(header.gray for header in headers)
    if colour and grays:
        remarks.append(f"{grays:,} of the {len(headers):,} pictures are gray and become RGB")
    remarks += [*_pages(headers, reading.page), *_sizes(headers, size, reading)]
    dtype = "float32" if wide else "uint8"
    made = PictureFiles((channels, int(size[0]), int(size[1])), dtype, reading.fit, reading.page)
    return made, remarks


def _only_size(headers: Sequence[Header]) -> tuple[int, int]:
    first = headers[0]
    for header in headers:
        if header.size != first.size:
            raise DataError(
                f"images differ in size: {first.path} is {shown(first.size)} and {header.path} is "
                f"{shown(header.size)} (height x width); pass `size=(height, width)` to resize."
            )
    return first.size


def _says_something(headers: Sequence[Header], page: int) -> bool:
    some = [header.path for header in headers if header.alpha]
    some = some[:: max(1, len(some) // _LOOKED)]

    def differs(path: Picture) -> bool:
        with picture_opened(_given(path), page) as image:
            low, high = image.convert("RGBA").getchannel("A").getextrema()
        return bool(low != high)

    return any(_of_all(differs, some, lambda path: path))


def _pages(headers: Sequence[Header], page: int) -> list[str]:
    several = [header.pages for header in headers if header.pages > 1]
    if not several:
        return []
    low, high = min(several), max(several)
    count = f"{low}" if low == high else f"{low} to {high}"
    other = 2 if page == 1 else 1
    return [
        f"{len(several):,} of the {len(headers):,} files have several pages, {count} each: page "
        f"{page} is read; `page={other}` takes another"
    ]


def _sizes(headers: Sequence[Header], size: tuple[int, int], reading: Reading) -> list[str]:
    aspect = size[1] / size[0]
    odd = [h for h in headers if abs(h.size[1] / h.size[0] / aspect - 1) > 0.02]
    if not odd or reading.fit != "stretch":
        return []
    return [
        f"{len(odd):,} of the {len(headers):,} pictures, such as {odd[0].path.name} "
        f"({shown(odd[0].size)}), are stretched to another aspect, {shown(size)}; `fit='pad'` and "
        "`fit='crop'` keep it"
    ]


def decode(
    files: Sequence[Picture],
    encoding: PictureFiles,
    x: NDArray[Any],
    told: Callable[[int], None] = lambda count: None,
) -> None:
    """Write the pixels of files into `x`, (n, c, h, w) of the encoding's dtype, in threads.

    `told` is called with how many are done.

    Raises:
        DataError: Some cannot be read; the message has their count and the first of them.
    """
    book = encoding.to_json()

    def read(place: int) -> None:
        x[place] = picture_tensor(_given(files[place]), book).numpy()

    for done, _ in enumerate(_of_all(read, range(len(files)), lambda place: files[place]), 1):
        told(done)


def _of_all(
    make: Callable[[Item], Made], items: Iterable[Item], file: Callable[[Item], Picture]
) -> Iterator[Made]:
    """What is made of each item, in order; at the end all that failed are one error."""
    pil = require("PIL.Image", extra="images", purpose="Reading images")
    broken: list[tuple[Picture, Exception]] = []

    def tried(item: Item) -> list[Made]:
        try:
            return [make(item)]
        except Exception as error:  # a damaged image makes Pillow raise many kinds
            broken.append((file(item), error))
            return []

    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        warnings.simplefilter("ignore")  # palettes with transparency, odd EXIF tags
        warnings.simplefilter("error", pil.DecompressionBombWarning)
        for made in pool.map(tried, items):
            yield from made
    if broken:
        raise _broken(sorted(broken, key=lambda pair: str(pair[0])))


def _broken(broken: Sequence[tuple[Picture, Exception]]) -> DataError:
    path, error = broken[0]
    why = (error.strerror or "").lower() if isinstance(error, OSError) else ""
    told = f"{path} cannot be read as an image: {why or str(error).rstrip('.')}."
    if len(broken) == 1:
        return DataError(f"{told} Remove it or save it anew.")
    others = ", ".join(str(other) for other, _ in broken[1:_TOLD])
    more = f" and {len(broken) - _TOLD:,} more" if len(broken) > _TOLD else ""
    return DataError(
        f"{told} In all {len(broken):,} files cannot be read, this one, {others}{more}; remove "
        "them or save them anew."
    )


def shown(size: tuple[int, int]) -> str:
    """Height and width, as 32x48."""
    return f"{size[0]}x{size[1]}"

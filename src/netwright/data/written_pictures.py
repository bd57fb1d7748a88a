"""Opening pictures, in plain Python that is written into the model.py of exported networks.

As in `written`: torch and the standard library alone, with Pillow where files are opened. A run
reads its pictures by the same functions, so that a network sees a new file as it saw the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netwright.data.written import encode_arrays


def encode_pictures(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Pictures as one tensor (b, c, h, w): arrays, or in a list paths, bytes of files or images."""
    single = isinstance(rows, str | bytes) or hasattr(rows, "__fspath__")
    given = [rows] if single or hasattr(rows, "getbands") else rows
    if not isinstance(given, list | tuple) or not given:
        return encode_arrays(rows, book)
    for row in given:
        if not isinstance(row, str | bytes) and not any(
            hasattr(row, name) for name in ("__fspath__", "getbands")
        ):
            return encode_arrays(rows, book)
    read = []
    for place, row in enumerate(given):
        try:
            read.append(picture_tensor(row, book))
        except Exception as error:  # a damaged file makes Pillow raise many kinds
            name = "" if isinstance(row, bytes) or hasattr(row, "getbands") else f", {row},"
            raise ValueError(
                f"row {place} (counted from 0){name} cannot be read as a picture: {error}"
            ) from error
    return (torch.stack(read),)


def picture_tensor(source: Any, book: Mapping[str, Any]) -> Tensor:
    """One picture, by a path, the bytes of a file or an image of Pillow, as (c, h, w).

    It is turned upright, becomes gray or RGB, with or without alpha, and gets its size: stretched,
    cut to the aspect in the middle, or with 0 around. Bytes stay bytes. Where the data have more
    bits, numbers are kept as they are in float32, and bytes become 16 bits, 255 as 65,535.
    """
    channels = book["shape"][0]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    with picture_opened(source, book["page"]) as image:
        if image.format == "JPEG":
            image.draft(None, (2 * max(book["shape"][1:]),) * 2)  # what is much larger than needed
        halves = ";16" in str(image.tile[:1]) and image.mode in ("RGB", "RGBA")
        if book["dtype"] == "uint8":
            if image.mode[0] in "IF":
                raise ValueError(f"it has more than 8 bits a value ({image.mode}), the data have 8")
            fitted = picture_fitted(image.convert(mode), book)
            flat = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
            return flat.reshape(*book["shape"][1:], channels).permute(2, 0, 1).contiguous()
        if image.mode[0] in "IF":
            gray = image if image.mode in ("I", "F") else image.convert("I")
            bands, scale = [gray.convert("F")] * min(channels, 3), 1.0
            if channels in (2, 4):
                full = bands[0].point(lambda value: value * 0 + 65535.0)
                bands = [*bands[: channels - 1], full]
        else:
            bands, scale = list(image.convert(mode).split()), 257.0
        planes = [picture_numbers(band, book) * scale for band in bands]
    if halves and channels >= 3 and not hasattr(source, "getbands"):
        with picture_opened(source, book["page"]) as low:
            tile = low.tile[0]
            kind = tile[3] if isinstance(tile[3], str) else tile[3][0]
            other = kind[:-1] + ("L" if kind.endswith("B") else "B")
            changed = other if isinstance(tile[3], str) else (other, *tile[3][1:])
            low.tile = [(*tile[:3], changed)]
            lower = [picture_numbers(band, book) for band in low.convert(mode).split()]
        planes = [plane / 257.0 * 256 + part for plane, part in zip(planes, lower, strict=True)]
    return torch.stack(planes)


def picture_opened(source: Any, page: int) -> Any:
    """An image of Pillow at a page, counted from 1, not decoded yet."""
    import io

    if hasattr(source, "getbands"):
        return source.copy()
    try:
        from PIL import Image
    except ImportError:
        raise ValueError(
            "opening files takes Pillow, `pip install pillow`; or give arrays (b, c, h, w)"
        ) from None
    image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if page > pages:
        image.close()
        raise ValueError(f"it has {pages} page{'s' * (pages > 1)}, and none of number {page}")
    if page > 1:
        image.seek(page - 1)
    return image


def picture_numbers(band: Any, book: Mapping[str, Any]) -> Tensor:
    """One channel at its size, as float32 (h, w)."""
    fitted = picture_fitted(band.convert("F"), book)
    numbers = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.float32)
    return numbers.reshape(*book["shape"][1:])


def picture_fitted(image: Any, book: Mapping[str, Any]) -> Any:
    """An image turned upright, at the size of the data."""
    from PIL import Image

    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # of the EXIF tag, as Pillow numbers them
    turn = turns.get(image.getexif().get(0x0112, 1))
    if turn is not None:
        image = image.transpose(turn)
    _, height, width = book["shape"]
    wide, high = image.size
    if (wide, high) == (width, height):
        return image
    if book["fit"] == "crop":  # what is cut has the aspect of the data
        cut_wide, cut_high = min(wide, high * width / height), min(high, wide * height / width)
        left, top = (wide - cut_wide) / 2, (high - cut_high) / 2
        box = (left, top, left + cut_wide, top + cut_high)
        return image.resize((width, height), 2, box=box)
    if book["fit"] == "pad":
        scale = min(width / wide, height / high)
        inner = (max(1, round(wide * scale)), max(1, round(high * scale)))
        whole = Image.new(image.mode, (width, height))
        whole.paste(image.resize(inner, 2), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return whole
    return image.resize((width, height), 2)

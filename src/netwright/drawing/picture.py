"""A picture as a list of shapes, written as SVG or, by matplotlib, as PNG.

Both come from the same shapes, so they hold the same content in the same places. Lengths are pixels
from the top left corner. In SVG the colour "page" is the text colour of the page around it, so that
a picture inside a dark report stays readable; in PNG it is black on white.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from netwright.drawing.marks import (
    PAGE,
    SIZE,
    Box,
    Label,
    Line,
    Pixels,
    Shape,
    commands,
    extent,
    head,
    moved,
)
from netwright.drawing.png import png_address
from netwright.drawing.svg import element, path, through
from netwright.errors import SettingError, require


@dataclass
class Picture:
    """Shapes in the order they are painted; `name` is what a screen reader says."""

    name: str
    shapes: list[Shape] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def add(self, *shapes: Shape) -> None:
        """Paint on top, and grow so that everything is inside with a margin."""
        for shape in shapes:
            self.shapes.append(shape)
            right, bottom = extent(shape)
            self.width = max(self.width, right + 12)
            self.height = max(self.height, bottom + 12)

    def put(self, other: Picture, x: float, y: float) -> None:
        """Paint another picture with its corner at (x, y)."""
        self.add(*(moved(shape, x, y) for shape in other.shapes))

    def svg(self) -> Markup:
        """The picture as one SVG element."""
        return element(
            "svg",
            *map(_svg, self.shapes),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {self.width:.0f} {self.height:.0f}",
            width=f"{self.width:.0f}",
            height=f"{self.height:.0f}",
            font_family="system-ui, sans-serif",
            font_size=SIZE,
            fill="currentColor",
            role="img",
            aria_label=self.name,
        )

    def write(self, path: str | Path) -> None:
        """Write the picture to a file that ends in .svg or .png.

        Raises:
            SettingError: The name ends in something else, or the file cannot be written.
            MissingExtra: A PNG without matplotlib.
        """
        path = check_path(path)
        try:
            if path.suffix == ".svg":
                path.write_text(self.svg(), encoding="utf-8")
            else:
                _write_png(self, path)
        except OSError as error:
            raise SettingError(
                f"The picture {str(path)!r} cannot be written: {error.strerror}; name another file."
            ) from error


def flow(picture: Picture, others: Sequence[Picture], y: float, widest: float) -> None:
    """Paint others from `y` down, side by side in as many lines as they take within `widest`."""
    x, bottom = 0.0, y
    for other in others:
        if x and x + other.width > widest:
            x, y = 0.0, bottom
        picture.put(other, x, y)
        x, bottom = x + other.width + 8, max(bottom, y + other.height + 8)


def check_path(path: str | Path) -> Path:
    """The path of a picture, before the work of drawing it.

    Raises:
        SettingError: It ends in neither .svg nor .png.
    """
    path = Path(path)
    if path.suffix not in (".svg", ".png"):
        raise SettingError(f"`draw(path=...)` must end in .svg or .png, got {str(path)!r}.")
    return path


# -- SVG ------------------------------------------------------------------------------------------


def _svg(shape: Shape) -> Markup:
    if isinstance(shape, Box):
        return _svg_box(shape)
    if isinstance(shape, Pixels):
        return _svg_pixels(shape)
    if isinstance(shape, Label):
        return element(
            "text",
            shape.text,
            x=float(shape.x),
            y=shape.y + shape.size * 0.36,
            text_anchor=shape.anchor if shape.anchor != "start" else None,
            font_size=f"{shape.size:g}" if shape.size != SIZE else None,
            font_weight=600 if shape.bold else None,
            fill=shape.colour if shape.colour != PAGE else None,
        )
    ink = _ink(shape.colour)
    line = element("path", d=path(commands(shape)), fill="none", stroke=ink)
    if not shape.arrow:
        return line
    return line + element("path", d=through(head(shape), closed=True), fill=ink)


def _svg_pixels(shape: Pixels) -> Markup:
    return element(
        "image",
        x=float(shape.x),
        y=float(shape.y),
        width=float(shape.width),
        height=float(shape.height),
        href=png_address(shape.size, shape.pixels),
        preserveAspectRatio="none",
        style="image-rendering:pixelated",
    )


def _ink(colour: str | None, page: str = "currentColor") -> str:
    return page if colour == PAGE else colour or "none"


def _svg_box(box: Box) -> Markup:
    return element(
        "rect",
        x=float(box.x),
        y=float(box.y),
        width=float(box.width),
        height=float(box.height),
        rx=f"{box.radius:g}",
        fill=_ink(box.fill),
        fill_opacity=f"{box.opacity:g}" if box.opacity < 1 else None,
        stroke=_ink(box.stroke) if box.stroke else None,
        stroke_width=f"{box.line:g}" if box.stroke else None,
        stroke_dasharray="5 4" if box.dashed else None,
    )


# -- PNG ------------------------------------------------------------------------------------------


def _write_png(picture: Picture, path: Path) -> None:
    why = "Drawing a picture as PNG"
    require("matplotlib", extra="draw", purpose=why)
    figures = require("matplotlib.figure", extra="draw", purpose=why)
    patches = require("matplotlib.patches", extra="draw", purpose=why)
    paths = require("matplotlib.path", extra="draw", purpose=why)
    # Agg takes pictures below 2 ** 16 pixels a side.
    dpi = max(20.0, min(160.0, 65_000 * 100 / max(picture.width, picture.height)))
    figure = figures.Figure(figsize=(picture.width / 100, picture.height / 100), dpi=dpi)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, picture.width)
    axes.set_ylim(picture.height, 0)
    axes.axis("off")
    for order, shape in enumerate(picture.shapes):
        if isinstance(shape, Box):
            axes.add_patch(_png_box(patches, shape, order))
        elif isinstance(shape, Label):
            axes.text(
                *(shape.x, shape.y, shape.text.replace("$", r"\$")),
                fontsize=shape.size * 0.72,
                color=_ink(shape.colour, "black"),
                ha={"start": "left", "middle": "center", "end": "right"}[shape.anchor],
                va="center_baseline",
                weight="bold" if shape.bold else "normal",
                zorder=order,
            )
        elif isinstance(shape, Pixels):
            _png_pixels(axes, shape, order)
        else:
            _png_line(axes, patches, paths.Path, shape, order)
    with warnings.catch_warnings():  # letters that the font has not are boxes
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(path)


def _png_box(patches: Any, box: Box, order: int) -> Any:
    radius = min(box.radius, box.height / 2)
    return patches.FancyBboxPatch(
        (box.x, box.y),
        *(box.width, box.height),
        boxstyle=f"round,pad=0,rounding_size={radius}",
        facecolor=_faded(_ink(box.fill, "black"), box.opacity),
        edgecolor=_ink(box.stroke, "black"),
        linewidth=box.line * 0.72 if box.stroke else 0,
        linestyle=(0, (5, 4)) if box.dashed else "solid",
        zorder=order,
    )


def _png_pixels(axes: Any, shape: Pixels, order: int) -> None:
    values = np.frombuffer(shape.pixels, np.uint8).reshape(shape.size)
    values = values.repeat(3, 2) if shape.size[2] == 1 else values
    ends = (shape.x, shape.x + shape.width, shape.y + shape.height, shape.y)
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(values, extent=ends, aspect="auto", interpolation="nearest", zorder=order)
    axes.set(xlim=limits[0], ylim=limits[1])


def _faded(colour: str, opacity: float) -> Any:
    return colour if colour == "none" or opacity == 1 else (colour, opacity)


def _png_line(axes: Any, patches: Any, path_type: Any, line: Line, order: int) -> None:
    codes = {"M": path_type.MOVETO, "L": path_type.LINETO, "Q": path_type.CURVE3}
    codes["C"] = path_type.CURVE4
    steps = list(commands(line))
    points = [p for _, given in steps for p in given]
    kinds = [codes[command] for command, given in steps for _ in given]
    style = {"linewidth": 0.72, "zorder": order}
    path = path_type(points, kinds)
    axes.add_patch(
        patches.PathPatch(path, facecolor="none", edgecolor=_ink(line.colour, "black"), **style)
    )
    if line.arrow:
        axes.add_patch(
            patches.Polygon(head(line), facecolor=_ink(line.colour, "black"), linewidth=0)
        )
        axes.patches[-1].set_zorder(order)

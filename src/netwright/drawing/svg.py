"""The one writer of SVG: elements with attributes, and the data of paths. Texts are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Point = tuple[float, float]


def element(name: str, *inside: str, **attributes: str | float | None) -> Markup:
    """An element around texts, which are escaped, and other elements, which are not.

    In the name of an attribute `_` stands for `-`, and one at its end for nothing (`class_`). None
    is left out; a float has one digit after its point.
    """
    given = ""
    for key, value in attributes.items():
        if value is not None:
            shown = f"{value:.1f}" if isinstance(value, float) else escape(value)
            given += f' {key.rstrip("_").replace("_", "-")}="{shown}"'
    if not inside:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{''.join(map(escape, inside))}</{name}>")


def path(steps: Iterable[tuple[str, Sequence[Point]]]) -> str:
    """The data of a path of commands (M, L, Q, C, Z) with their points."""
    return "".join(
        command + " ".join(f"{x:.1f} {y:.1f}" for x, y in points) for command, points in steps
    )


def through(points: Sequence[Point], *, closed: bool = False) -> str:
    """The data of a path straight from point to point, and back to the first if `closed`."""
    steps = [("L" if i else "M", [point]) for i, point in enumerate(points)]
    return path(steps) + ("Z" if closed else "")

"""Reading pictures in tests: their texts and boxes, and which of them overlap."""

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from netwright.drawing.marks import measure

_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def meets(self, other: "Area") -> bool:
        beside = self.right <= other.left + 0.5 or other.right <= self.left + 0.5
        above = self.bottom <= other.top + 0.5 or other.bottom <= self.top + 0.5
        return not beside and not above

    def holds(self, other: "Area") -> bool:
        wide = self.left - 0.5 <= other.left and other.right <= self.right + 0.5
        return wide and self.top - 0.5 <= other.top and other.bottom <= self.bottom + 0.5


@dataclass(frozen=True)
class Seen:
    """What an SVG shows: its size, its texts, and its boxes."""

    width: float
    height: float
    texts: list[Area]
    boxes: list[Area]
    sizes: set[float]

    @property
    def words(self) -> list[str]:
        return [area.text for area in self.texts]


def see(svg: str | Path) -> Seen:
    root = ElementTree.fromstring(svg.read_text() if isinstance(svg, Path) else svg)
    texts, boxes, sizes = [], [], set()
    for item in root.iter():
        if item.tag == f"{_SVG}text":
            size = float(item.get("font-size", root.get("font-size", "")))
            bold = item.get("font-weight") is not None
            width = measure(item.text or "", size, bold=bold)
            share = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.get("text-anchor", "start")]
            left, base = float(item.get("x", "")) - share * width, float(item.get("y", ""))
            top = base - 0.8 * size
            texts.append(Area(left, top, left + width, base + 0.2 * size, item.text or ""))
            sizes.add(size)
        elif item.tag == f"{_SVG}rect":
            x, y = float(item.get("x", "")), float(item.get("y", ""))
            right, bottom = x + float(item.get("width", "")), y + float(item.get("height", ""))
            boxes.append(Area(x, y, right, bottom))
    wide, high = float(root.get("width", "")), float(root.get("height", ""))
    return Seen(wide, high, texts, boxes, sizes)


def check_readable(seen: Seen, widest: float = 1216.0) -> None:
    """No text on another, none cut by a box or the edge, none small, no boxes half on others."""
    page = Area(0, 0, seen.width, seen.height)
    assert seen.width <= widest
    assert min(seen.sizes) >= 11
    for text in seen.texts:
        assert page.holds(text), text
        for box in seen.boxes:
            line = box.bottom - box.top < 2
            assert line or box.holds(text) or not box.meets(text), (text, box)
    for a, b in itertools.combinations(seen.texts, 2):
        assert not a.meets(b), (a, b)
    for a, b in itertools.combinations(seen.boxes, 2):
        assert a.holds(b) or b.holds(a) or not a.meets(b), (a, b)

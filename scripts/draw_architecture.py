"""Draw the rooms of the package, and write what the documents say of them and of events.

    python scripts/draw_architecture.py [--check]

The rooms and their lines are those of `tests/test_imports.py`, the arrows are the imports of the
source, the sentences are docstrings. Written are `docs/pictures/architecture.svg` and the marked
parts of `docs/architecture.md` and `CONTRIBUTING.md`. With --check nothing is written, and the exit
status is 1 if a file is not current or a page points to a name that is nowhere.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from generate_exports import with_parts

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "netwright"
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
PAGE, GUIDE = ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"

PLUGINS = {
    *("data", "evaluate", "execute", "oneshot", "spaces", "stopping", "store", "strategies"),
    *("surrogates", "targets", "tasks"),
}
"""Rooms with a seam: what stands in them can be replaced by one's own."""

WIDTH, ROW, HEIGHT, GAP = 940, 62, 30, 18
SWEEPS = 60


def main(arguments: list[str]) -> int:
    check, stale = "--check" in arguments, 0
    for path, text in generated().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{path.relative_to(ROOT)} {'is not current' if check else 'is written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    wrong = [text for page in (PAGE, GUIDE) for text in dangling(page)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return int((check and stale > 0) or bool(wrong))


def generated() -> dict[Path, str]:
    """Every file that is generated, or has a part that is, as it has to be."""
    lines = lines_of_rooms()
    page = {"rooms": room_table(lines, whole=False), "events": event_table()}
    guide = {"rooms": room_table(lines, whole=True)}
    return {
        PICTURE: picture(lines, reduced(arrows(lines))),
        PAGE: with_parts(PAGE.read_text(encoding="utf-8"), page, "<!-- {} -->"),
        GUIDE: with_parts(GUIDE.read_text(encoding="utf-8"), guide, "<!-- {} -->"),
    }


# -- what the source says --------------------------------------------------------------------------


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of_rooms() -> list[list[str]]:
    """The rooms from the top to the bottom, as the test of imports has them."""
    for node in parsed(ROOT / "tests" / "test_imports.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LINES":
            return [sorted(line) for line in ast.literal_eval(node.value)]
    raise LookupError("tests/test_imports.py has no LINES.")


def file_of(room: str) -> Path:
    folder = SOURCE / room
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def arrows(lines: list[list[str]]) -> dict[str, set[str]]:
    """The other rooms that each room imports."""
    rooms = {room for line in lines for room in line}
    found: dict[str, set[str]] = {room: set() for room in rooms}
    for room in rooms:
        folder = SOURCE / room
        for path in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
            for name in imported(parsed(path)):
                found[room] |= {name} & (rooms - {room})
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """The rooms of the package that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("netwright"):
            parts = (node.module or "").split(".")
            yield from parts[1:2] or [alias.name for alias in node.names]


def reduced(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The graph without arrows that follow from others."""

    def reached(start: str) -> set[str]:
        below = graph[start]
        return below.union(*(reached(room) for room in below))

    return {
        room: below - {far for near in below for far in reached(near)}
        for room, below in graph.items()
    }


# -- tables ----------------------------------------------------------------------------------------


def room_table(lines: list[list[str]], *, whole: bool) -> str:
    """A row for each room: what belongs there and, in the `whole` of it, what does not."""
    rows = ["| room | what belongs there |", "|---|---|"]
    for room in [*(room for line in lines for room in line), "testing"]:
        paragraphs = (ast.get_docstring(parsed(file_of(room))) or "").split("\n\n")
        kept = paragraphs[: 2 if whole and file_of(room).stem == "__init__" else 1]
        text = " ".join(p.replace("\n", " ") for p in kept if "::" not in p)
        rows.append(f"| `{room}{'/' if (SOURCE / room).is_dir() else '.py'}` | {text} |")
    return "\n" + "\n".join(rows) + "\n"


def event_table() -> str:
    """A row for each kind of event, in the order of the file that defines them."""
    rows = ["| kind | says | with |", "|---|---|---|"]
    for node in parsed(SOURCE / "record" / "events.py").body:
        if not isinstance(node, ast.ClassDef):
            continue
        kind = [
            item.value.value
            for item in node.body
            if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant)
        ]
        fields = [f"`{item.target.id}`" for item in node.body if is_field(item)]
        if ast.unparse(node.bases[0]) == "TrialFact" if node.bases else False:
            fields.insert(0, "`trial`")
        if kind:
            says = (ast.get_docstring(node) or "").split("\n")[0]
            rows.append(f"| `{kind[0]}` | {says} | {', '.join(fields) or '–'} |")
    return "\n" + "\n".join(rows) + "\n"


def is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def dangling(page: Path) -> list[str]:
    """What a page says is in a file of the package and is not: "`run/loop.py` `Loop._choose`"."""
    wrong = []
    text = page.read_text(encoding="utf-8")
    name_of_file, other_name = r"`([a-z0-9_/]+\.py)`", r"(?:,? `(?!\w+\.py`)[A-Za-z_][\w.]*`)"
    for path, names in re.findall(f"{name_of_file}({other_name}*)", text):
        file = SOURCE / path if (SOURCE / path).exists() else ROOT / path
        if not file.exists():
            wrong.append(f"{page.name}: there is no {path}")
            continue
        here = defined(parsed(file))
        wrong += [
            f"{page.name}: {path} has no {name}"
            for name in re.findall(r"`([\w.]+)`", names)
            if name not in here
        ]
    return wrong


def defined(tree: ast.Module) -> set[str]:
    """Classes, functions and constants of a module, and `Class.method`."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {ast.unparse(target) for target in targets}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            inner = node.body if isinstance(node, ast.ClassDef) else []
            found |= {f"{node.name}.{f.name}" for f in inner if isinstance(f, ast.FunctionDef)}
            found |= {f"{node.name}.{ast.unparse(f.target)}" for f in inner if is_field(f)}
    return found


# -- the picture -----------------------------------------------------------------------------------


class Stop(NamedTuple):
    """A room on its line, or where an arrow crosses a line on its way from `source` to `room`."""

    line: int
    room: str
    source: str = ""

    @property
    def width(self) -> float:
        return 14.0 if self.source else 9.0 * len(self.room) + 26


def routes(lines: list[list[str]], graph: Mapping[str, set[str]]) -> list[list[Stop]]:
    """The way of each arrow, a stop a line."""
    place = {room: number for number, line in enumerate(lines) for room in line}
    return [
        [
            Stop(place[room], room),
            *(Stop(between, other, room) for between in range(place[room] + 1, place[other])),
            Stop(place[other], other),
        ]
        for room in sorted(graph)
        for other in sorted(graph[room])
    ]


def places(lines: list[list[str]], ways: list[list[Stop]]) -> dict[Stop, float]:
    """How far to the right the middle of each stop is: near those that it is tied to."""
    rows: list[list[Stop]] = [[Stop(n, room) for room in line] for n, line in enumerate(lines)]
    ties: dict[Stop, list[Stop]] = {stop: [] for row in rows for stop in row}
    for way in ways:
        for stop in way[1:-1]:
            rows[stop.line].append(stop)
        for one, other in pairwise(way):
            ties.setdefault(one, []).append(other)
            ties.setdefault(other, []).append(one)
    x = {stop: WIDTH * (n + 1) / (len(row) + 1) for row in rows for n, stop in enumerate(row)}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else rows[::-1]:
            near = {s: [x[other] for other in ties[s]] or [WIDTH / 2] for s in row}
            aim = {stop: sum(near[stop]) / len(near[stop]) for stop in row}
            order = sorted(row, key=lambda stop: (aim[stop], stop))
            x.update(apart(order, aim))
    return x


def apart(order: list[Stop], aim: Mapping[Stop, float]) -> dict[Stop, float]:
    """Places near those aimed at, in this order, where nothing overlaps or leaves the picture."""
    from_left, edge = {}, 0.0
    for stop in order:
        from_left[stop] = max(aim[stop], edge + stop.width / 2)
        edge = from_left[stop] + stop.width / 2 + GAP
    from_right, edge = {}, float(WIDTH)
    for stop in reversed(order):
        from_right[stop] = min(aim[stop], edge - stop.width / 2)
        edge = from_right[stop] - stop.width / 2 - GAP
    middle = {stop: (from_left[stop] + from_right[stop]) / 2 for stop in order}
    edge = 0.0
    for stop in order:
        middle[stop] = max(middle[stop], edge + stop.width / 2)
        edge = middle[stop] + stop.width / 2 + GAP
    over = max(0.0, edge - GAP - WIDTH)
    return {stop: place - over for stop, place in middle.items()}


def picture(lines: list[list[str]], graph: Mapping[str, set[str]]) -> str:
    """The rooms as SVG, legible on a light and on a dark page."""
    ways = routes(lines, graph)
    x = places(lines, ways)
    height = ROW * len(lines) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 -6 {WIDTH + 12} {height}" '
        'font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="14">',
        "<title>The rooms of netwright and what each imports</title>",
        '<g fill="none" stroke="#8592a3" stroke-width="1.4">',
        *(f'<path d="{curve([(x[s], s.line * ROW) for s in way])}"/>' for way in ways),
        "</g>",
        '<g fill="#8592a3">',
        *(
            f'<path d="M{x[way[-1]]:.0f},{way[-1].line * ROW} l-4,-7 h8 z"/>'
            for way in {way[-1]: way for way in ways}.values()
        ),
        "</g>",
    ]
    for number, line in enumerate(lines):
        parts += [box(room, x[Stop(number, room)], number * ROW) for room in line]
    said = "an arrow is an import; those that follow from others are left out; blue: has a seam"
    parts.append(f'<text x="0" y="{height - 14}" fill="#8592a3" font-size="12">{said}</text>')
    return "\n".join([*parts, "</svg>", ""])


def curve(points: list[tuple[float, float]]) -> str:
    """From the foot of a room to the head of another, straight down past each line between."""
    (x, y), *rest = points
    y += HEIGHT
    path = f"M{x:.0f},{y}"
    for number, (to, line) in enumerate(rest):
        middle = (y + line) / 2
        path += f" C{x:.0f},{middle:.0f} {to:.0f},{middle:.0f} {to:.0f},{line}"
        if number < len(rest) - 1:
            path += f" V{line + HEIGHT}"
        x, y = to, line + HEIGHT
    return path


def box(room: str, middle: float, top: int) -> str:
    fill, edge = ("#d6e6fa", "#3b73b9") if room in PLUGINS else ("#eef1f5", "#6b7785")
    width = Stop(0, room).width
    return (
        f'<rect x="{middle - width / 2:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}" '
        f'rx="5" fill="{fill}" stroke="{edge}"/>'
        f'<text x="{middle:.0f}" y="{top + 20}" text-anchor="middle" fill="#1c2530">'
        f"{escape(room)}</text>"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The rooms of the house: imports go downward only, and no files of a room stand in a ring."""

import ast
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

import netwright

SOURCE = Path(netwright.__file__).parent

# From the top to the bottom. Rooms on one line do not import each other.
LINES = [
    {"cli"},
    {"dashboard", "estimators", "reuse"},
    {"run"},
    {"bench"},
    {"report", "oneshot"},
    {"record", "conversion", "strategies", "stopping", "evaluate", "spaces"},
    {"surrogates", "supernet", "drawing", "trial", "proxies", "targets"},
    {"space", "export", "data"},
    {"tasks"},
    {"network", "store", "execute", "objective"},
    {"settings", "files"},
    {"errors"},
]
ROOT = {"__init__", "__main__", "errors", "objective", "trial"}
LAZY = {"cli", "__init__", "__main__"}  # so that `netwright --help` does not wait for torch
SCRIPTS = {"worker.py", "check_forms.py", "fresh.py"}  # run as processes of their own
ANYWHERE = {"__init__", "__main__", "testing"}  # they import every room, and no room imports them


class Import(NamedTuple):
    """One module imports another, both by their path in dots below the package."""

    importer: str
    imported: str
    line: int
    inner: bool


def modules(source: Path) -> dict[str, Path]:
    """The modules of a tree by name: `space.space`, and `space` for its `__init__`."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts if len(parts) == 1 or parts[-1] != "__init__" else parts[:-1])
        found[name] = path
    return found


@cache
def imports(source: Path) -> tuple[Import, ...]:
    """Every import of the tree, those under TYPE_CHECKING and in functions too."""
    return tuple(read(source))


def read(source: Path) -> Iterator[Import]:
    known = modules(source)
    for name, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {
            node
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            for target in targets(node, known):
                yield Import(name, target, node.lineno, node in inner)


def targets(node: ast.AST, known: dict[str, Path]) -> list[str]:
    """The modules of the package that a statement imports."""
    if isinstance(node, ast.Import):
        return [a.name.split(".", 1)[1] for a in node.names if a.name.startswith("netwright.")]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.level == 0, "imports of the package are absolute"
    first, _, rest = (node.module or "").partition(".")
    if first != "netwright":
        return []
    asked = [f"{rest}.{a.name}".lstrip(".") for a in node.names]
    return [name if name in known else rest for name in asked if name in known or rest]


def room(module: str) -> str:
    return module.split(".")[0]


def climbs(source: Path) -> list[str]:
    """Imports of another room that is not on a line below."""
    rank = {name: place for place, line in enumerate(LINES) for name in line}
    wrong = []
    for each in imports(source):
        here, there = room(each.importer), room(each.imported)
        if here in ANYWHERE or here == there:
            continue
        if not (here in rank and there in rank and rank[here] < rank[there]):
            wrong.append(f"{each.importer}:{each.line} imports {each.imported}")
    return wrong


def rings(source: Path) -> list[str]:
    """Modules that reach themselves by imports, type-only ones included."""
    known, graph = modules(source), {}
    for each in imports(source):
        graph.setdefault(each.importer, set()).add(each.imported)
    packages = {name for name, path in known.items() if path.name == "__init__.py"}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for other in graph.get(todo.pop(), set()) - seen:
                seen.add(other)
                todo.append(other)
        return seen

    return [name for name in known if name not in packages | ANYWHERE and name in reached(name)]


def inner_imports(source: Path) -> list[str]:
    """Imports of the package in functions, where they are not allowed."""
    known = modules(source)
    return [
        f"{each.importer}:{each.line} imports {each.imported} in a function"
        for each in imports(source)
        if each.inner and room(each.importer) not in LAZY
        if known[each.importer].name not in SCRIPTS
    ]


def loose(source: Path) -> set[str]:
    """Modules of the root that have no right to stand there."""
    return {path.stem for path in source.glob("*.py")} - ROOT


def test_imports_go_downward() -> None:
    assert climbs(SOURCE) == []


def test_no_files_stand_in_a_ring() -> None:
    assert rings(SOURCE) == []


def test_imports_are_at_the_top() -> None:
    assert inner_imports(SOURCE) == []


def test_the_root_holds_five_modules() -> None:
    assert loose(SOURCE) == set()


def test_each_room_is_on_one_line_and_exists() -> None:
    assert all(not (a & b) for a, b in combinations(LINES, 2))
    here = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set().union(*LINES) <= here


@pytest.mark.parametrize("name", [n for n, p in modules(SOURCE).items() if p.stem == "__init__"])
def test_each_room_says_what_belongs_there(name: str) -> None:
    text = ast.get_docstring(ast.parse(modules(SOURCE)[name].read_text(encoding="utf-8")))
    assert text is not None and text.split("\n")[0].endswith((".", ":"))


def planted(tmp_path: Path, **files: str) -> Path:
    """A small house: a name `a__b` is the file a/b.py."""
    for name, text in files.items():
        path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent != tmp_path:
            (path.parent / "__init__.py").touch()
    return tmp_path


SOUND = {"errors": "", "space__space": "from netwright.errors import X", "trial": ""}


@pytest.mark.parametrize(
    "text",
    [
        "from netwright.run import search",
        "import netwright.run.search",
        "from netwright import run",
        "from netwright.data.sources import load",  # a room on the same line
        "if TYPE_CHECKING:\n    from netwright.run.search import Run",
        "def f():\n    from netwright.run.search import Run",
        "from netwright.nowhere import x",
    ],
)
def test_a_planted_climb_is_seen(tmp_path: Path, text: str) -> None:
    rooms = {"run__search": "", "data__sources": ""}
    assert climbs(planted(tmp_path / "sound", **SOUND, **rooms)) == []
    assert len(climbs(planted(tmp_path / "broken", **SOUND, **rooms, space__choose=text))) == 1


@pytest.mark.parametrize(
    "back",
    [
        "from netwright.space.space import Space",
        "from netwright.space import space",
        "if TYPE_CHECKING:\n    from netwright.space.space import Space",
    ],
)
def test_a_planted_ring_is_seen(tmp_path: Path, back: str) -> None:
    files = SOUND | {"space__space": "from netwright.space.choose import Choose"}
    assert rings(planted(tmp_path / "sound", **files, space__choose="")) == []
    ring = rings(planted(tmp_path / "broken", **files, space__choose=back))
    assert ring == ["space.choose", "space.space"]


def test_a_planted_inner_import_is_seen(tmp_path: Path) -> None:
    text = "def f():\n    from netwright.errors import X"
    assert len(inner_imports(planted(tmp_path, **SOUND, space__choose=text))) == 1
    assert inner_imports(planted(tmp_path / "cli", errors="", cli__app=text)) == []


def test_a_planted_loose_module_is_seen(tmp_path: Path) -> None:
    assert loose(planted(tmp_path, **SOUND, settings="")) == {"settings"}


def test_every_exported_name_exists() -> None:
    for name in netwright.__all__:
        assert getattr(netwright, name) is not None

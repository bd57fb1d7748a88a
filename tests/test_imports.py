"""Imports go downward only: the rooms of the house, from the top to the bottom."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

import netwright

SOURCE = Path(netwright.__file__).parent

# Rooms on one line do not import each other. A module not named here is placed by its package.
LINES = [
    {"cli"},
    {"run", "dashboard", "automl"},
    {"special"},
    {"conclude", "settings", "warmstart"},
    {"report", "export"},
    {"record", "loop"},
    {"finals", "searches", "shared", "bench"},
    {"plan", "weights"},
    {"named"},
    {"progress"},
    {"oneshot"},
    {"strategies", "evaluate", "store", "execute", "spaces"},
    {"surrogates"},
    {"trial"},
    {"space", "objective", "data"},
    {"errors", "proportion", "onnxfile", "table", "threads", "strided"},
]
RANK = {room: rank for rank, line in enumerate(LINES) for room in line}
# Rooms of one line of the design that stand on each other, in this order.
WITHIN = {("run", "dashboard"), ("conclude", "settings"), ("run", "conclude"), ("trial", "space")}
LAZY = {"cli", "__init__", "__main__"}
SCRIPTS = {"worker.py", "check_forms.py"}  # run as processes of their own


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("netwright"):
            rest = node.module.split(".")[1:]
            found += [rest[0]] if rest else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name.split(".") for a in node.names]
            found += [n[1] for n in names if n[0] == "netwright" and len(n) > 1]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_downward(path: Path) -> None:
    here = room(path)
    if here in {"__init__", "__main__", "testing"}:
        return
    assert here in RANK, f"{here} has no line in the house: give it one in this test"
    for other in imported(ast.parse(path.read_text())):
        if other == here or (other == "__version__"):
            continue
        assert RANK[here] < RANK[other] or (here, other) in WITHIN, f"{path.name} imports {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_are_at_the_top(path: Path) -> None:
    if room(path) in LAZY or path.name in SCRIPTS:
        return
    tree = ast.parse(path.read_text())
    inner = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner, f"{path.name} imports inside functions at lines {inner}"


def test_no_room_is_on_two_lines() -> None:
    assert all(not (a & b) for a, b in pairwise(LINES))


def test_every_exported_name_exists() -> None:
    for name in netwright.__all__:
        assert getattr(netwright, name) is not None

"""Few rooms say what outputs mean: no other code speaks of class counts or accuracies."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import netwright

SOURCE = Path(netwright.__file__).parent

ROOMS = {
    "tasks": "says what outputs mean",
    "spaces": "builds published networks, whose papers count classes",
    "data": "reads labelled examples",
    "bench": "reads tables of published accuracies",
    "estimators": "is a classifier and a regressor, as scikit-learn has them",
}
"""Rooms whose matter it is, each with the reason."""

EXCEPTIONS = {
    ("conversion.wanted", "classes"): "classes of modules, in Python's sense",
    ("export.source.source", "classes"): "the classes of a written model.py, in Python's sense",
    ("export.source.source", "classes_of"): "the classes of a written model.py",
    ("export.source.classes", "classes_of"): "the classes of a written model.py",
    ("export.source.writer", "classes"): "the classes of a written model.py",
    ("export.source.program", "classes"): "the classes of a written model.py",
    ("export.source.program", "classes_of"): "the classes of a written model.py",
    ("export.source.answers", "classes"): "what model.py calls the names that a task gave",
    ("settings.exports", "classes"): "the classes that a room exports, in Python's sense",
}
"""What is allowed elsewhere, by module and word, each with the reason."""

WORDS = re.compile(
    r"(?<![a-z])(classes(_of)?|(n|num|nb)_class(es)?|class_(names|counts?)|accurac(y|ies)"
    r"|cross[ _-]?entropy|nll_loss)(?![a-z])",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """A word of a task in the code of a module."""

    module: str
    word: str
    line: int


@cache
def said(source: Path) -> tuple[Said, ...]:
    """All such words of a tree in names, strings and calls; docstrings are no code."""
    return tuple(spoken(source))


def spoken(source: Path) -> Iterator[Said]:
    for path in sorted(source.rglob("*.py")):
        module = ".".join(path.relative_to(source).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {id(text) for text in docstrings(tree)}
        for node in ast.walk(tree):
            if id(node) in silent:
                continue
            for text in texts(node):
                for found in WORDS.finditer(text):
                    yield Said(module, found[0].lower(), getattr(node, "lineno", 0))
            if picks_a_class(node):
                yield Said(module, "argmax(1)", node.lineno)


def docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """The strings that stand alone as statements."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def texts(node: ast.AST) -> Iterator[str]:
    """The names and strings that a node itself has, camel case as words apart."""
    fields = ("id", "attr", "arg", "name", "asname", "value", "module")
    for field in fields:
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value)


def picks_a_class(node: ast.AST) -> bool:
    """Whether it is a call of `argmax` along the classes of a batch."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    places = [*node.args, *(keyword.value for keyword in node.keywords)]
    numbers = [p.value for p in places if isinstance(p, ast.Constant)]
    return node.func.attr == "argmax" and 1 in numbers


def unallowed(source: Path) -> list[Said]:
    """What is said outside the rooms whose matter it is, and is no exception."""
    return [
        word
        for word in said(source)
        if word.module.split(".")[0] not in ROOMS and (word.module, word.word) not in EXCEPTIONS
    ]


def test_only_some_rooms_speak_of_classes_and_accuracies() -> None:
    assert unallowed(SOURCE) == []


def test_each_exception_is_needed_and_has_a_reason() -> None:
    assert EXCEPTIONS.keys() <= {(word.module, word.word) for word in said(SOURCE)}
    assert ROOMS.keys() <= {word.module.split(".")[0] for word in said(SOURCE)}
    assert all([*EXCEPTIONS.values(), *ROOMS.values()])


@pytest.mark.parametrize(
    "text",
    [
        "def f(classes): ...",
        "space.classes",
        "f(num_classes=3)",
        "n_classes = 3",
        "data.class_names",
        'metrics["accuracy"]',
        'f"{x:.2%} test accuracy"',
        "test_accuracy = 1",
        "shared_accuracies = []",
        "functional.cross_entropy(a, b)",
        "from torch.nn.functional import cross_entropy as loss",
        "nn.CrossEntropyLoss()",
        "right = (logits.argmax(1) == y).sum()",
        "right = (torch.argmax(logits, dim=1) == y).sum()",
        'raise ValueError("give at least 2 classes")',
    ],
)
def test_a_planted_word_is_seen(tmp_path: Path, text: str) -> None:
    for room in ("run", "tasks"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "planted.py").write_text(text, encoding="utf-8")
    assert {word.module for word in unallowed(tmp_path)} == {"run.planted"}


@pytest.mark.parametrize(
    "text",
    ['"""Accuracy of classes."""', "class A:\n    '''Its classes.'''", "import dataclasses",
     "@dataclass\nclass B: ...", "isinstance(a, subclass)", "x.argmax(-1)", "inaccuracy_x = 1"],
)  # fmt: skip
def test_other_words_are_not(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.py").write_text(text, encoding="utf-8")
    assert unallowed(tmp_path) == []

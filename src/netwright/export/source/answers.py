"""What model.py has beside the network: rows to tensors before it, and outputs to answers after."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from netwright.errors import ExportError
from netwright.export.metadata import Meaning
from netwright.export.source.parts import part_of
from netwright.network.normalised import Encoder, arguments_of

_WIDTH = 100

_CALLED = {"class": "CLASSES", "labels": "LABELS", "numbers": "NAMES"}
"""What model.py calls the names, by how they are used."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What is written of encoding and decoding.

    `decoder` is the module that is called with the network's outputs, and a child of `Network`.
    `answer` says how `names` are used, as `Task.decoding` has it; it is "values" where there are
    none. `encode` is the source of the function `encoding`, called with rows and `book`; without
    one networks are asked with raw tensors, the arguments of `forward`.
    """

    decoder: nn.Module
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: int
    encoding: str = ""
    encode: str = ""
    book: Mapping[str, Any] | None = None
    answer: str = "values"

    @property
    def argument(self) -> str:
        """What `predict` takes."""
        return "rows" if self.encode else ", ".join(self.inputs)

    @property
    def methods(self) -> list[str]:
        """The lines of `predict`, within the class of the network."""
        given = "*inputs" if self.encode else self.argument
        outputs = f"{'*' if self.outputs > 1 else ''}self({given})"
        decoded = f"self.decoder({outputs})"
        of = "for each of the rows" if self.encode else "for each row of raw tensors"
        scored = f"self.predict_proba({self.argument})"
        match self.answer:
            case "class":
                return [
                    f"def predict(self, {self.argument}):",
                    f'    """The name of the most probable class {of}."""',
                    f"    places = {scored}.argmax(1)",
                    "    return [CLASSES[place] for place in places.tolist()]",
                    *self._scores(f'"""The probability of each of CLASSES {of}', decoded),
                ]
            case "labels":
                return [
                    f"def predict(self, {self.argument}):",
                    f'    """The names of the labels that hold, a list {of}."""',
                    f"    rows_of_shares = {scored}.tolist()",
                    "    return [[n for n, p in zip(LABELS, row) if p >= 0.5] "
                    "for row in rows_of_shares]",
                    *self._scores(f'"""The probability of each of LABELS {of}', decoded),
                ]
        if self.answer == "next" and self.encode:
            return self._next()
        row = "dict(zip(NAMES, row)) for row in "
        told = "numbers by name, a dict" if self.answer == "numbers" else "answers"
        listed = f"{decoded}.tolist()"
        return [
            f"def predict(self, {self.argument}):",
            f'    """The {told} {of}, a list."""',
            *self._encoded("[]"),
            "    with torch.no_grad():",
            f"        return {f'[{row}{listed}]' if self.answer == 'numbers' else listed}",
        ]

    def _next(self) -> list[str]:
        """The lines of `predict` and `predict_proba` where the next token is predicted."""
        asked = f"self.decoder(self(*{self.encoding}(row, BOOK)))[0]"
        return [
            "def predict(self, rows, count=5):",
            '    """The most probable next tokens of each text, a list of (token, probability)."""',
            "    return [next_tokens(each, count, BOOK) for each in self.predict_proba(rows)]",
            "",
            "def predict_proba(self, rows):",
            '    """The probability of each id as the next one of each text: (b, ids)."""',
            "    rows = [rows] if isinstance(rows, str) else rows",
            "    with torch.no_grad():",
            f"        return torch.stack([{asked} for row in rows])",
        ]

    def _encoded(self, none: str) -> list[str]:
        """The lines that make tensors of rows; `none` is what there is for no row."""
        if not self.encode:
            return []
        return [
            f"    inputs = {self.encoding}(rows, BOOK)",
            "    if not len(inputs[0]):",
            f"        return {none}",
        ]

    def _scores(self, told: str, decoded: str) -> list[str]:
        """The lines of `predict_proba`."""
        return [
            "",
            f"def predict_proba(self, {self.argument}):",
            f'    {told}: (b, {len(self.names)})."""',
            *self._encoded(f"torch.empty(0, {len(self.names)})"),
            "    with torch.no_grad():",
            f"        return {decoded}",
        ]

    @property
    def below(self) -> str:
        """What stands below the classes: the encoding and its code book, the names of classes."""
        blocks = [f"\n\n{self.encode.strip()}\n\n"] if self.encode else []
        if (called := _CALLED.get(self.answer)) is not None:
            listed = literal(list(self.names), 0, len(called) + 3)
            blocks.append(f"\n{called} = {listed}\n")
        if self.encode:
            blocks.append(f"\nBOOK = {literal(self.book, 0, 7)}\n")
        return "".join(blocks)


def answers_of(meaning: Meaning) -> tuple[Answers | None, list[str]]:
    """What is written for a meaning, None where there is no task; and what has to be said of it."""
    task, encoder, notes = meaning.task, meaning.encoder, []
    if task is None:
        return None, []
    decoder = task.decoder().eval()
    try:
        part_of(nn.Sequential(decoder))
    except ExportError as error:
        return None, [f"model.py has no `predict`, since the decoder has no source. {error}"]
    found: dict[str, Any] = {}
    if encoder is not None and encoder.encode is not None:
        try:
            name, text = function_source(encoder)
            found = {"encoding": name, "encode": text, "book": encoder.book}
        except ExportError as error:
            notes.append(f"`predict` of model.py takes raw tensors and no rows. {error}")
    signature = meaning.signature
    inputs = arguments_of([spec.name for spec in signature.inputs])
    answer = str(task.decoding["answer"])
    names = task.names if answer in _CALLED else ()
    found["answer"] = answer
    return Answers(decoder, names, tuple(inputs), len(signature.outputs), **found), notes


def function_source(encoder: Encoder) -> tuple[str, str]:
    """The name and the source of a function of rows and book, after those of what it needs.

    Raises:
        ExportError: One cannot be read, or needs more than torch and the standard library.
    """
    known = {each.__name__ for each in encoder.needs}
    sources = [_source_of(each, known) for each in (*encoder.needs, encoder.encode)]
    return sources[-1][0], "\n\n".join(source for _, source in sources)


def _source_of(function: Any, known: set[str]) -> tuple[str, str]:
    """The name and the source of a function without annotations; it may read the names `known`."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        lines = textwrap.dedent(inspect.getsource(function)).splitlines()
        (parsed,) = ast.parse("\n".join(lines)).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        raise ExportError(f"The source of the encoder `{name}` cannot be read: {error}.") from error
    others = sorted(_from_elsewhere(parsed) - known)
    if not isinstance(parsed, ast.FunctionDef) or parsed.decorator_list or others:
        raise ExportError(
            f"The encoder `{name}` must be a plain function that needs torch alone and imports "
            f"the rest itself, got one that uses {', '.join(others) or 'something else'}."
        )
    arguments = ", ".join(argument.arg for argument in parsed.args.args)
    body = "\n".join(lines[parsed.body[0].lineno - 1 :])
    return name, f"def {name}({arguments}):\n{body}\n"


def _from_elsewhere(function: ast.stmt) -> set[str]:
    """The names that a function reads and neither makes, imports nor is given."""
    read, made = set[str](), {"torch", *dir(builtins)}
    body = function.body if isinstance(function, ast.FunctionDef) else []
    for node in (found for statement in body for found in ast.walk(statement)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.ExceptHandler | ast.FunctionDef) and node.name:
            made.add(node.name)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).split(".")[0])
    given = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return read - made - given


def literal(value: Any, indent: int = 0, before: int = 0) -> str:
    """A value of JSON as Python, in lines of 100 columns where it can be.

    `before` is what stands before it on its line, in columns after the indent.
    """
    whole = _whole(value)
    if indent + before + len(whole) < _WIDTH or not isinstance(value, dict | list | tuple):
        return whole
    inner, lines = " " * (indent + 4), []
    if isinstance(value, Mapping):
        for key, item in value.items():
            head = f"{_whole(key)}: "
            lines.append(f"{inner}{head}{literal(item, indent + 4, len(head))},")
        opening, closing = "{}"
    else:
        lines = [f"{inner}{literal(item, indent + 4)}," for item in value]
        opening, closing = "[]"
    return "\n".join([opening, *lines, f"{' ' * indent}{closing}"])


def _whole(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_whole(k)}: {_whole(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_whole, value)) + "]"
    if isinstance(value, str):
        told = repr(value)
        return f'"{told[1:-1]}"' if told[0] == "'" and '"' not in told else told
    return repr(value)

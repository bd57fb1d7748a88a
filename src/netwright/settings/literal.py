"""Text such as `darts(epochs=5)` as a name and its settings: literals only, nothing is evaluated.

Python's own parser reads the text into a tree; of that tree only a call with settings by keyword is
taken, whose values are numbers, strings, True, False, None, and tuples, lists and dicts of these.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any, NamedTuple

from netwright.errors import SettingError

_NAME = re.compile(r"[\w.-]+", re.ASCII)
_LONGEST = 10_000  # characters of a text


class Call(NamedTuple):
    """A name and the settings given with it."""

    name: str
    settings: dict[str, Any]


def parse_call(option: str, text: str) -> Call:
    """`name` or `name(key=value, ...)`; `option` is what an error says the text was given to.

    Raises:
        SettingError: The text is neither, or a value is no literal.
    """
    text = text.strip()
    found = _NAME.match(text)
    if found is None:
        raise SettingError(f"`{option}` must be a name such as darts(epochs=5), got {text!r}.")
    rest = text[found.end() :].strip()
    if not rest:
        return Call(found.group(), {})
    if not (rest.startswith("(") and rest.endswith(")")):
        raise _refused(option, text, "has more than a name and settings in brackets")
    return Call(found.group(), _settings(option, text, rest))


def parse_settings(option: str, text: str) -> dict[str, Any]:
    """`key=value, ...` without a name; `option` is what an error says the text was given to.

    Raises:
        SettingError: The text is something else, or a value is no literal.
    """
    return _settings(option, text, f"({text})")


def split_calls(text: str) -> list[str]:
    """The parts of `a, b(c=1, d=2)` between commas that are in no bracket and no string."""
    parts, begin, depth, quote = [], 0, 0, ""
    for place, letter in enumerate(text):
        if quote:
            if letter == quote and text[place - 1] != "\\":
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth <= 0:
            parts.append(text[begin:place])
            begin = place + 1
    return [part.strip() for part in [*parts, text[begin:]] if part.strip()]


def _settings(option: str, text: str, brackets: str) -> dict[str, Any]:
    """The settings of `(key=value, ...)`, which `text` ends with or is."""
    if len(text) > _LONGEST:
        raise _refused(option, f"{text[:60]}...", f"is longer than {_LONGEST:,} characters")
    try:
        with warnings.catch_warnings():  # of odd escapes in a string
            warnings.simplefilter("ignore")
            call = ast.parse(f"f{brackets}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(option, text, "has settings that cannot be read") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise _refused(option, text, "has more than settings")
    if call.args:
        raise _refused(option, text, "has a value without a name")
    settings: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _refused(option, text, "has a value without a name")
        if keyword.arg in settings:
            raise _refused(option, text, f"gives {keyword.arg!r} twice")
        try:
            settings[keyword.arg] = _literal(keyword.value)
        except (ValueError, RecursionError):
            raise _refused(option, text, f"has for {keyword.arg!r} what is no literal") from None
    return settings


def _literal(node: ast.expr) -> Any:
    """The value of a literal.

    Raises:
        ValueError: It is something else.
    """
    match node:
        case ast.Constant(value=None | bool() | int() | str() as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() as operand):
            value = _literal(operand)
            if type(value) not in (int, float):
                raise ValueError
            return -value if isinstance(node.op, ast.USub) else value
        case ast.Tuple(elts=items):
            return tuple(map(_literal, items))
        case ast.List(elts=items):
            return list(map(_literal, items))
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _literal(value) for key, value in zip(keys, values, strict=True)}
    raise ValueError


def _key(node: ast.expr | None) -> str | float | None:
    key = None if node is None else _literal(node)
    if node is None or isinstance(key, tuple | list | dict):  # None stands for `**`
        raise ValueError
    return key


def _refused(option: str, text: str, why: str) -> SettingError:
    return SettingError(
        f"`{option}` must be written as name(key=value, ...), each value a number, a text in "
        f"quotes, True, False, None, or a tuple, list or dict of these; {text!r} {why}."
    )

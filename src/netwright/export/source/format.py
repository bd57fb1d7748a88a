"""Python text laid out as the formatters do it: lines of 100 columns, brackets broken from outside.

A sequence of more than two layers has one a line, whatever its length.
"""

from __future__ import annotations

import itertools
import re

WIDTH = 100
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPERATOR = re.compile(r" (\+|-|\*|/|//|@|%) ")
_OPENINGS = ("nn.Sequential(", "super().__init__(")


def laid_out(text: str) -> str:
    """The text with every line that is too long, or holds a long `nn.Sequential`, broken."""
    lines = []
    for line in text.rstrip().splitlines():
        body = line.lstrip(" ")
        lines += _lay(body, len(line) - len(body)) if body else [""]
    return "\n".join(lines) + "\n"


def _lay(body: str, indent: int, tail: str = "") -> list[str]:
    """The lines of one statement or argument; `tail` (a comma) comes after it."""
    space = " " * indent
    whole = space + body + tail
    place = _bracket(body)
    if place is None or (len(whole) <= WIDTH and not _is_long_sequential(body)):
        return [whole]
    wrapped = _wrapped(body, indent) if not _is_long_sequential(body) else None
    if wrapped is not None:
        return wrapped
    start, end = place
    head, inner, rest = body[: start + 1], body[start + 1 : end], body[end:]
    parts = _split(inner)
    joined = " " * (indent + 4) + ", ".join(parts)
    fits = len(joined) <= WIDTH and not _is_long_sequential(body)
    if fits and not (head.endswith(_OPENINGS[0]) and len(parts) > 1):
        return [space + head, joined, space + rest + tail]
    lines = [space + head]
    alone = len(parts) == 1 and parts[0][0] in _PAIRS
    for part in parts:
        lines += _lay(part, indent + 4, "" if alone else ",")
    return [*lines, space + rest + tail]


def _wrapped(body: str, indent: int) -> list[str] | None:
    """A value of operators or of chained calls in brackets, None if it has neither."""
    found = re.match(r"(return |[\w.]+(?:, [\w.]+)* = )", body)
    if found is None:
        return None
    head, value = found[0], body[found.end() :]
    pieces = _pieces(value)
    if len(pieces) < 2:
        return None
    inner = " " * (indent + 4)
    if len(inner + value) <= WIDTH:
        lines = [inner + value]
    else:
        lines = [line for piece in pieces for line in _lay(piece, indent + 4)]
    return [" " * indent + head + "(", *lines, " " * indent + ")"]


def _pieces(value: str) -> list[str]:
    """A value cut before its outermost operators, else before the calls of its chain."""
    cuts: dict[str, list[int]] = {"+": [], "*": [], ".": []}
    at, depth = 0, 0
    while at < len(value):
        sign = value[at]
        if sign in "\"'":
            at = _string_end(value, at)
        elif sign in _PAIRS:
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth == 0 and re.match(r"\.\w+\(", value[at + 1 :]):
                cuts["."].append(at + 1)
        elif depth == 0 and (operator := _OPERATOR.match(value, at)):
            cuts["+" if operator[1] in "+-" else "*"].append(at + 1)
        at += 1
    if cuts["+"] or cuts["*"]:
        places = cuts["+"] or cuts["*"]
    else:
        places = cuts["."] if len(cuts["."]) > 1 else []
    ends = [0, *places, len(value)]
    return [value[a:b].strip() for a, b in itertools.pairwise(ends)]


def _is_long_sequential(body: str) -> bool:
    """Whether a sequence of more than two layers is anywhere in the text."""
    for opening in _OPENINGS:
        at = body.find(opening)
        while at >= 0:
            start = at + len(opening) - 1
            end = _closing(body, start)
            parts = _split(body[start + 1 : end]) if end is not None else []
            if len(parts) > 2 and any("(" in part for part in parts):
                return True
            at = body.find(opening, at + 1)
    return False


def _bracket(body: str) -> tuple[int, int] | None:
    """The last outermost bracket with something in it, which is the one to break."""
    found, at = None, 0
    while at < len(body):
        if body[at] in "\"'":
            at = _string_end(body, at)
        elif body[at] in _PAIRS:
            end = _closing(body, at)
            if end is None:
                return None
            if end > at + 1 and not body.startswith(("class ", "for ", "if ", '"""')):
                found = (at, end)
            at = end
        at += 1
    return found


def _closing(body: str, start: int) -> int | None:
    """Where the bracket that opens at `start` closes, None if it does not on this line."""
    depth, at = 0, start
    while at < len(body):
        if body[at] in "\"'":
            at = _string_end(body, at)
        elif body[at] in _PAIRS:
            depth += 1
        elif body[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return None


def _string_end(body: str, start: int) -> int:
    end = body.find(body[start], start + 1)
    return len(body) if end < 0 else end


def _split(inner: str) -> list[str]:
    """The parts between the outermost commas."""
    parts, depth, begin, at = [], 0, 0, 0
    while at < len(inner):
        sign = inner[at]
        if sign in "\"'":
            at = _string_end(inner, at)
        elif sign in _PAIRS:
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(inner[begin:at].strip())
            begin = at + 1
        at += 1
    parts.append(inner[begin:].strip())
    return [part for part in parts if part]

"""Python text laid out as the formatters do it: lines of 100 columns, brackets broken from outside.

`nn.Sequential` with more than two children has one a line, whatever its length.
"""

from __future__ import annotations

WIDTH = 100
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPEN = "nn.Sequential("


def laid_out(text: str) -> str:
    """The text with every line that is too long, or holds a long `nn.Sequential`, broken."""
    lines = []
    for line in text.rstrip().splitlines():
        body = line.lstrip(" ")
        lines += _lay(body, len(line) - len(body)) if body else [""]
    return "\n".join(lines) + "\n"


def _lay(body: str, indent: int, tail: str = "") -> list[str]:
    """The lines of one statement or argument; `tail` (a comma) comes behind it."""
    space = " " * indent
    whole = space + body + tail
    place = _bracket(body)
    if place is None or (len(whole) <= WIDTH and not _is_long_sequential(body)):
        return [whole]
    start, end = place
    head, inner, rest = body[: start + 1], body[start + 1 : end], body[end:]
    parts = _split(inner)
    joined = " " * (indent + 4) + ", ".join(parts)
    if len(joined) <= WIDTH and not _is_long_sequential(body):
        return [space + head, joined, space + rest + tail]
    lines = [space + head]
    for part in parts:
        lines += _lay(part, indent + 4, ",")
    return [*lines, space + rest + tail]


def _is_long_sequential(body: str) -> bool:
    """Whether a `nn.Sequential` of more than two children is anywhere in the text."""
    at = body.find(_OPEN)
    while at >= 0:
        start = at + len(_OPEN) - 1
        end = _closing(body, start)
        if end is not None and len(_split(body[start + 1 : end])) > 2:
            return True
        at = body.find(_OPEN, at + 1)
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

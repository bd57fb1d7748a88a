"""Errors in the words of the command line: `search(minutes=...)` is `--minutes` there.

A message says what a Python call must be. What it calls an argument of `search`, `load` or
`Training` has one name on the command line, so it is put in its place here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netwright.cli.options import SEARCH

_FLAGS: Mapping[str, str] = {declared.name: declared.flag for declared in SEARCH} | {
    "source": "--data"
}
_RETRAIN = {"keep_weights=True": "--keep-weights"}
_SWITCHES = {declared.name for declared in SEARCH if declared.kind == "switch"}
_TRAINING = {"epochs": "--trial-epochs", "full_epochs": "--full-epochs"}
_WHOLE = {
    "draw(path=...)": "--out",
    "draw(data, path=...)": "--out",
    "search(...)": "netwright search",
    "search(space, ...)": "--space",
}
_WORDS = "|".join(sorted(_FLAGS, key=len, reverse=True))

_LACKING = re.compile(
    r" [^.`]*`search\(targets=\[\.\.\.\]\)`[^.]*`on=\.\.\.`\."
)  # there is no such option
_QUOTED = re.compile(r"`([^`]+)`( of )?")
_CALL = re.compile(r"(?:netwright\.)?(search|load|Training)\((.*)\)", re.DOTALL)
_GIVEN = re.compile(rf"({_WORDS})(?:=(.*))?", re.DOTALL)
_BARE = re.compile(rf"(?<![\w`(.\"'-])({_WORDS})=([^\s,;.]+)")


def in_options(text: str) -> str:
    """A message with the options of the command line where it names arguments of Python."""
    text = _LACKING.sub("", text)
    parts = re.split(r"(`[^`]+`(?: of )?)", text)
    told = (_QUOTED.sub(_quoted, p) if p.startswith("`") else _BARE.sub(_bare, p) for p in parts)
    return "".join(told)


def _quoted(match: re.Match[str]) -> str:
    whole, inner, of = match.group(0), match.group(1), match.group(2) or ""
    if inner == "validation=...":
        return f"the share of the validation part{of}"  # there is no such option
    if inner in _RETRAIN:
        return f"`{_RETRAIN[inner]}`{of}"
    if inner in _WHOLE:
        return f"`{_WHOLE[inner]}`{of}"
    call = _CALL.fullmatch(inner)
    if call is None:
        given = None if of else _GIVEN.fullmatch(inner)
        return whole if given is None else f"`{_option(given[1], given[2])}`"
    name, arguments = call.groups()
    given = _GIVEN.fullmatch(arguments)
    if name == "Training" and given is None and "=" in arguments:
        return f"`--training '{arguments}'`{of}"
    if name == "Training":
        key = given[1] if given is not None else ""
        value = "" if given is None else given[2]
        told = f"{_TRAINING[key]} {value}" if key in _TRAINING else f"--training '{arguments}'"
        return f"`{told.removesuffix(' ...')}`{of}"
    if given is not None:
        return f"`{_option(given[1], given[2])}`{of}"
    if name == "load":
        return f"`--data {arguments.strip(chr(39))}`{of}".replace(" ...`", "`")
    return whole


def _bare(match: re.Match[str]) -> str:
    return _option(match[1], match[2])


def _option(name: str, value: str | None) -> str:
    """An option with its value as it is written there."""
    flag = _FLAGS[name]
    if value in (None, "..."):
        return flag
    if name in _SWITCHES:
        return {"True": flag, "False": flag.replace("--", "--no-", 1)}.get(value, f"{flag} {value}")
    if name == "size":
        return f"{flag} HxW" if not re.search(r"\d", value) else flag
    if name == "limits":
        bound = re.fullmatch(r"\{'([^']+)': (.+)\}", value)
        return f"{flag} {bound[1]}={bound[2]}" if bound is not None else flag
    if name == "objectives":
        wanted = re.fullmatch(r"\[nw\.maximize\('(\w+)'\)\]", value)
        return f"{flag} {wanted[1]}" if wanted is not None else flag
    if name == "task" and (made := re.fullmatch(r"nw\.(\w+)(\(.*\))", value)) is not None:
        settings = made[2].replace("'", '"')
        return f"{flag} '{made[1].lower()}{settings}'"
    return f"{flag} {value.strip(chr(39) + chr(34))}"

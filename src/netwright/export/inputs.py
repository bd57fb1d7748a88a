"""What each place of the raw tensors holds, for who feeds a form by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.network.signature import Signature

_OF_DATES = {
    "day": "days since 1970-01-01",
    "month": "month, 1 to 12",
    "weekday": "weekday, 0 is Monday",
    "hour": "hour, 0 to 23",
}
_FEW = 8  # levels that are shown in one line of a docstring


def explain_inputs(
    signature: Signature, book: Mapping[str, Any] | None
) -> list[dict[str, Any]] | None:
    """A row of JSON for each place of a table's raw tensors, for each tensor where it is no table.

    `tensor` and `place` say which; of a table `column` is the name of the column, `holds` what of
    it is there, `less` what was taken from it, and `codes` the levels of a category, the first of
    which has the code 1; 0 is any other. None where nothing says how rows are encoded.
    """
    kind = (book or {}).get("kind")
    known = ("columns", "arrays", "pictures", "named", "series", "sound", "text", "stream")
    if book is None or kind not in known:
        return None
    if kind == "sound":
        return [{"tensor": signature.inputs[0].name, "holds": _of_sound(book)}]
    if kind in ("text", "stream"):
        return [{"tensor": signature.inputs[0].name, "holds": _of_text(book)}]
    if kind == "series":
        return _of_channels(signature, book["channels"])
    if kind == "columns":
        return _of_columns(signature, book["columns"])
    return [
        {"tensor": spec.name, "holds": _holds(spec.shape, spec.dtype, spec.ids)}
        for spec in signature.inputs
    ]


def _of_channels(signature: Signature, channels: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    name = signature.inputs[0].name
    holds = "values in the order of time, NaN where one is missing and after the end"
    return [
        {
            "tensor": name,
            "place": place,
            "column": f"channel {channel['name']}",
            "holds": holds,
            **({"less": channel["offset"]} if channel["offset"] else {}),
            "missing": "NaN",
        }
        for place, channel in enumerate(channels)
    ]


def _of_columns(signature: Signature, columns: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    numbers = [c for c in columns if c["kind"] != "category"]
    names = [spec.name for spec in signature.inputs]
    found: list[dict[str, Any]] = []
    start = 0
    for column in numbers:
        place = {"tensor": names[0], "column": column["name"]}
        if column["kind"] == "words":
            count = len(column["words"])
            holds = f"weights of {count:,} words, up to place {start + count - 1}"
            found.append({**place, "place": start, "holds": holds})
            start += count
            continue
        for holds in _parts_of(column):
            first = holds in ("number", _OF_DATES["day"])
            less = {"less": column["offset"]} if first else {}
            found.append({**place, "place": start, "holds": holds, **less, "missing": "NaN"})
            start += 1
    categories = [c for c in columns if c["kind"] == "category"]
    for number, column in enumerate(categories):
        where = {"tensor": names[-1], "place": number, "column": column["name"]}
        found.append({**where, "holds": "code", "codes": list(column["levels"])})
    return found


def _of_sound(book: Mapping[str, Any]) -> str:
    """What samples are, in one phrase."""
    return (
        f"recordings as samples from -1 to 1 at {book['rate']} Hz, one channel, NaN after the end "
        f"of each; at most {book['longest'] / book['rate']:.2f} s"
    )


def _of_text(book: Mapping[str, Any]) -> str:
    """What ids stand for, in one phrase."""
    where = f" of the columns {', '.join(book['columns'])}" if book["columns"] else ""
    pairs = (
        f", from 257 on {len(book['merges']):,} pairs that were merged" if book["merges"] else ""
    )
    return (
        f"texts{where} in NFC, as UTF-8: a byte b is the id b + 1{pairs}; 0 after the end; at most "
        f"{book['longest']:,} ids"
    )


def _parts_of(column: Mapping[str, Any]) -> list[str]:
    """What the numbers of a column hold, one after the other."""
    if column["kind"] == "number":
        return ["number"]
    return [told for name, told in _OF_DATES.items() if name != "hour" or column["hours"]]


def _holds(shape: tuple[int | None, ...], dtype: str, ids: int | None) -> str:
    if ids is not None:
        return f"ids from 0 to {ids - 1}"
    values = "bytes, 0 to 255" if dtype == "uint8" else f"numbers of {dtype}, not scaled"
    if len(shape) == 3:
        channels = {1: "gray", 3: "red, green, blue"}.get(shape[0] or 0, "as in the data")
        return f"pictures (channels, height, width): {values}; channels: {channels}"
    return f"{values}, in the order of the data"


def input_line(row: Mapping[str, Any], *, short: bool = False) -> str:
    """A row of `explain_inputs` in one line: `categories[1] = word: 1 blue, 2 red, 0 other`."""
    if "place" not in row:
        return f"{row['tensor']} = {row['holds']}"
    where = f"{row['tensor']}[{row['place']}] = {row['column']}"
    if "codes" in row:
        return f"{where}: {codes_text(row['codes'], short=short)}"
    less = f", less {row['less']:.15g}" if "less" in row else ""
    return f"{where}{less}" if row["holds"] == "number" else f"{where}: {row['holds']}{less}"


def codes_text(levels: list[str], *, short: bool = False) -> str:
    """The codes of a category with their levels; the empty level is a missing value."""
    shown = levels[:_FEW] if short else levels
    told = [f"{code} {level or '(missing)'}" for code, level in enumerate(shown, 1)]
    more = [f"... to {len(levels)}"] if len(shown) < len(levels) else []
    return ", ".join([*told, *more, "0 other"])

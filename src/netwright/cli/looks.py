"""`netwright data`: what there is in data, in lines for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli import launch, rows, words

_BARS = "▁▂▃▄▅▆▇█"
_MOST = 40  # columns, or names of what is predicted, that are shown
_LEVELS = 4  # of a category
_MODES = {
    "1": "black and white", "L": "gray", "LA": "gray with alpha", "P": "with a palette",
    "RGBA": "RGB with alpha", "I;16": "gray of 16 bits", "I": "gray of 32 bits",
    "F": "gray of floats",
}  # fmt: skip


def data(
    source: Annotated[
        str, typer.Argument(metavar="DATA", help="As --data of search: a path, or a set's name.")
    ],
    label: rows.LabelColumn = None,
    test: rows.TestTable = None,
    group: rows.GroupColumn = None,
    time: rows.TimeColumn = None,
    drop_rare: rows.DropRare = False,
    task: rows.TaskName = None,
    series: rows.SeriesColumn = None,
    kind: rows.DataKind = None,
    tokens: rows.TokenKind = None,
    rate: rows.SoundRate = None,
    size: rows.ImageSize = None,
    fit: rows.ImageFit = None,
    page: rows.ImagePage = None,
    channels: rows.ChannelsPlace = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Also draw pictures, series or sounds of each class to .svg or .png."),
    ] = None,
    as_json: rows.AsJson = False,
) -> None:
    """Look at data as a search would read them: columns, classes, parts; nothing is trained."""
    from netwright.data import look
    from netwright.drawing import draw
    from netwright.drawing.picture import check_path

    if out is not None:
        check_path(out)
    call: dict[str, Any] = {"data": source, "label": label, "test": test, "group": group}
    call |= {"time": time, "drop_rare": drop_rare, "task": task, "kind": kind, "tokens": tokens}
    call |= {"series": series, "rate": rate, "size": size}
    call |= {"fit": fit, "page": page, "channels": channels}
    made = launch.data_of(call)
    found = look(made)
    found["remarks"] = [words.in_options(remark) for remark in found["remarks"]]
    if out is not None:
        draw(made, path=out)
    typer.echo(json.dumps(found) if as_json else "\n".join(look_lines(found)))
    if out is not None:
        typer.echo(f"Some rows are drawn in {out}.", err=True)


def look_lines(found: Mapping[str, Any]) -> list[str]:
    """A look as lines for people."""
    parts = ", ".join(f"{count:,} {part}" for part, count in found["parts"].items() if count)
    of = f" (column '{found['label']}')" if found.get("label") else ""
    lines = [
        f"{found['name']}: {found['rows']:,} rows: {parts}",
        f"to predict: {found['task']}{of}",
    ]
    if "pictures" in found:
        lines += _pictures(found["pictures"])
    elif "texts" in found:
        lines += _texts(found["texts"])
    elif "sounds" in found:
        lines += _sounds(found["sounds"])
    elif "series" in found:
        told = found["series"]
        steps = f"{told['least']} to {told['most']} steps, half of them {told['median']:g} or less"
        steps = f"{told['most']} steps" if told["least"] == told["most"] else steps
        lines.append(f"series: {told['channels']} channel{'s' * (told['channels'] > 1)}; {steps}")
    elif "columns" not in found:
        lines += [f"{name}: {shape}" for name, shape in found["inputs"].items()]
    lines += _counts(found.get("counts", ()))
    lines += _curves(found)
    for key in ("numbers", "columns"):
        if found.get(key):
            lines += ["", "to predict" if key == "numbers" else key, *_ranges(found[key])]
    if found["remarks"]:
        lines += ["", "remarks", *(f"  {remark}" for remark in found["remarks"])]
    return lines


def _pictures(told: Mapping[str, Any]) -> list[str]:
    channels, height, width = told["shape"]
    kind = {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels")
    means = ", ".join(f"{mean:.1f}" for mean in told["mean"])
    spreads = ", ".join(f"{spread:.1f}" for spread in told["deviation"])
    return [
        f"pictures: {height}x{width}, {kind}; mean {means}, deviation {spreads} (train part)",
        *([_files(told["files"])] if "files" in told else []),
    ]


def _files(told: Mapping[str, Any]) -> str:
    """What the files of pictures had."""
    (low, high), (narrow, wide) = told["height"], told["width"]
    sizes = f"all {low}x{narrow}"
    if told["sizes"] > 1:
        sizes = f"{told['sizes']:,} sizes, {low} to {high} high and {narrow} to {wide} wide"
    modes = ", ".join(f"{n:,} {_MODES.get(mode, mode)}" for mode, n in told["modes"].items())
    return f"files: {sizes}; {modes}"


def _curves(found: Mapping[str, Any]) -> list[str]:
    """A row of each class as bars, from its least to its most."""
    shown = [each for each in found.get("curves", ()) if each["values"]]
    if not shown:
        return []
    wide = max(len(each["name"]) for each in shown)
    what = "loudness" if "sounds" in found else "first channel"
    many = "a row of each class" if found.get("counts") else "some rows"
    return ["", f"{many}: its {what}", *(f"  {e['name']:{wide}}  {_bars(e)}" for e in shown)]


def _bars(each: Mapping[str, Any]) -> str:
    some = [value for value in each["values"] if value is not None]
    low, high = min(some, default=0.0), max(some, default=0.0)
    steps = (len(_BARS) - 1) / (high - low if high > low else 1.0)
    return "".join(
        " " if value is None else _BARS[round((value - low) * steps)] for value in each["values"]
    ).rstrip()


def _texts(told: Mapping[str, Any]) -> list[str]:
    lengths = told["lengths"]
    lines = [
        f"texts: {told['words']:,} different words; {told['tokens']} of each: {_range(lengths)}, "
        f"{lengths['mean']:.0f} on average; read to {told['longest']:,}"
    ]
    if told["empty"]:
        lines.append(f"empty: {told['empty']:,}")
    shown = [each for each in told["telling"][:_MOST] if each["words"]]
    if not shown:
        return lines
    wide = max(len(each["name"]) for each in shown)
    pairs = ((each, ", ".join(f"{w} {count:,}" for w, count in each["words"])) for each in shown)
    listed = [f"  {each['name']:{wide}}  {words}" for each, words in pairs]
    return [*lines, "", "words that tell, and how many texts have them", *listed]


def _sounds(told: Mapping[str, Any]) -> list[str]:
    seconds = told["seconds"]
    rates = ", ".join(f"{count:,} at {int(rate):,} Hz" for rate, count in told["rates"].items())
    channels = ", ".join(
        f"{count:,} of {number} channel{'s' * (number != '1')}"
        for number, count in told["channels"].items()
    )
    odd = [f"{what}: {told[what]:,}" for what in ("empty", "silent", "clipped") if told[what]]
    return [
        f"recordings: {seconds['total'] / 60:,.1f} minutes; seconds of each: {_range(seconds)}, "
        f"{seconds['mean']:.2f} on average; read at {told['rate']:,} Hz to {told['longest']:.1f} s",
        f"files: {rates}; {channels}",
        *([", ".join(odd)] if odd else []),
    ]


def _counts(told: Any) -> list[str]:
    if not told:
        return []
    shown = sorted(told, key=lambda each: -each["rows"])[:_MOST]
    wide = max(len(each["name"]) for each in shown)
    most = max(each["rows"] for each in shown) or 1
    lines = [
        f"  {each['name']:{wide}}  {each['rows']:>9,}  {each['share']:7.2%}  "
        f"{'█' * round(20 * each['rows'] / most)}".rstrip()
        for each in shown
    ]
    return ["", "rows of each", *lines, *_more(len(told))]


def _ranges(told: list[Mapping[str, Any]]) -> list[str]:
    shown = told[:_MOST]
    wide = max(len(each["name"]) for each in shown)
    lines = []
    for each in shown:
        gaps = f"; {each['gaps']:,} missing" if each["gaps"] else ""
        kind = each.get("kind", "number")
        what = {"category": _levels, "text": _words}.get(kind, _range)(each)
        lines.append(f"  {each['name']:{wide}}  {kind:8}  {what}{gaps}")
    return [*lines, *_more(len(told))]


def _range(each: Mapping[str, Any]) -> str:
    low, high = (
        value if isinstance(value, str) or value is None else f"{value:.6g}"
        for value in (each["least"], each["most"])
    )
    most = max(each["histogram"], default=0)
    heights = (-(-count * (len(_BARS) - 1) // most) for count in each["histogram"])
    return f"{''.join(_BARS[height] for height in heights)}  {low} to {high}"


def _levels(each: Mapping[str, Any]) -> str:
    levels = each["levels"]
    told = ", ".join(f"{level} {count:,}" for level, count in levels[:_LEVELS])
    more = f", and {len(levels) - _LEVELS} more" if len(levels) > _LEVELS else ""
    other = f"; {each['other']:,} others" if each["other"] else ""
    return f"{told}{more}{other}"


def _words(each: Mapping[str, Any]) -> str:
    words = each["words"]
    told = ", ".join(f"{word} {count:,}" for word, count in words[:_LEVELS])
    more = f", and {len(words) - _LEVELS} more words" if len(words) > _LEVELS else ""
    without = f"; {each['without']:,} rows have none of them" if each["without"] else ""
    return f"{told}{more}{without}"


def _more(count: int) -> list[str]:
    return [f"  and {count - _MOST:,} more; --json has all"] if count > _MOST else []

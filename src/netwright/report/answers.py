"""What the network answers on the test part: by class, calibration, residuals, the worst rows."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from netwright.drawing.png import png_address
from netwright.record.record import Record
from netwright.report.charts import Chart, Line, Points
from netwright.report.html import Pages
from netwright.tasks.examined import by_name

_PAGES = Pages()
_MATRIX = 20  # classes, of which all pairs are shown as a table
_MISTAKES = 12  # pairs that are shown, of more classes
_SHOWN = 8  # columns of a row of a table
_LONG = 60  # characters of a cell


def answers(record: Record) -> Markup:
    """What the best network answers; nothing where that was not examined."""
    best = record.best
    examined = record.examined.get(best.number, {}) if best is not None else {}
    if not examined:
        return Markup()
    label = (record.settings["data"] or {}).get("label")
    return _PAGES.render(
        "answers.html",
        by_name=[_name_row(row) for row in by_name(examined)],
        matrix=_matrix(examined) if "confusion" in examined else None,
        mistakes=_mistakes(examined) if "confusion" in examined else [],
        calibration=_calibration(examined.get("calibration", ())),
        numbers=[_number(each, label) for each in examined.get("numbers", ())],
        worst=[_worst(row, examined, label) for row in examined.get("worst", ())],
        columns=_columns(examined.get("worst", ())),
    )


def _name_row(row: Mapping[str, Any]) -> list[str]:
    shares = (row["recall"], row["precision"], row["f1"])
    told = ("none" if share is None else f"{share:.1%}" for share in shares)
    return [row["class"], f"{row['rows']:,}", *told]


def _matrix(examined: Mapping[str, Any]) -> dict[str, Any] | None:
    """The confusion matrix: a row for each class, with the strength of the colour of each cell."""
    names = examined["names"]
    if len(names) > _MATRIX:
        return None
    cells = {(a, b): rows for a, b, rows in examined["confusion"]}
    table = []
    for place, name in enumerate(names):
        row = [cells.get((place, other), 0) for other in range(len(names))]
        whole = sum(row) or 1
        shown = [
            (count, round(count / whole, 3), place == other) for other, count in enumerate(row)
        ]
        table.append((name, shown))
    return {"names": names, "rows": table}


def _mistakes(examined: Mapping[str, Any]) -> list[list[str]]:
    """The most frequent mistakes, of so many classes that their matrix is not shown."""
    names = examined["names"]
    if len(names) <= _MATRIX:
        return []
    wrong = sorted((p for p in examined["confusion"] if p[0] != p[1]), key=lambda p: -p[2])
    return [[names[a], names[b], str(rows)] for a, b, rows in wrong[:_MISTAKES]]


def _calibration(bins: Sequence[Sequence[float]]) -> Markup | None:
    """The share that is right against the probability that was given."""
    if not bins:
        return None
    dots = [
        (confidence, right, f"{int(rows)} rows: {confidence:.1%} given, {right:.1%} right")
        for rows, confidence, right in bins
    ]
    low = min(0.9, *(min(x, y) for x, y, _ in dots))
    return Chart(
        "probability given",
        "share that is right",
        [Line([(low, low), (1.0, 1.0)], "random"), Line([dot[:2] for dot in dots], "best")],
        [Points(dots, "final", 4.5)],
        width=460,
        percent=True,
    ).svg()


def _number(told: Mapping[str, Any], label: str | None) -> dict[str, Any]:
    """One of the numbers: what was said against what is, and the residuals."""
    name = told["name"] if told["name"] != "answer" or label is None else label
    pairs = [(x, y, f"is {x:.5g}, said {y:.5g}") for x, y in told["pairs"]]
    ends = [end for pair in pairs for end in pair[:2]]
    line = [(min(ends), min(ends)), (max(ends), max(ends))]
    chart = Chart(
        f"{name} in the test part",
        "said",
        [Line(line, "random")],
        [Points(pairs, "trial", 3)],
        width=460,
    )
    residuals = told["residuals"]
    low, middle, high = residuals["quartiles"]
    least, most = residuals["least"], residuals["most"]
    step, tallest = (most - least) / 10, max(residuals["histogram"])
    bars = [
        (
            f"{least + i * step:.4g} to {least + (i + 1) * step:.4g}",
            str(count),
            f"{count / tallest:.3f}",
        )
        for i, count in enumerate(residuals["histogram"])
    ]
    said = (
        f"Half of the answers are from {low:.4g} to {high:.4g} off (said less is), "
        f"in the middle {middle:.4g}; all are from {least:.4g} to {most:.4g}."
    )
    return {"name": name, "chart": chart.svg(), "said": said, "bars": bars}


def _columns(worst: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that are shown of the worst rows of a table."""
    shown = worst[0].get("shown") if worst else None
    if not isinstance(shown, Mapping) or "picture" in shown:
        return []
    return list(shown)[:_SHOWN]


def _worst(
    row: Mapping[str, Any], examined: Mapping[str, Any], label: str | None
) -> dict[str, Any]:
    shown = row.get("shown")
    picture = shown.get("picture") if isinstance(shown, Mapping) else None
    cells = []
    if isinstance(shown, Mapping) and picture is None:
        cells = [_short(value) for value in list(shown.values())[:_SHOWN]]
    probability = row.get("probability")
    return {
        "row": row["row"],
        "is": _said(row["is"]),
        "said": _said(row["said"]) + (f", {probability:.1%}" if probability is not None else ""),
        "picture": None if picture is None else _png(picture),
        "text": _short(shown, 300) if isinstance(shown, str) else "",
        "cells": cells,
    }


def _said(answer: Any) -> str:
    if isinstance(answer, list):
        return ", ".join(f"{x:.5g}" if isinstance(x, float) else str(x) for x in answer) or "none"
    return str(answer)


def _short(value: object, most: int = _LONG) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}..."


def _png(picture: Mapping[str, Any]) -> str:
    """A picture as the address of a PNG, which the page holds itself."""
    height, width, channels = picture["shape"]
    return png_address((height, width, channels), base64.b64decode(picture["bytes"]))

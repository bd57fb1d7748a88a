"""The report of a run as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from netwright.errors import SettingError
from netwright.files.whole import write_whole
from netwright.objective import figures
from netwright.record.designs import designs_noted
from netwright.record.record import Record
from netwright.record.reference import is_below_reference, models_compared
from netwright.record.sureness import choice_told, error_told, judged_told
from netwright.record.trained_on import first_of_folds
from netwright.record.turned_down import slow_told
from netwright.record.words import counted
from netwright.report import sections
from netwright.report.answers import answers
from netwright.report.html import Pages
from netwright.report.shared_weights import shared
from netwright.report.statistics import interval

_PAGES = Pages()


def write_report(record: Record, path: str | Path) -> None:
    """Write the page; it is there whole or not at all.

    Raises:
        SettingError: `path` is a folder or cannot be written.
    """
    write_page(Path(path), page(record))


def write_page(path: Path, text: str) -> None:
    """Write a page; raises as `write_report`."""
    if path.is_dir():
        raise SettingError(
            f"The report {str(path)!r} is a folder; name a file such as "
            f"{str(path / 'report.html')!r}."
        )
    try:
        write_whole(path, text)
    except OSError as error:
        raise SettingError(
            f"The report {str(path)!r} cannot be written: {error.strerror}; name another file."
        ) from error


def page(record: Record) -> str:
    """The HTML of the report."""
    parts: Sequence[Callable[[Record], Markup]] = (
        header,
        sections.progress,
        shared,
        sections.fronts,
        sections.finalists,
        answers,
        sections.network,
        sections.choices,
        sections.failures,
        sections.costs,
        sections.settings,
    )
    return _PAGES.document(f"{record.name} · netwright", [part(record) for part in parts])


def header(record: Record) -> Markup:
    """The result in one sentence, then its figures."""
    best = record.best
    tested = None if best is None else record.tested_score(best)
    reason = f": {record.reason}" if record.reason else "."
    began = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return _PAGES.render(
        "header.html",
        name=record.name,
        data=(record.settings["data"] or {}).get("name", "the user's own data"),
        began=began,
        headline="No network yet" if best is None else _headline(record, tested),
        below=_below(record, tested),
        judged=judged_told(record, best),
        status=_status(record),
        notes=record.notes,
        why_none=f"No trial ended well within the limits{reason}" if best is None else "",
        figures=[] if best is None else _figures(record, tested),
    )


def _below(record: Record, tested: float | None) -> str:
    """By how much the best is below the reference; empty if it is not."""
    best, reference = record.best, record.reference_score
    if best is None or not is_below_reference(record, best) or not record.reference:
        return ""
    assert tested is not None and reference is not None
    show = record.metric.show
    return (
        f"{record.reference_name} reaches {show(reference)} on the test part, "
        f"this network {show(tested)}{record.metric.better}. Search longer, or loosen the limits."
    )


def _headline(record: Record, tested: float | None) -> str:
    best = record.best
    assert best is not None
    if tested is not None:
        return f"{record.metric.show(tested)} test {record.metric.name}"
    metric = record.objectives[0].metric
    value = best.metrics[metric]
    shown = f"{value:.2%}" if record.is_fraction(metric) else f"{value:.5g}"
    yet = "" if record.status == "done" else " yet"
    return f"{shown} validation {metric}, not{yet} tested"


def _status(record: Record) -> str:
    words = {
        "done": "The run is finished.",
        "interrupted": "The run was interrupted; what follows is the state it was left in.",
        "unfinished": "The run is not finished; what follows is its state so far.",
        "failed": "The run failed.",
    }
    rejected = len(record.rejections)
    best = record.best
    final_stage = record.final_stage
    final = sum(t.proposal.stage == final_stage for t in record.history)
    metric = record.objectives[0].metric
    is_best = f"The network is the best of {counted(final, 'finalist')} by validation {metric}."
    chosen = (
        f" {choice_told(record, best) or is_best} Its validation {metric} is therefore a little "
        "optimistic; the test part was used once, at the end."
        if best is not None and record.tested and final_stage.is_final
        else ""
    )
    if best is not None and record.schedules is not None and record.settings["finals"]:
        chosen += "" if record.schedules.finals else " The minutes left no time for finals."
    if record.tested and record.stage.is_refit:
        chosen += (
            " Before the test it was trained again, on the train and validation parts together."
        )
    if best is not None and (known := designs_noted(record, best)):
        chosen += f" {known}"
    or_slow = "" if record.time_plan is None else " or too slow"
    were = f"{counted(rejected, 'network')} {'was' if rejected == 1 else 'were'}"
    over = f", {were} over a limit{or_slow} and not trained" if rejected else ""
    slow = f" {told}." if (told := slow_told(record)) else ""
    ended = f"{counted(len(record.history), 'trial')} ended"
    return f"{words[record.status]} {ended}{over}.{slow}{chosen}"


def _figures(record: Record, tested: float | None) -> list[tuple[str, str]]:
    best = record.best
    assert best is not None
    rows, metric = [], record.metric
    examples = (record.settings["data"] or {}).get("test", 0)
    if tested is not None and metric.fraction and examples:
        low, high = interval(tested, examples)
        rows.append((f"{low:.1%} to {high:.1%}", f"95 % interval of the test {metric.name}"))
    if metric.name in best.metrics:
        error = f", {known}" if (known := error_told(record, best)) else ""
        rows.append((metric.show(best.metrics[metric.name]), f"validation {metric.name}{error}"))
    if folds := first_of_folds(record, best):
        rows.append((f"1 of {folds}", "fold whose network this is; validation is of all of them"))
    for latency, value in figures(best.metrics, "latency_ms").items():
        where = f", {latency.target}" if latency.target else ""
        rows.append((f"{value:.4f} ms", f"latency{where}"))
    for cost, unit in (("params", "parameters"), ("macs", "multiply-accumulates")):
        if cost in best.metrics:
            rows.append((f"{best.metrics[cost]:,.0f}", unit))
    if record.reference and (reference := record.reference_score) is not None:
        name = record.reference_name
        chosen = f", {compared}" if (compared := models_compared(record)) else ""
        rows.append((metric.show(reference), f"test {metric.name} of {name}{chosen}"))
    for limit in record.limits:
        sign = "≥" if limit.least else "≤"
        rows.append((f"{sign} {limit.bound:g}", f"limit on {limit.metric}, kept"))
    return rows

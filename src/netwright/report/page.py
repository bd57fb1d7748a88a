"""The report of a run as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from netwright.errors import SettingError
from netwright.network.files import write_whole
from netwright.objective import figures
from netwright.record.record import Record
from netwright.report import sections
from netwright.report.html import document
from netwright.report.shared_weights import shared
from netwright.report.statistics import interval


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
    parts: Sequence[Callable[[Record], str]] = (
        header,
        sections.progress,
        shared,
        sections.fronts,
        sections.finalists,
        sections.network,
        sections.choices,
        sections.failures,
        sections.costs,
        sections.settings,
    )
    body = "\n".join(part(record) for part in parts)
    return document(f"{record.name} · netwright", body)


def header(record: Record) -> str:
    """The result in one sentence, then its figures."""
    began = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    data = (record.settings["data"] or {}).get("name", "the user's own data")
    told = f'<p class="soft small">run {escape(record.name)} · {escape(str(data))} · {began}</p>'
    best = record.best
    if best is None:
        reason = f": {record.reason}" if record.reason else "."
        return (
            f"{told}<h1>No network yet</h1><p>{_status(record)}</p>"
            f"<p>No trial ended well within the limits{escape(reason)}</p>"
        )
    tested, reference = record.tested_score(best), record.reference_score
    below = ""
    if record.is_below_reference(best) and record.reference:
        assert tested is not None and reference is not None
        show = record.metric.show
        below = (
            '<section class="loud"><b>Below the reference.</b> '
            f"{escape(record.reference['name'])} reaches {show(reference)} on the test part, "
            f"this network {show(tested)}. Search longer, or loosen the limits.</section>"
        )
    return (
        f"{told}<h1>{_headline(record, tested)}</h1>{below}<p>{_status(record)}</p>"
        f'<div class="figures">{_figures(record, tested)}</div>'
    )


def _headline(record: Record, tested: float | None) -> str:
    best = record.best
    assert best is not None
    if tested is not None:
        return f"{record.metric.show(tested)} test {record.metric.name}"
    metric = record.objectives[0].metric
    value = best.metrics[metric]
    shown = f"{value:.2%}" if record.is_fraction(metric) else f"{value:.5g}"
    return f"{shown} validation {escape(metric)}, not yet tested"


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
    chosen = (
        f" The network is the best of {final} finalists by validation {record.metric.name}, which "
        "is therefore a little optimistic; the test part was used once, at the end."
        if best is not None and record.tested and final_stage.is_final
        else ""
    )
    if chosen and record.stage.is_refit:
        chosen += " Before that it was trained again, on the train and validation parts together."
    over = f", {rejected} networks were over a limit and not trained" if rejected else ""
    return f"{words[record.status]} {len(record.history)} trials ended{over}.{chosen}"


def _figures(record: Record, tested: float | None) -> str:
    best = record.best
    assert best is not None
    rows, metric = [], record.metric
    if tested is not None and metric.fraction:
        low, high = interval(tested, (record.settings["data"] or {}).get("test", 0))
        rows.append((f"{low:.1%} to {high:.1%}", f"95 % interval of the test {metric.name}"))
    if metric.name in best.metrics:
        rows.append((metric.show(best.metrics[metric.name]), f"validation {metric.name}"))
    for latency, value in figures(best.metrics, "latency_ms").items():
        where = f", {latency.target}" if latency.target else ""
        rows.append((f"{value:.4f} ms", f"latency{where}"))
    for cost, unit in (("params", "parameters"), ("macs", "multiply-accumulates")):
        if cost in best.metrics:
            rows.append((f"{best.metrics[cost]:,.0f}", unit))
    if record.reference and (reference := record.reference_score) is not None:
        name = record.reference["name"]
        rows.append((metric.show(reference), f"test {metric.name} of {name}"))
    for limit in record.limits:
        rows.append((f"≤ {limit.bound:g}", f"limit on {limit.metric}, kept"))
    return "".join(
        f'<div><b>{escape(value)}</b><span class="soft small">{escape(name)}</span></div>'
        for value, name in rows
    )

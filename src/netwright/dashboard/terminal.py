"""What a person sees while a run goes on: a live view on a terminal, single lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from netwright.objective import figures
from netwright.record.progress import Flight, Progress
from netwright.record.words import counted
from netwright.tasks import Metric
from netwright.trial import SEARCH, Stage, Trial

_EVERY = 0.3  # seconds between two pictures
_ROWS = 8  # of the front
_BARS = "▁▂▃▄▅▆▇█"


@contextmanager
def view(*, quiet: bool = False) -> Iterator[Callable[[Progress], None]]:
    """The view that fits: live on a terminal, plain lines elsewhere, nothing when quiet."""
    console = Console(stderr=True)
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield LiveView(live)
    else:
        yield PlainView()


class LiveView:
    """Redraws the whole picture some times a second, and after each stage."""

    def __init__(self, live: Live) -> None:
        self._live, self._last = live, 0.0

    def __call__(self, progress: Progress) -> None:
        """Draw, unless the last picture is fresh."""
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._live.update(picture(progress, self._live.console.width), refresh=True)
            self._last = time.monotonic()


class PlainView:
    """One line when a stage begins or the best improves; no control characters."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._best: tuple[Stage, int] | None = None
        self._planned = False

    def __call__(self, progress: Progress) -> None:
        """Print what is new."""
        if progress.planned is not None and not self._planned:
            self._planned = True
            print(f"[{clock(progress.seconds)}] {planned(progress)}", file=sys.stderr)
        if progress.shared is not None:
            print(
                f"[{clock(progress.seconds)}] {stage_name(progress)}", file=sys.stderr, flush=True
            )
            return
        if progress.stage != self._stage and (progress.stage.explores or progress.expected):
            self._stage = progress.stage
            print(f"[{clock(progress.seconds)}] {stage_name(progress)}", file=sys.stderr)
        best = progress.best()
        if best is not None and (best.proposal.stage, best.number) != self._best:
            self._best = (best.proposal.stage, best.number)
            print(
                f"[{clock(progress.seconds)}] best so far: {told(best, progress.metric)}",
                file=sys.stderr,
            )
        sys.stderr.flush()


def picture(progress: Progress, width: int) -> RenderableType:
    """The live view as a renderable of at most `width` columns and some 30 lines."""
    rows: list[RenderableType] = [_head(progress, width), Text("")]
    best = progress.best()
    objective = progress.objectives[0].metric
    rows.append(
        Text.assemble(
            ("best  ", "bold"), told(best, progress.metric) if best else f"no {objective} yet"
        )
    )
    line = sparkline(progress, max(10, min(width - 14, 60)))
    if line:
        rows.append(Text.assemble(("so far ", "dim"), (line, "green")))
    if progress.flights:
        rows += [Text(""), _running(progress.flights, progress.metric, width)]
    front = progress.front()
    if len(progress.objectives) > 1 and front:
        rows += [Text(""), _front(front, progress.metric, _ROWS if width >= 60 else 4)]
    return Panel(Group(*rows), title=f"netwright · {progress.run}", width=min(width, 100))


def _head(progress: Progress, width: int) -> RenderableType:
    counts = progress.counts()
    share = progress.share()
    counted = Text.assemble(
        (f"{counts['done']}", "bold green"),
        " done  ",
        (f"{counts['failed']}", "bold red" if counts["failed"] else "dim"),
        " failed  ",
        (f"{counts['running']}", "bold cyan"),
        " running  ",
        (f"{counts['rejected']}", "dim"),
        " over a limit" if progress.planned is None else " over a limit or too slow",
    )
    spent = f"{clock(progress.seconds)} spent"
    left = remaining(progress)
    timed = Text(f"{stage_name(progress)}   {spent}" + (f", {left} left" if left else ""))
    bar = ProgressBar(total=1.0, completed=share or 0.0, width=max(10, min(width - 6, 60)))
    rows: list[RenderableType] = [timed]
    rows += [Text(planned(progress), "dim")] if progress.planned is not None else []
    # A bar does not end its line by itself; the padding does.
    rows += [Padding(bar, 0)] if share is not None else []
    return Group(*rows, counted)


def _running(flights: Sequence[Flight], metric: Metric, width: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for column in ("trial", "epoch", "loss", metric.name):
        table.add_column(column, justify="right")
    if width > 70:
        table.add_column("params", justify="right")
        table.add_column("ms", justify="right")
    for flight in flights[:6]:
        last = flight.curve[-1] if flight.curve else {}
        value = next((p[metric.name] for p in reversed(flight.curve) if metric.name in p), None)
        cells = [
            f"{flight.number}",
            f"{len(flight.curve)}/{flight.budget.amount}",
            f"{last['loss']:.3f}" if "loss" in last else "",
            metric.show(value) if value is not None else "",
        ]
        if width > 70:
            cells += [_number(flight.metrics.get("params")), _ms(_latency(flight.metrics))]
        table.add_row(*cells)
    return table


def _front(front: Sequence[Trial], metric: Metric, rows: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for column in ("front of the search", metric.name, "ms", "params"):
        table.add_column(column, justify="right")
    step = max(1, -(-len(front) // rows))
    for trial in list(front)[::step]:
        value = trial.metrics.get(metric.name)
        table.add_row(
            f"trial {trial.number}",
            metric.show(value) if value is not None else "",
            _ms(_latency(trial.metrics)),
            _number(trial.metrics.get("params")),
        )
    return table


def _latency(metrics: Mapping[str, float]) -> float | None:
    """On the first target by name; there is room for one."""
    return next(iter(figures(metrics, "latency_ms").values()), None)


def stage_name(progress: Progress) -> str:
    """What goes on now, in words."""
    if progress.shared is not None:
        return "training all networks at once, epoch {} of {}".format(*progress.shared)
    if progress.stage.is_search:
        return "searching"
    if progress.stage.is_baseline:
        return "random baseline"
    if progress.stage.is_recheck:
        return f"training {counted(progress.expected, 'network')} again, to tell them apart"
    if progress.stage.is_refit:
        return "training on train and validation together"
    _, epochs = progress.finals[progress.stage.number - 1]
    return (
        f"{progress.stage} of {len(progress.finals)}: "
        f"{counted(progress.expected, 'network')} for {counted(epochs, 'epoch')}"
    )


def told(trial: Trial, metric: Metric) -> str:
    """A trial in one phrase."""
    metrics = trial.metrics
    parts = [metric.show(metrics[metric.name])] if metric.name in metrics else []
    parts += [f"{value:.4f} ms" for value in figures(metrics, "latency_ms").values()]
    parts += [f"{metrics['params']:,.0f} params"] if "params" in metrics else []
    return f"{', '.join(parts) or 'done'} (trial {trial.number})"


def planned(progress: Progress) -> str:
    """When the search and when the whole command is to end, and what a trial may take."""
    assert progress.planned is not None
    division, share = progress.planned.division, progress.planned.share
    search = f"search until {clock(progress.search_ends)}, " if progress.stage.is_search else ""
    return (
        f"planned: {search}all of it by {clock(division.whole)}; "
        f"a trial may take {share.seconds:.3g} s for {share.epochs} epochs"
    )


def remaining(progress: Progress) -> str:
    """How long the present stage will still take, from what it took so far; empty if unknown."""
    if progress.stage.is_search and progress.planned and not (progress.trials or progress.epochs):
        return clock(max(0.0, progress.search_ends - progress.seconds))
    share = progress.share()
    if progress.stage.is_baseline or share is None or share < 0.02:
        return ""
    spent = progress.seconds if progress.stage.is_search else progress.stage_seconds
    return clock(spent * (1 - share) / share)


def sparkline(progress: Progress, width: int) -> str:
    """The best so far over the trials of the search, as a row of bars; empty below two trials."""
    objective = progress.objectives[0]
    gains = [objective.gain(t.metrics) for t in progress.history.allowed(progress.limits, SEARCH)]
    gains = [gain for gain in gains if gain > -float("inf")]
    if len(gains) < 2:
        return ""
    best, top = [], -float("inf")
    for gain in gains:
        top = max(top, gain)
        best.append(top)
    picked = [best[i * len(best) // width] for i in range(min(width, len(best)))] + [best[-1]]
    low, high = picked[0], picked[-1]
    if high <= low:
        return _BARS[0] * len(picked)
    return "".join(_BARS[int((g - low) / (high - low) * (len(_BARS) - 1))] for g in picked)


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _ms(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else ""


def _number(value: float | None) -> str:
    return f"{value:,.0f}" if value is not None else ""

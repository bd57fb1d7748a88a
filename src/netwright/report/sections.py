"""The sections of the report, each a function from a record to HTML."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from markupsafe import Markup

from netwright.drawing.files import Sketch, draw_svg
from netwright.evaluate.job import TRAINING_SECONDS
from netwright.objective import MetricName, minimize
from netwright.record.record import Record
from netwright.record.sureness import behind_told
from netwright.record.words import counted
from netwright.report.charts import Chart, Line, Points
from netwright.report.html import Pages
from netwright.report.statistics import (
    LEAST_TRIALS,
    best_so_far,
    expected_best,
    importances,
)
from netwright.tasks import Metric
from netwright.trial import SEARCH, Trial, front_of

_PAGES = Pages()


def progress(record: Record) -> Markup:
    """The best so far beside the expected best of as many random networks."""
    objective = record.objectives[0]
    good = record.history.allowed(record.limits, SEARCH)
    sign = 1 if objective.direction == "maximize" else -1
    best = [
        (i + 1, sign * gain)
        for i, gain in enumerate(best_so_far(good, objective))
        if math.isfinite(gain)
    ]
    if not best:
        return _PAGES.render("progress.html", chart=None)
    lines = [Line(best, "best", step=True)]
    expected = expected_best(record)
    said = (
        "Fewer than two random networks were tried to compare with; `baseline` (on the command "
        "line `--baseline`) trains some."
    )
    if expected is not None:
        points = [(k + 1, sign * float(value)) for k, value in enumerate(expected.mean)]
        lines.append(Line(points, "random", band=list(map(float, expected.deviation))))
        how = (
            "measured: the networks of the random baseline"
            if expected.measured
            else "estimated from the run's own random trials"
        )
        said = (
            f"Dashed: the expected best of as many random networks, {how} "
            f"({len(expected.mean)} of them; the band is one standard deviation). It is not drawn "
            "beyond the number of networks it rests on."
        )
    dots = [
        (i + 1, t.metrics[objective.metric], _told(record, t))
        for i, t in enumerate(good)
        if objective.metric in t.metrics
    ]
    chart = Chart(
        "trial",
        objective.metric,
        lines,
        [Points(dots, "trial", 2.5)],
        percent=record.is_fraction(objective.metric),
    )
    return _PAGES.render("progress.html", chart=chart.svg(), said=said)


def fronts(record: Record) -> Markup:
    """The first objective against what targets measure and against parameters, with the front."""
    compared = [(metric, _label(metric)) for metric in _measured(record)]
    compared.append((MetricName("params"), "parameters"))
    charts = [_front(record, metric, label) for metric, label in compared]
    shown = [chart for chart in charts if chart]
    return _PAGES.render("fronts.html", charts=shown) if shown else Markup()


def _measured(record: Record) -> list[MetricName]:
    """What was measured on a target, in any trial."""
    targets = {target["name"] for target in record.settings.get("targets", ())}
    keys = {key for trial in record.history for key in trial.metrics}
    return [MetricName(key) for key in sorted(keys) if key.partition("@")[2] in targets]


def _label(metric: MetricName) -> str:
    """`latency_ms@pytorch` in words: latency on pytorch, ms."""
    *words, unit = metric.name.split("_")
    return f"{' '.join(words)} on {metric.target}, {unit}" if words else f"{unit}, {metric.target}"


def _front(record: Record, metric: MetricName, label: str) -> tuple[str, Markup] | None:
    objective = record.objectives[0]
    wanted = (objective.metric, metric)
    trials = [t for t in record.history if t.done and all(m in t.metrics for m in wanted)]
    if not trials or metric == objective.metric:
        return None
    from_search = [t for t in trials if t.proposal.stage.explores]
    last = record.final_stage
    finals = [t for t in trials if t.proposal.stage == last and last.is_final]
    best = record.best

    def points(chosen: list[Trial]) -> list[tuple[float, float, str]]:
        return [(t.metrics[metric], t.metrics[objective.metric], _told(record, t)) for t in chosen]

    both = (objective, minimize(metric))
    front = front_of(record.history.candidates(record.limits, SEARCH), both)
    chart = Chart(
        label,
        objective.metric,
        [Line([(x, y) for x, y, _ in points(front)], "front", step=True)],
        [
            Points(points(from_search), "trial"),
            Points(points(front), "on"),
            Points(points(finals), "final", 4.5),
            Points(points([best]) if best and metric in best.metrics else [], "chosen", 5.5),
        ],
        log=True,
        width=460,
        percent=record.is_fraction(objective.metric),
        limit=next((o.bound for o in record.limits if o.metric == metric), None),
    )
    return f"{objective.metric.capitalize()} against {label}", chart.svg()


def finalists(record: Record) -> Markup:
    """A row for each network of the last final, with its way there."""
    if not record.final_stage.is_final:
        return Markup()
    objective, metric = record.objectives[0], record.metric
    rows = []
    last = [t for t in record.history if t.proposal.stage == record.final_stage]
    again = {t.proposal.parent: t for t in record.history if t.proposal.stage.is_refit}
    best = record.best
    late, measured = _late(record, last), _measured(record)
    for trial in sorted(last, key=lambda t: -objective.gain(t.metrics)):
        heir = again.get(trial.number, trial)
        tested = record.tested_score(heir)
        way = [_shown(metric, t.metrics.get(metric.name)) for t in _way(record, trial)]
        mark = " ← the best" if best and heir.number == best.number else ""
        rows.append(
            [
                f"{trial.number}{mark}",
                " → ".join(way),
                *([behind_told(record, trial)] if record.choice else []),
                *(str(trial.architecture.answers.get(name, "")) for name in late),
                _shown(metric, tested) if tested is not None else "",
                *(f"{trial.metrics[m]:.4f}" if m in trial.metrics else "" for m in measured),
                f"{trial.metrics['params']:,.0f}" if "params" in trial.metrics else "",
                _epochs(trial),
                trial.status,
            ]
        )
    behind = ["behind the best"] if record.choice else []
    heads = ["trial", "validation, stage by stage", *behind, *late]
    heads += ["test", *map(_label, measured), "params", "epochs", "status"]
    curves = [
        Line(
            [(p["epoch"], p[metric.name]) for p in t.curve if metric.name in p],
            "curve",
            label=f"trial {t.number}",
        )
        for t in last
    ]
    lines = [curve for curve in curves if curve.points]
    drawn = Chart("epoch", f"validation {metric.name}", lines, percent=metric.fraction)
    chart = drawn.svg() if lines else None
    return _PAGES.render("finalists.html", heads=heads, rows=rows, chart=chart)


def _epochs(trial: Trial) -> str:
    """Its budget, and the epochs that it had where it was over before."""
    budget, trained = trial.proposal.budget, trial.trained_epochs
    is_short = budget is not None and trained is not None and trained < budget.amount
    return f"{trained} of {budget}" if is_short else str(budget or "")


def _late(record: Record, last: list[Trial]) -> list[str]:
    """Names of the choices that the last final answered anew."""
    numbered = {t.number: t.architecture.answers for t in record.history}
    return sorted(
        {
            name
            for trial in last
            for name, answer in trial.architecture.answers.items()
            if trial.proposal.parent in numbered
            and numbered[trial.proposal.parent].get(name) != answer
        }
    )


def _way(record: Record, trial: Trial) -> list[Trial]:
    """The trials of one network, from its first to its last."""
    found = [trial]
    while not found[0].proposal.stage.explores:
        parent = found[0].proposal.parent
        found.insert(0, next(t for t in record.history if t.number == parent))
    return found


def network(record: Record) -> Markup:
    """The best network drawn, and its answers."""
    best = record.best
    if best is None:
        return Markup()
    drawn = record.sketches.get(best.number)
    return _PAGES.render(
        "network.html",
        name=record.name,
        picture=None if drawn is None else draw_svg(Sketch.from_json(drawn)),
        answers=list(best.architecture.answers.items()),
    )


def choices(record: Record) -> Markup:
    """Which choices mattered, by what they explain of the first objective."""
    found = importances(record)
    done = sum(t.done and t.proposal.stage.explores for t in record.history)
    rows = [
        (
            i.choice,
            f"{160 * i.share / found[0].share:.0f}",
            f"{i.share:.0%}",
            _options(record, i.options),
        )
        for i in found[:12]
    ]
    return _PAGES.render("choices.html", rows=rows, least=LEAST_TRIALS, done=done)


def _options(
    record: Record, options: tuple[tuple[str, int, float, float], ...]
) -> list[tuple[str, str, int]]:
    """Of each option its text, the mean with its error, and the number of its trials."""
    objective = record.objectives[0]
    sign = 1 if objective.direction == "maximize" else -1
    shown = []
    for option, trials, mean, error in options:
        if record.is_fraction(objective.metric):
            spread = f" ± {100 * error:.2f}" if math.isfinite(error) else ""
            value = f"{100 * sign * mean:.2f}{spread} %"
        else:
            value = f"{sign * mean:.4g}" + (f" ± {error:.2g}" if math.isfinite(error) else "")
        shown.append((option, value, trials))
    return shown


def failures(record: Record) -> Markup:
    """Failed trials by reason, and networks that were over a limit."""
    failed = Counter((t.status, t.reason) for t in record.history if not t.done)
    first = {(t.status, t.reason): t.number for t in reversed(record.history) if not t.done}
    rows = [
        [status, count, reason or "no reason given", first[status, reason]]
        for (status, reason), count in failed.most_common(20)
    ]
    sentences = []
    by_share: dict[float, list[float]] = {}
    for rejection in record.rejections:
        if TRAINING_SECONDS in rejection.metrics and rejection.share is not None:
            seconds = rejection.metrics[TRAINING_SECONDS]
            by_share.setdefault(rejection.share, []).append(seconds)
    for share, slow in by_share.items():
        sentences.append(
            f"{counted(len(slow), 'network')} would have trained for longer than the "
            f"{share:.3g} s that were a trial's share of the minutes; the "
            f"quickest for about {min(slow):.3g} s."
        )
    for limit in record.limits:
        over = [r.metrics[limit.metric] for r in record.rejections if limit.excess(r.metrics)]
        if over:
            sentences.append(
                f"{counted(len(over), 'network')} {'was' if len(over) == 1 else 'were'} measured "
                f"{'below' if limit.least else 'over'} the limit {limit.metric} "
                f"{'≥' if limit.least else '≤'} {limit.bound:g} and not trained; the closest had "
                f"{max(over) if limit.least else min(over):.4g}."
            )
    return _PAGES.render("failures.html", rows=rows, over=sentences)


def costs(record: Record) -> Markup:
    """What the stages cost."""
    rows = []
    for stage in sorted({t.proposal.stage for t in record.history}):
        own = [t for t in record.history if t.proposal.stage == stage]
        rows.append(
            [
                "random baseline" if stage.is_baseline else str(stage),
                str(len(own)),
                f"{sum(t.seconds for t in own):,.0f}",
                f"{sum(t.cpu_seconds for t in own):,.0f}",
                record.closed.get(stage, "not over"),
            ]
        )
    return _PAGES.render("costs.html", rows=rows, seconds=record.seconds)


_SETTINGS = (
    *("strategy", "objectives", "limits", "budget", "finals", "refit", "baseline", "seed"),
    *("deterministic", "workers", "targets", "fingerprints", "evaluator", "task", "data"),
    *("versions", "machine"),
)


def settings(record: Record) -> Markup:
    """All settings, versions, and the commands to go on."""
    given = record.settings
    rows: list[list[str]] = []
    for name in (name for name in _SETTINGS if name in given):
        rows.append([name, _finals(given[name]) if name == "finals" else _plain(given[name])])
    space = given["space"]
    size = "" if space["count"] is None else f"{space['count']:,} members, "
    rows.append(["space", f"{space['name']}: {size}digest {space['digest']}"])
    rows.append(["netwright", str(given["netwright"])])
    return _PAGES.render("settings.html", rows=rows, name=record.name)


def _finals(finals: list[list[int]]) -> str:
    pairs = [f"{counted(n, 'network')} for {counted(epochs, 'epoch')}" for n, epochs in finals]
    return ", then ".join(pairs) or "none"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items() if v is not None) or "none"
    if isinstance(value, list):
        between = "; " if any(isinstance(v, dict) for v in value) else " x "
        return between.join(map(_plain, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def _told(record: Record, trial: Trial) -> str:
    figures = ", ".join(
        f"{name} {100 * value:.2f} %" if record.is_fraction(name) else f"{name} {value:.5g}"
        for name, value in trial.metrics.items()
    )
    answers = ", ".join(f"{k}={v}" for k, v in trial.architecture.answers.items())
    return f"trial {trial.number}: {figures}\n{answers}"


def _shown(metric: Metric, value: float | None) -> str:
    return metric.show(value) if value is not None and math.isfinite(value) else "none"

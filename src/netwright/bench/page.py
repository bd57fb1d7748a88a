"""A comparison of strategies as one HTML page that opens offline."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from netwright.bench.analysis import (
    LEVEL,
    QUALITIES,
    SHARES,
    curve,
    evaluations_to,
    regret_area,
    values_at,
)
from netwright.bench.compare import Comparison
from netwright.bench.hypervolume import shares
from netwright.bench.results import Found, columns_of, counted, ninetieth, ranks_of, shown
from netwright.bench.table import Table
from netwright.report.charts import MARKS, Chart, Line
from netwright.report.html import document, section, table_of

CHECKLIST = (
    ("Code of the search, and of what trained the networks, is released", None),
    ("The same space, data and training for every strategy", True),
    ("Random search is among the strategies", "random"),
    ("Several runs, and their number is told", "seeds"),
    ("Results of all runs, not of the best", True),
    ("Seeds are told, and a run can be made again from its seed", True),
    ("Performance against time, not at one end", True),
    ("The network is chosen by the validation signal, reported by other columns", "report"),
    ("Hardware and time of the searches are told", None),
)
"""Of Lindauer and Hutter, "Best Practices for Scientific Research on NAS", arXiv 1909.02453."""


def comparison_page(comparison: Comparison, table: Table, found: Found) -> str:
    """The HTML of a comparison."""
    found = {name: searched for name, searched in found.items() if searched}
    parts = [_header(comparison, table, found)]
    parts += [_curves(comparison, table, found, column) for column in columns_of(comparison)]
    parts += [
        _budgets(comparison, table, found),
        _qualities(comparison, table, found),
        *([_fronts(comparison, table, found)] if comparison.minimize else []),
        _ranked(comparison, table, found),
        _checklist(comparison, found),
    ]
    return document(f"{table.name} · netwright bench", "".join(parts))


def _header(comparison: Comparison, table: Table, found: Found) -> str:
    seeds = sorted({len(searched) for searched in found.values()})
    counted = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))) if seeds else "no"
    unit = "evaluations" if comparison.seconds is None else "simulated seconds"
    workers = f", {comparison.workers} simulated workers" if comparison.workers > 1 else ""
    return (
        f'<p class="soft small">{escape(table.name)} · {len(table):,} networks of '
        f"the space {escape(table.space.name)}</p>"
        f"<h1>{len(found)} strategies on {escape(table.name)}</h1>"
        f"<p>{comparison.budget:,.0f} {unit}{workers}, {counted} seeds each. Networks are chosen "
        f"by <code>{escape(comparison.signal)}</code>.</p>"
    )


def _curves(comparison: Comparison, table: Table, found: Found, column: str) -> str:
    drawn = []
    for place, (name, searched) in enumerate(found.items()):
        made = curve(comparison, table, searched, column)
        points = list(zip(made.budgets.tolist(), made.mean.tolist(), strict=True))
        mark = f"s{place % MARKS}"
        drawn.append(Line(points, mark, band=made.band.tolist(), label=name))
    unit = "evaluations" if comparison.seconds is None else "seconds"
    chart = Chart(unit, column, drawn, log=True, width=760)
    best = float(np.nanmax(table.column(column)))
    key = "".join(
        f"<span><i class='s{place % MARKS}'></i>{escape(name)}</span>"
        for place, name in enumerate(found)
    )
    told = (
        f"The mean over seeds of <code>{escape(column)}</code> of the network that is best so far "
        "by the signal; bands are 95 % intervals of the mean, labels stand at the ends. The best "
        f"of the table is {best:.6g}."
    )
    return section(
        f"{column} against the budget",
        f"{chart.svg()}<p class='key small'>{key}</p><p class='soft small'>{told}</p>",
    )


def _budgets(comparison: Comparison, table: Table, found: Found) -> str:
    columns = columns_of(comparison)
    rows = []
    for share in SHARES:
        budget = share * comparison.budget
        for name, searched in found.items():
            cells = [shown(values_at(comparison, table, searched, c, budget)) for c in columns]
            rows.append([f"{budget:,.0f}", name, str(len(searched)), *cells])
    said = "<p class='soft small'>Mean and deviation over seeds.</p>"
    return section(
        "At fixed budgets", table_of(["budget", "strategy", "seeds", *columns], rows) + said
    )


def _qualities(comparison: Comparison, table: Table, found: Found) -> str:
    heads = ["strategy"]
    heads += [f"best {share:.2g} %" for share in (100 * q for q in QUALITIES if q)] + ["the best"]
    rows = []
    for name, searched in found.items():
        cells = []
        for share in QUALITIES:
            reached = evaluations_to(comparison, table, searched, share)
            low, high = counted(np.median(reached)), counted(ninetieth(reached))
            cells.append(f"{low} ({high})")
        area = regret_area(comparison, table, searched)
        seconds = float(np.mean([s.cpu_seconds for s in searched]))
        rows.append([name, *cells, f"{area.mean():.4g}", f"{seconds:.2f}"])
    said = (
        "<p class='soft small'>Evaluations until one of the best networks of the table by the "
        "signal was evaluated: the median of the seeds, and in brackets what nine of ten needed; a "
        "dash where so many did not get there. Anytime regret is how far the signal was from the "
        "best of the table, on average over the whole budget. CPU seconds are what the strategy "
        "itself took for a run.</p>"
    )
    return section(
        "Evaluations to a quality",
        table_of([*heads, "anytime regret", "CPU seconds"], rows) + said,
    )


def _fronts(comparison: Comparison, table: Table, found: Found) -> str:
    budgets = np.array([share * comparison.budget for share in SHARES])
    rows = []
    for name, searched in found.items():
        areas = shares(comparison, table, searched, budgets)
        rows.append([name, *(shown(100 * area) for area in areas)])
    said = (
        f"<p class='soft small'>Percent of the hypervolume of the table's front by "
        f"<code>{escape(comparison.signal)}</code> and <code>{escape(comparison.minimize or '')}"
        "</code>, mean and deviation over seeds. The reference point is the median of the one and "
        "the largest of the other.</p>"
    )
    heads = ["strategy", *(f"{budget:,.0f}" for budget in budgets)]
    return section("Fronts", table_of(heads, rows) + said)


def _ranked(comparison: Comparison, table: Table, found: Found) -> str:
    placed = ranks_of(comparison, table, found)
    if placed is None:
        return section("Ranks", "<p class='soft'>Ranks need two strategies and two seeds.</p>")
    order = sorted(placed.mean, key=lambda name: placed.mean[name])
    rows = []
    for name in order:
        pairs = [placed.pairs.get((name, o), placed.pairs.get((o, name), math.nan)) for o in order]
        cells = ["" if math.isnan(p) else f"{p:.2g}" for p in pairs]
        rows.append([name, f"{placed.mean[name]:.2f}", *cells])
    column = columns_of(comparison)[0]
    said = (
        f"<p class='soft small'>Mean ranks of <code>{escape(column)}</code> at the end over "
        f"{placed.seeds} seeds, 1 being best. Friedman's test of all being equal: "
        f"p = {placed.friedman:.2g}. Mean ranks closer than the critical difference "
        f"{placed.difference:.2f} (Nemenyi, level {LEVEL:g}) are not told apart. Right: p-values "
        "of pairs, Wilcoxon's signed-rank test with Holm's correction.</p>"
    )
    return section("Ranks", table_of(["strategy", "mean rank", *order], rows) + said)


def _checklist(comparison: Comparison, found: Found) -> str:
    least = min((len(searched) for searched in found.values()), default=0)
    holds = {
        "random": any(name.startswith("random") for name in found),
        "seeds": least > 1,
        "report": any(column != comparison.signal for column in comparison.report),
    }
    rows = []
    for text, rule in CHECKLIST:
        held = holds[rule] if isinstance(rule, str) else rule
        rows.append(["for you to say" if held is None else "yes" if held else "no", text])
    said = (
        "<p class='soft small'>Lindauer and Hutter, arXiv 1909.02453. On a table every strategy "
        "gets the same trained networks; how those were trained is the table's matter.</p>"
    )
    return section("Best practices", table_of(["holds", "item"], rows) + said)

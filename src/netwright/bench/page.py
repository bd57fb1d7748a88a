"""A comparison of strategies as one HTML page that opens offline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

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
from netwright.report.html import Pages

_PAGES = Pages("netwright.bench")

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
    return _PAGES.document(f"{table.name} · netwright bench", parts)


def _header(comparison: Comparison, table: Table, found: Found) -> Markup:
    seeds = sorted({len(searched) for searched in found.values()})
    counted = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))) if seeds else "no"
    unit = "evaluations" if comparison.seconds is None else "simulated seconds"
    workers = f", {comparison.workers} simulated workers" if comparison.workers > 1 else ""
    return _PAGES.render(
        "header.html",
        table=table.name,
        size=len(table),
        space=table.space.name,
        strategies=len(found),
        budget=f"{comparison.budget:,.0f} {unit}{workers}",
        seeds=counted,
        signal=comparison.signal,
        repeated=table.isomorphic(comparison.signal).told(),
    )


def _figures(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], said: str | Markup
) -> Markup:
    """A section with a table, and what is said of it."""
    return _PAGES.render("figures.html", title=title, heads=heads, rows=rows, said=said)


def _curves(comparison: Comparison, table: Table, found: Found, column: str) -> Markup:
    drawn = []
    for place, (name, searched) in enumerate(found.items()):
        made = curve(comparison, table, searched, column)
        points = list(zip(made.budgets.tolist(), made.mean.tolist(), strict=True))
        mark = f"s{place % MARKS}"
        drawn.append(Line(points, mark, band=made.band.tolist(), label=name))
    unit = "evaluations" if comparison.seconds is None else "seconds"
    chart = Chart(unit, column, drawn, log=True, width=760)
    best = float(np.nanmax(table.column(column)))
    return _PAGES.render(
        "curves.html",
        column=column,
        chart=chart.svg(),
        key=[(f"s{place % MARKS}", name) for place, name in enumerate(found)],
        best=f"{best:.6g}",
    )


def _budgets(comparison: Comparison, table: Table, found: Found) -> Markup:
    columns = columns_of(comparison)
    rows = []
    for share in SHARES:
        budget = share * comparison.budget
        for name, searched in found.items():
            cells = [shown(values_at(comparison, table, searched, c, budget)) for c in columns]
            rows.append([f"{budget:,.0f}", name, str(len(searched)), *cells])
    heads = ["budget", "strategy", "seeds", *columns]
    return _figures("At fixed budgets", heads, rows, "Mean and deviation over seeds.")


def _qualities(comparison: Comparison, table: Table, found: Found) -> Markup:
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
        "Evaluations until one of the best networks of the table by the "
        "signal was evaluated: the median of the seeds, and in brackets what nine of ten needed; a "
        "dash where so many did not get there. Anytime regret is how far the signal was from the "
        "best of the table, on average over the whole budget. CPU seconds are what the strategy "
        "itself took for a run."
    )
    heads += ["anytime regret", "CPU seconds"]
    return _figures("Evaluations to a quality", heads, rows, said)


def _fronts(comparison: Comparison, table: Table, found: Found) -> Markup:
    budgets = np.array([share * comparison.budget for share in SHARES])
    rows = []
    for name, searched in found.items():
        areas = shares(comparison, table, searched, budgets)
        rows.append([name, *(shown(100 * area) for area in areas)])
    said = Markup(
        "Percent of the hypervolume of the table's front by <code>{}</code> and <code>{}</code>, "
        "mean and deviation over seeds. The reference point is the median of the one and the "
        "largest of the other."
    ).format(comparison.signal, comparison.minimize or "")
    heads = ["strategy", *(f"{budget:,.0f}" for budget in budgets)]
    return _figures("Fronts", heads, rows, said)


def _ranked(comparison: Comparison, table: Table, found: Found) -> Markup:
    placed = ranks_of(comparison, table, found)
    if placed is None:
        return _figures("Ranks", [], [], "Ranks need two strategies and two seeds.")
    order = sorted(placed.mean, key=lambda name: placed.mean[name])
    rows = []
    for name in order:
        pairs = [placed.pairs.get((name, o), placed.pairs.get((o, name), math.nan)) for o in order]
        cells = ["" if math.isnan(p) else f"{p:.2g}" for p in pairs]
        rows.append([name, f"{placed.mean[name]:.2f}", *cells])
    column = columns_of(comparison)[0]
    said = Markup(
        "Mean ranks of <code>{}</code> at the end over {} seeds, 1 being best. Friedman's test of "
        "all being equal: p = {:.2g}. Mean ranks closer than the critical difference {:.2f} "
        "(Nemenyi, level {:g}) are not told apart. Right: p-values of pairs, Wilcoxon's "
        "signed-rank test with Holm's correction."
    ).format(column, placed.seeds, placed.friedman, placed.difference, LEVEL)
    return _figures("Ranks", ["strategy", "mean rank", *order], rows, said)


def _checklist(comparison: Comparison, found: Found) -> Markup:
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
        "Lindauer and Hutter, arXiv 1909.02453. On a table every strategy "
        "gets the same trained networks; how those were trained is the table's matter."
    )
    return _figures("Best practices", ["holds", "item"], rows, said)

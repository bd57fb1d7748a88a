"""What a comparison found, as one Parquet file, as figures for scripts, and as lines to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rich.table
from rich.console import Console
from rich.text import Text

from netwright.bench.analysis import (
    QUALITIES,
    SHARES,
    Array,
    Ranks,
    evaluations_to,
    ranks,
    regret_area,
    values_at,
)
from netwright.bench.compare import Comparison, Searched
from netwright.bench.hypervolume import shares
from netwright.bench.table import Table
from netwright.errors import require

Found = Mapping[str, Sequence[Searched]]


def write_results(comparison: Comparison, table: Table, found: Found, path: Path) -> None:
    """One row an evaluation: strategy, seed, place, clock, epochs, the row, and the best's columns.

    Raises:
        MissingExtra: Without pandas.
    """
    pandas = require("pandas", extra="tables", purpose="writing the results as a table")
    frames = []
    for name, searched in found.items():
        for each in searched:
            best = each.course.incumbents(table, comparison.signal)
            columns = {c: table.column(c)[best] for c in columns_of(comparison)}
            body = {
                "strategy": name,
                "seed": each.seed,
                "evaluation": np.arange(1, len(best) + 1),
                "clock": each.course.seconds,
                "epochs": each.course.epochs,
                "row": each.course.rows,
                "best_row": best,
            }
            frames.append(
                pandas.DataFrame({**body, **{f"best_{c}": v for c, v in columns.items()}})
            )
    pandas.concat(frames, ignore_index=True).to_parquet(path, index=False)


def summary(comparison: Comparison, table: Table, found: Found) -> dict[str, object]:
    """The figures of the page, for scripts."""
    body: dict[str, object] = {"table": table.name, "budget": comparison.budget, "strategies": {}}
    made: dict[str, object] = {}
    for name, searched in found.items():
        if not searched:
            continue
        at = {
            column: {
                f"{share:g}": _figures(
                    values_at(comparison, table, searched, column, share * comparison.budget)
                )
                for share in SHARES
            }
            for column in columns_of(comparison)
        }
        reached = {
            f"{share:g}": _quantiles(evaluations_to(comparison, table, searched, share))
            for share in QUALITIES
        }
        made[name] = {
            "seeds": len(searched),
            "at": at,
            "evaluations_to_best": reached,
            **_front(comparison, table, searched),
            "regret_area": float(regret_area(comparison, table, searched).mean()),
            "cpu_seconds": float(np.mean([s.cpu_seconds for s in searched])),
        }
    body["strategies"] = made
    repeated = table.isomorphic(comparison.signal)
    body["isomorphic"] = {
        "rows": repeated.repeated,
        "of": repeated.looked_at,
        "deviation": repeated.within,
        "noise": repeated.noise,
        "told_apart": repeated.apart,
    }
    placed = ranks_of(comparison, table, found)
    if placed is not None:
        body["ranks"] = {
            "mean": placed.mean,
            "friedman_p": placed.friedman,
            "critical_difference": placed.difference,
            "pairs_p": {f"{a} / {b}": p for (a, b), p in placed.pairs.items()},
        }
    return body


def _front(comparison: Comparison, table: Table, searched: Sequence[Searched]) -> dict[str, object]:
    """The share of the table's hypervolume at budgets, where there are two objectives."""
    if comparison.minimize is None:
        return {}
    budgets = np.array([share * comparison.budget for share in SHARES])
    found = shares(comparison, table, searched, budgets)
    pairs = zip(SHARES, found, strict=True)
    return {"hypervolume": {f"{share:g}": _figures(row) for share, row in pairs}}


def terminal_table(
    comparison: Comparison, table: Table, found: Found, *, width: int | None = None
) -> str:
    """The figures at the end of the budget as a table of text, as wide as the terminal or `width`.

    Lines are as long as they need to be where there is no terminal.
    """
    columns, budget = columns_of(comparison), comparison.budget
    made = rich.table.Table(box=None, pad_edge=False, header_style="")
    made.add_column("strategy")
    fronts = ["front, %"] if comparison.minimize else []
    for head in ("seeds", *columns, "to the best", "CPU s", *fronts):
        made.add_column(Text(head), justify="right")
    for name, searched in found.items():
        if not searched:
            continue
        reached = evaluations_to(comparison, table, searched, 0.0)
        cells = [
            str(len(searched)),
            *(shown(values_at(comparison, table, searched, c, budget)) for c in columns),
            counted(float(np.median(reached))),
            f"{float(np.mean([s.cpu_seconds for s in searched])):.2f}",
        ]
        if comparison.minimize:
            area = shares(comparison, table, searched, np.array([budget]))[0]
            cells.append(shown(100 * area))
        made.add_row(*(Text(cell) for cell in (name, *cells)))
    console = Console(stderr=True, width=width)
    if width is None and not console.is_terminal:
        console.width = max(80, console.measure(made).maximum)
    with console.capture() as captured:
        console.print(made)
    return captured.get().rstrip("\n")


def columns_of(comparison: Comparison) -> list[str]:
    """The columns that are told: those reported, then the signal."""
    return list(dict.fromkeys((*comparison.report, comparison.signal)))


def ranks_of(comparison: Comparison, table: Table, found: Found) -> Ranks | None:
    """Ranks by the first column that is told, at the end of the budget."""
    column = columns_of(comparison)[0]
    return ranks(
        {
            name: values_at(comparison, table, searched, column, comparison.budget)
            for name, searched in found.items()
            if searched
        }
    )


def _figures(values: Array) -> dict[str, float | None]:
    fine = values[np.isfinite(values)]
    if not len(fine):
        return {"mean": None, "deviation": None}
    return {"mean": float(fine.mean()), "deviation": float(fine.std())}


def _quantiles(values: Array) -> dict[str, float | None]:
    made = {"median": float(np.median(values)), "ninetieth": ninetieth(values)}
    return {key: value if math.isfinite(value) else None for key, value in made.items()}


def ninetieth(values: Array) -> float:
    """What nine of ten values do not exceed."""
    return float(np.sort(values)[math.ceil(0.9 * len(values)) - 1])


def shown(values: Array) -> str:
    """Mean and deviation."""
    fine = values[np.isfinite(values)]
    return f"{fine.mean():.5g} ± {fine.std():.2g}" if len(fine) else "–"


def counted(value: float) -> str:
    """A number of evaluations, a dash for infinity."""
    return f"{value:g}" if math.isfinite(value) else "–"

"""What short trainings are worth to a search: tables with epochs, on a simulated clock.

Each search has the same seconds of the table. `auto` alone trains every network for the most
epochs; under ASHA it learns from trials of all budgets and chooses who goes on. Beside them what
users take instead: Optuna's TPE under Hyperband, which is what BOHB does (arXiv 1807.01774),
regularized evolution under Hyperband, which is near DEHB (arXiv 2105.09821), random search under
ASHA (arXiv 1810.05934), and random search.

The best so far is the one with the best `--signal` among those of the most epochs, and what is
shown of it is `--test`. Prints the table that the docs quote:

    netwright bench import nb201.parquet --out nb201.safetensors
    python benchmarks/fidelities.py --table nb201.safetensors --signal c10_val --budgets 12 200 \\
        --cost seconds --test c10_test_200 --hours 16 --goals 94 94.2 94.37
    netwright bench import nb101_sample20k.parquet --out nb101.safetensors
    python benchmarks/fidelities.py --table nb101.safetensors --signal val_acc --budgets 12 108 \\
        --cost seconds --test val_acc_108 --hours 20 --goals 0.944 0.946 0.948

Without `--table` a made-up one is searched, in which answers add up.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch

from netwright import spaces
from netwright.bench import Table, simulate
from netwright.objective import maximize
from netwright.stopping import ASHA, Hyperband, Stopped
from netwright.strategies import Auto, Optuna, RandomSearch, RegularizedEvolution, Strategy

SHARES = (0.25, 0.5, 1.0)  # of the time, after which the best so far is looked at
HOUR = 3600.0


def compared(budgets: tuple[int, ...]) -> dict[str, Strategy | Stopped]:
    """The searches by name; those without a stopper train each network for the most epochs."""
    return {
        "auto": Auto(),
        **{
            f"auto, ASHA eta={eta}": Stopped(Auto(), ASHA(budgets, eta=eta)) for eta in (3, 4, 6, 8)
        },
        "TPE, Hyperband": Stopped(Optuna("tpe"), Hyperband(budgets)),
        "evolution, Hyperband": Stopped(RegularizedEvolution(), Hyperband(budgets)),
        "random, ASHA": Stopped(RandomSearch(), ASHA(budgets)),
        "random": RandomSearch(),
    }


def made_up() -> Table:
    """Scores to which each answer adds its part; a short training hides half of them by noise."""
    space = spaces.nasbench201((3, 8, 8), 10, 4, 1)
    members = list(space.enumerate())
    rng = np.random.default_rng(0)
    rows = space.encode(members)
    worth = rows @ rng.standard_normal(rows.shape[1])
    worth = (worth - worth.mean()) / worth.std()
    columns = {
        "score_1": worth + rng.standard_normal(len(worth)),
        "score_10": worth,
        "seconds_1": np.full(len(worth), 60.0),
        "seconds_10": np.full(len(worth), 600.0),
    }
    return Table(space, members, columns)


def part_of(table: Table, given: argparse.Namespace) -> Table:
    """The table with the columns of these budgets alone."""
    names = [f"{stem}_{epochs}" for stem in (given.signal, given.cost) for epochs in given.budgets]
    columns = {name: table.column(name) for name in {*names, given.test}}
    return Table(table.space, table.architectures, columns)


def courses(
    table: Table, strategy: Strategy | Stopped, given: argparse.Namespace
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Of each seed the clock, the test of the best then (-inf before there is one), CPU seconds."""
    most = given.budgets[-1]
    for seed in range(given.seeds):
        begun = process_time()
        course = simulate(
            table, strategy, [maximize(given.signal)],
            seed=seed, seconds=given.hours * HOUR, cost=given.cost,
        )  # fmt: skip
        test = table.column(given.test)[course.incumbents(table, given.signal)]
        is_long = (course.epochs == most) | (course.epochs == 0)
        known = np.where(np.logical_or.accumulate(is_long), test, -np.inf)
        yield course.seconds / HOUR, known, process_time() - begun


def told(
    name: str, found: Sequence[tuple[np.ndarray, np.ndarray, float]], given: argparse.Namespace
) -> dict[str, Any]:
    """Print a row of the table."""
    after = []
    for share in SHARES:
        until = share * given.hours
        values = [best[clock <= until][-1:] for clock, best, _ in found]
        ended = [float(v[0]) for v in values if len(v) and np.isfinite(v[0])]
        after.append((float(np.mean(ended)), float(np.std(ended))) if ended else (np.nan, 0.0))
    reached = []
    for goal in given.goals:
        hours = [
            float(clock[best >= goal][0]) if (best >= goal).any() else np.inf
            for clock, best, _ in found
        ]
        reached.append(np.quantile(hours, (0.5, 0.9), method="inverted_cdf").tolist())
    text = "".join(f"{f'{mean:.5g} ± {spread:.2g}':>18}" for mean, spread in after)
    text += "".join(f"{f'{_hours(m)} ({_hours(n)})':>15}" for m, n in reached)
    seconds = float(np.mean([took for *_, took in found]))
    print(f"{name:22}{len(found):6}{text}{seconds:8.1f}", flush=True)
    marks = [[m if np.isfinite(m) else None for m in pair] for pair in reached]
    return {"after": after, "hours": marks, "cpu_seconds": seconds}


def _hours(count: float) -> str:
    return f"{count:.1f}" if np.isfinite(count) else "–"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, help="a table with columns of several epochs")
    parser.add_argument("--signal", default="score", help="what is searched by, without _EPOCHS")
    parser.add_argument("--cost", default="seconds", help="the seconds, without _EPOCHS")
    parser.add_argument("--test", default="score_10", help="the column that is shown of the best")
    parser.add_argument("--budgets", type=int, nargs="+", default=[1, 10], help="epochs")
    parser.add_argument("--hours", type=float, default=10.0, help="of a search, simulated")
    parser.add_argument("--goals", type=float, nargs="*", default=[2.5], help="of the test column")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--searches", nargs="*", help="names as in the table (default: all)")
    parser.add_argument("--quick", action="store_true", help="few seeds, under a minute")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.quick:
        given.seeds, given.searches = 2, ["auto", "auto, ASHA eta=4", "random, ASHA"]
    table = part_of(made_up() if given.table is None else Table.open(given.table), given)
    heads = "".join(f"{f'{share * given.hours:g} h':>18}" for share in SHARES)
    heads += "".join(f"{f'h to {goal:g}':>15}" for goal in given.goals)
    print(f"{'':22}{'seeds':>6}{heads}{'CPU s':>8}")
    figures = {}
    for name, strategy in compared(tuple(given.budgets)).items():
        if not given.searches or name in given.searches:
            figures[name] = told(name, list(courses(table, strategy, given)), given)
    print("Hours until the best so far is as good: median, in brackets nine of ten seeds.")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

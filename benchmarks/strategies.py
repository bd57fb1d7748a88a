"""What strategies are worth on NAS-Bench-201, by the protocol of NATS-Bench (arXiv 2009.00437).

Searches by the validation accuracy on CIFAR-10 after 12 epochs, for so many simulated seconds, and
reports the test accuracies after 200 epochs of the network that was best by that. `--table` is a
Parquet file with the columns arch_str, c10_val_12, c10v_train_sec_per_epoch,
c10v_val_sec_per_epoch, c10_test_200, c100_test_200 and in16_test_200. Without it a made-up table
of the same space is searched, in which answers add up, and the share of the best score is reported.

Prints rows of the table that the docs quote:

    python benchmarks/strategies.py --table nb201.parquet
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from netwright import spaces
from netwright.bench import Table, simulate
from netwright.objective import maximize
from netwright.space import Space
from netwright.spaces.nasbench201 import from_string
from netwright.strategies import (
    Auto,
    LocalSearch,
    RandomSearch,
    RegularizedEvolution,
    Reinforce,
    Strategy,
)

STRATEGIES: dict[str, tuple[Strategy, int]] = {  # and its share of the seeds
    "random": (RandomSearch(), 1),
    "regularized evolution": (RegularizedEvolution(10, 3), 1),
    "local search": (LocalSearch(1), 1),
    "REINFORCE": (Reinforce(), 4),
    "auto": (Auto(), 10),
}
TESTS = ("c10_test_200", "c100_test_200", "in16_test_200")


def published(path: Path, space: Space) -> Table:
    """The table of a file, with what a query costs."""
    table = Table.open(path, space, parse=lambda t: from_string(t, space), column="arch_str")
    train, val = (table.column(f"c10v_{part}_sec_per_epoch") for part in ("train", "val"))
    made = {"accuracy": table.column("c10_val_12"), "seconds": 12 * (train + val)}
    return Table(space, table.architectures, made | {n: table.column(n) for n in TESTS}, table.name)


def made_up(space: Space) -> Table:
    """Scores from 0 to 100 to which each answer adds its part."""
    members = list(space.enumerate())
    rows = space.encode(members)
    scores = rows @ np.random.default_rng(0).standard_normal(rows.shape[1])
    scores = 100 * (scores - scores.min()) / (scores.max() - scores.min())
    return Table(space, members, {"accuracy": scores, "seconds": np.full(len(members), 150.0)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, help="the table of NAS-Bench-201")
    parser.add_argument("--seeds", type=int, default=500, help="of the quickest strategies")
    parser.add_argument("--quick", action="store_true", help="few seeds, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    space = spaces.nasbench201((3, 8, 8), 10, 4, 1)
    table = published(arguments.table, space) if arguments.table else made_up(space)
    tests = TESTS if arguments.table else ("accuracy",)
    seeds = 20 if arguments.quick else arguments.seeds
    found: dict[str, dict[str, list[list[float]]]] = {}
    heads = [name.replace("_test_200", "") for name in tests]
    print(f"{'seconds  strategy':34}{'seeds':>6}" + "".join(f"{h:>16}" for h in heads), end="")
    print(f"{'s a seed':>10}")
    for budget in (3000, 6000, 12000):
        for name, (strategy, share) in STRATEGIES.items():
            rows, began, count = [], time.process_time(), max(2, seeds // share)
            for seed in range(count):
                course = simulate(
                    table, strategy, (maximize("accuracy"),),
                    seed=seed, seconds=budget, cost="seconds",
                )  # fmt: skip
                best = course.incumbents(table, "accuracy")[-1]
                rows.append([float(table.column(test)[best]) for test in tests])
            took = (time.process_time() - began) / count
            found.setdefault(name, {})[str(budget)] = rows
            shown = zip(np.mean(rows, 0), np.std(rows, 0), strict=True)
            text = "".join(f"{f'{mean:.2f} ± {spread:.2f}':>16}" for mean, spread in shown)
            print(f"{budget:>7}  {name:25}{count:6}{text}{took:10.2f}", flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

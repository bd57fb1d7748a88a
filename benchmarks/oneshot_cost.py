"""What one-shot searches cost, against regularized evolution that finds as good a network.

The space is `forest`, all of whose networks are in the embedded table: their validation accuracy
after 6 epochs on the first 5,000 examples of fashion14, and the processor seconds that took. Each
one-shot search trains on the same examples, names one network and trains it. Evolution is simulated
on the table until its best network is as accurate, over many seeds; where it never is, it costs all
it spent.

Prints the table that the docs quote: `python benchmarks/oneshot_cost.py`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from netwright.bench import Table, simulate
from netwright.cli.bench import opened
from netwright.data import ArrayPart, Augmentation, Data, load
from netwright.objective import maximize
from netwright.oneshot import Setting
from netwright.oneshot.names import ONE_SHOT
from netwright.strategies import RegularizedEvolution

METHODS = ("darts", "gdas", "enas", "single-path")
SIGNAL, SECONDS, TEST = "accuracy_6", "seconds_6", "test"
EXAMPLES = 5000


def same_examples() -> Data:
    """The data that the networks of the table were trained on."""
    data = load("fashion14", seed=0)
    return replace(data, train=ArrayPart(data.train.x[:EXAMPLES], data.train.y[:EXAMPLES]))


def evolution(table: Table, goal: float, seeds: int, evaluations: int) -> list[float]:
    """Of each seed the processor seconds until the best is as accurate as `goal`."""
    found, signal = [], table.column(SIGNAL)
    for seed in range(seeds):
        course = simulate(
            table,
            RegularizedEvolution(),
            [maximize(SIGNAL)],
            seed=seed,
            evaluations=evaluations,
            cost=SECONDS,
        )
        reached = np.flatnonzero(signal[course.incumbents(table, SIGNAL)] >= goal)
        found.append(float(course.seconds[reached[0] if len(reached) else -1]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one method, one epoch")
    parser.add_argument("--methods", nargs="+", choices=list(ONE_SHOT), default=METHODS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=50, help="seeds of evolution")
    parser.add_argument("--out", type=Path, help="a folder that keeps each search")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.methods, arguments.seeds, arguments.epochs = ["gdas"], 1, 1
        arguments.repeats = 3
    torch.set_num_threads(1)
    data, table = same_examples(), opened("forest", None)
    space = table.space
    signal = table.column(SIGNAL)
    print(
        f"{'method':14}{'search, s':>10}{'+ training':>12}{'accuracy':>10}{'test':>8}{'rank':>7}"
        f"{'  evolution to the same, s (quarter to three quarters)':>55}"
    )
    results = {}
    for name in arguments.methods:
        rows = []
        for seed in range(arguments.seeds):
            kept = arguments.out / f"{name}-{seed}.json" if arguments.out else None
            if kept is not None and kept.is_file():
                rows.append(json.loads(kept.read_text()))
                continue
            shared = replace(ONE_SHOT[name].make(), epochs=arguments.epochs).begin(
                Setting(space, data, Augmentation(), seed)
            )
            began = time.process_time()
            while shared.epoch < arguments.epochs and not shared.collapsed:
                shared.advance()
            named = shared.candidates(np.random.default_rng(seed), 1)[0]
            row = {"seconds": time.process_time() - began, "row": table.row(named)}
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(row))
            rows.append(row)
        places = [row["row"] for row in rows]
        spent = evolution(
            table, float(np.mean(signal[places])), arguments.repeats, min(400, len(table))
        )
        low, middle, high = np.quantile(spent, (0.25, 0.5, 0.75))
        ranks = [int((signal > signal[place]).sum()) + 1 for place in places]
        seconds = statistics.mean(row["seconds"] for row in rows)
        results[name] = {"runs": rows, "evolution": spent}
        training = float(np.mean(table.column(SECONDS)[places]))
        print(
            f"{name:14}{seconds:10.0f}{seconds + training:12.0f}"
            f"{np.mean(signal[places]):10.2f}{np.mean(table.column(TEST)[places]):8.2f}"
            f"{statistics.median(ranks):7.0f}{middle:24.0f} ({low:.0f} to {high:.0f})",
            flush=True,
        )
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

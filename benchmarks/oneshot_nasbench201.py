"""What one-shot searches find on NAS-Bench-201, by the table of its 15,625 cells.

Each search trains its shared weights on images, and after every epoch the cell it would name is
looked up. Searches that run one option a step take five times the epochs, so that all cost about
the same. As a run trains several candidates alone, the best of the `FINALISTS` first named ones, by
the table's validation accuracy, is looked up too. Relaxations run to the end, also where the alarm
would have ended them; what they would have named then is a column of its own. The last column is
after how many seconds, by the table's clock, regularized evolution by trainings of 12 epochs has as
good a cell in half of 50 seeds; the seconds of a table are those of the machine it was made on.

`--data` is anything that `netwright.data.load` takes, CIFAR-10 as an `.npz` for the published
comparison; `--examples`, `--side`, `--channels` and `--cells` make it as small as need be.
`--table` is a file that `netwright bench import` made; without it a made-up one is looked up in, in
which answers add up. `--out` keeps each search, so that what was killed goes on.

Prints the table that the docs quote:

    netwright bench import nb201.parquet --out nb201.safetensors
    python benchmarks/oneshot_nasbench201.py --table nb201.safetensors --data cifar10.npz
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from netwright import spaces
from netwright.bench import Table, simulate
from netwright.data import ArrayPart, Augmentation, Data, load
from netwright.objective import maximize
from netwright.oneshot import Bilevel, OneShot, Relaxation, Setting
from netwright.oneshot.names import ONE_SHOT
from netwright.space import Architecture, Space
from netwright.strategies import RegularizedEvolution

METHODS = (
    "darts", "darts-second-order", "r-darts", "darts-minus", "p-darts", "fair-darts", "pc-darts",
    "gdas", "snas", "drnas", "proxylessnas", "enas", "random-sharing", "single-path",
)  # fmt: skip
SIGNAL, TEST = "c10_val_200", "c10_test_200"
SHORT, SECONDS = "c10_val_12", "seconds_12"  # what evolution goes by, and its cost
ONE_PATH = ("gdas", "proxylessnas", "enas", "random-sharing", "single-path")
LONGER = 5  # times the epochs for those that run one option a step, which costs that much less
FINALISTS = 4
ALARM = 0.75  # the default of relaxations


def smaller(data: Data, examples: int, side: int) -> Data:
    """The first `examples` of the train part, halved into train and validation, in small images."""
    whole = data.train
    count = min(examples, len(whole)) // 2
    x = whole.x[: 2 * count].float()
    if side < x.shape[-1]:
        x = functional.interpolate(x, (side, side), mode="area")
    x = x.round().to(torch.uint8)
    y = whole.y[: 2 * count]
    return replace(
        data,
        shape=tuple(x.shape[1:]),
        train=ArrayPart(x[:count], y[:count]),
        validation=ArrayPart(x[count:], y[count:]),
        test=ArrayPart(x[count:], y[count:]),
    )


def made_up(space: Space) -> Table:
    """Scores to which each answer adds its part, under the published names."""
    members = list(space.enumerate())
    scores = space.encode(members).astype(float) @ np.random.default_rng(0).normal(
        size=space.encode(members[:1]).shape[1]
    )
    percent = 100 * (scores - scores.min()) / np.ptp(scores)
    columns = {SIGNAL: percent, TEST: percent, SHORT: percent, SECONDS: np.ones(len(members))}
    return Table(space, members, columns)


def searched(search: OneShot, setting: Setting, table: Table) -> dict[str, Any]:
    """The test accuracy of the cell that is named after each epoch, and of the last one."""
    began = time.process_time()
    if isinstance(search, Relaxation):
        search = replace(search, alarm=1.0)  # it is to go on, to see what would come of it
    shared = search.begin(setting)
    accuracies, free, alarm = [], [], None
    while shared.epoch < search.epochs and not shared.collapsed:
        shared.advance()
        if isinstance(shared, Bilevel):
            accuracies.append(looked_up(table, shared.logits.best()))
            share, gained = shared.logits.parameter_free() or (0.0, 0.0)
            free.append(share)
            if alarm is None and share > ALARM and gained > 0.01:
                alarm = shared.epoch
    named = shared.candidates(np.random.default_rng(setting.seed), FINALISTS)
    seconds = time.process_time() - began
    best = max(named, key=lambda member: looked_up(table, member, SIGNAL))
    return {
        "test": looked_up(table, named[0]),
        "best of the first": looked_up(table, best),
        "answers": dict(named[0].answers),
        "epochs": accuracies,
        "parameter_free": free,
        "alarm": alarm,
        "at the alarm": accuracies[max(0, alarm - 2)] if alarm is not None else None,
        "seconds": seconds,
    }


def looked_up(table: Table, architecture: Architecture, column: str = TEST) -> float:
    """Its accuracy, percent."""
    row = table.row(architecture)
    assert row is not None
    return float(table.column(column)[row])


def at_random(table: Table, times: int = 1000) -> tuple[list[float], list[float]]:
    """Test accuracies of cells that are drawn, and of the best of `FINALISTS` drawn ones."""
    rows = np.random.default_rng(0).integers(len(table), size=(times, FINALISTS))
    signal, test = table.column(SIGNAL), table.column(TEST)
    best = rows[np.arange(times), signal[rows].argmax(1)]
    return test[rows[:, 0]].tolist(), test[best].tolist()


def evolution(table: Table, goal: float, seeds: int = 50, evaluations: int = 500) -> float:
    """The median seconds until the best of evolution is as good as `goal`; those spent if never."""
    found, test = [], table.column(TEST)
    for seed in range(seeds):
        strategy, objectives = RegularizedEvolution(), [maximize(SHORT)]
        course = simulate(
            table, strategy, objectives, seed=seed, evaluations=evaluations, cost=SECONDS
        )
        reached = np.flatnonzero(test[course.incumbents(table, SHORT)] >= goal)
        found.append(float(course.seconds[reached[0] if len(reached) else -1]))
    return statistics.median(found)


def text(found: dict[str, list[dict[str, Any]]], table: Table) -> str:
    """The results, a line a method, and what chance would have named."""
    lines = [
        f"{'method':20}{'seeds':>6}{'test %':>16}{'least':>8}{f'best of {FINALISTS}':>16}"
        f"{'  alarm after epoch':>20}{'  by the alarm':>16}{'CPU s':>8}"
        f"{'evolution, s':>14}"
    ]
    for name, runs in found.items():
        tests = [run["test"] for run in runs]
        alarms = [str(run["alarm"]) if run["alarm"] is not None else "–" for run in runs]
        kept = [run["test"] if run["alarm"] is None else run["at the alarm"] for run in runs]
        bests = [run["best of the first"] for run in runs]
        seconds = statistics.median(run["seconds"] for run in runs)
        lines.append(
            f"{name:20}{len(runs):6}{_mean(tests):>16}{min(tests):8.2f}{_mean(bests):>16}"
            f"{', '.join(alarms):>20}{_mean(kept):>16}{seconds:8.0f}"
            f"{evolution(table, statistics.mean(tests)):14.0f}"
        )
    one, best = at_random(table)
    lines.append(f"{'drawn at random':26}{_mean(one):>16}{min(one):8.2f}{_mean(best):>16}")
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two methods on a few images")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--data", default="fashion14")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--examples", type=int, default=24_000)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--out", type=Path, help="a folder that keeps each search")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.methods, arguments.seeds, arguments.epochs = ["gdas", "random-sharing"], [0], 1
        arguments.examples, arguments.channels = 512, 4
    torch.set_num_threads(1)
    data = smaller(load(arguments.data, seed=0), arguments.examples, arguments.side)
    space = spaces.nasbench201(
        data.shape, data.classes, channels=arguments.channels, cells=arguments.cells
    )
    table = Table.open(arguments.table) if arguments.table else made_up(space)
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in arguments.seeds:
        for name in arguments.methods:
            kept = arguments.out / f"{name}-{seed}.json" if arguments.out else None
            if kept is not None and kept.is_file():
                run = json.loads(kept.read_text())
            else:
                epochs = arguments.epochs * (LONGER if name in ONE_PATH else 1)
                search = replace(ONE_SHOT[name].make(), epochs=epochs)
                augmentation = Augmentation(flip=True, crop=max(1, arguments.side // 8))
                device = torch.device(arguments.device)
                setting = Setting(space, data, augmentation, seed, device)
                run = searched(search, setting, table)
                if kept is not None:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(run))
            found.setdefault(name, []).append(run)
            print(name, seed, f"{run['test']:.2f} %", f"{run['seconds']:.0f} s", flush=True)
    print(text(found, table))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

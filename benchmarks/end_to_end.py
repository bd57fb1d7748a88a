"""What a search is worth: netwright's networks beside hand-made ones, on fashion14.

For each seed and each cap on the latency (ONNX Runtime, one thread) one search by netwright's
defaults: so many networks on one worker for three epochs each, a selection after ten or twelve,
the full training of the best one or two with and without CutMix, which all count as search, and
the last training on train and validation; then the test part, once. Hand-made networks are trained
on train and validation for 30 epochs with the same fitting code. Costs are processor seconds of the
workers.

Prints the table that the docs quote: `python benchmarks/end_to_end.py --seeds 3`. It takes about
an hour a seed on an idle core, and goes on where it was when it is started again. `--only-seed S`
runs the searches of one seed, to be gathered later from the same store.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import netwright as nw
from netwright.evaluate.fit import Schedule, fit, score
from netwright.evaluate.reference import reference
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.targets.measured import measured


@dataclass(frozen=True)
class Setting:
    """One search: the cap in ms, the trials of the search, and the finals."""

    cap: float
    trials: int
    finals: tuple[tuple[int, int], ...]


# The last cap is there for the cost of training alone: what is slower gains little on these data.
SETTINGS = (
    Setting(0.016, 60, ((8, 12), (2, 36))),
    Setting(0.030, 50, ((8, 12), (2, 36))),
    Setting(0.055, 35, ((8, 12), (1, 36))),
    Setting(0.086, 26, ((8, 12), (1, 36))),
    Setting(0.150, 18, ((5, 12), (1, 24))),
)
QUICK = (Setting(0.055, 3, ((2, 1), (1, 2))),)


def conv(inputs: int, outputs: int, kernel: int = 3, padding: int | None = None) -> nn.Sequential:
    padding = kernel // 2 if padding is None else padding
    layer = nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


def lenet() -> nn.Module:
    """LeNet-5 with batch normalisation, for 14 x 14."""
    return nn.Sequential(
        conv(1, 6, 5), nn.MaxPool2d(2), conv(6, 16, 3, 0), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def vgg(width: int) -> nn.Module:
    """Four convolutions, as a person writes them first."""
    return nn.Sequential(
        conv(1, width), conv(width, width), nn.MaxPool2d(2),
        conv(width, 2 * width), conv(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10),
    )  # fmt: skip


HAND_MADE: dict[str, Callable[[], nn.Module]] = {
    "LeNet-5 with batch norm": lenet,
    "4 convolutions, width 16": lambda: vgg(16),
    "4 convolutions, width 32": lambda: vgg(32),
}


def hand_made(
    data: nw.Data, make: Callable[[], nn.Module], seed: int, epochs: int
) -> dict[str, float]:
    """One training by the fitting code's defaults, without the average of the weights."""
    torch.manual_seed(seed)
    model, cpu = make(), torch.device("cpu")
    began = time.process_time()
    plain = Schedule(average=0.0)
    meaning: dict[str, Any] = {"task": data.task, "normalise": data.normalise}
    fit(model, data.train, nw.Budget(epochs), plain, **meaning, seed=seed, device=cpu)
    spent = time.process_time() - began
    found = score(model, data.test, **meaning, device=cpu)
    model = model.to(memory_format=torch.contiguous_format)
    takes = Signature.single(data.shape, (data.classes,), dtype="uint8")
    deployment = Deployment(takes, data.normalise)
    target = nw.OnnxRuntime(seconds=0.3)
    ms = measured(target, model, deployment)[f"latency_ms@{target.name}"]
    return {"accuracy": found["accuracy"], "ms": ms, "cpu_seconds": spent}


def searched(data: nw.Data, seed: int, setting: Setting, store: Path) -> dict[str, float]:
    """What one search found, and what it cost."""
    finals = setting.finals
    run = nw.search(
        nw.spaces.convnet(data.shape, data.classes),
        nw.Training(data, epochs=3, full_epochs=finals[-1][1]),
        limits={"latency_ms@onnxruntime": setting.cap},
        trial_minutes=0.4,
        trials=setting.trials,
        finals=finals,
        workers=1,
        seed=seed,
        store=store,
        run=f"cap-{setting.cap:.3f}-seed-{seed}",
    )
    history = run.record.history

    def cpu(*, refit: bool) -> float:
        return sum(t.cpu_seconds for t in history if t.proposal.stage.is_refit == refit)

    best = run.best
    return {
        "seed": seed,
        "cap": setting.cap,
        "trials": sum(t.proposal.stage.is_search for t in history),
        "ms": best.metrics["latency_ms@onnxruntime"],
        "validation": best.metrics["accuracy"],
        "accuracy": best.metrics["test_accuracy"],
        "cutmix": best.architecture["cutmix"],
        "search": cpu(refit=False),
        "training": cpu(refit=True),
    }


def told(rows: list[dict[str, float]], key: str, scale: float) -> str:
    """Mean and standard deviation over the seeds."""
    values = [scale * row[key] for row in rows]
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short search, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only-seed", type=int, help="run the searches of this seed alone")
    parser.add_argument("--store", type=Path, default=Path("build/end_to_end.db"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds = 1
        arguments.store = arguments.store.with_name(f"quick-{time.time_ns()}.db")
    torch.set_num_threads(1)
    data = nw.data.load("fashion14")
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    alone = arguments.only_seed
    seeds = range(arguments.seeds) if alone is None else [alone]
    runs = [
        searched(data, seed, setting, arguments.store)
        for seed in seeds
        for setting in (QUICK if arguments.quick else SETTINGS)
    ]
    hand: dict[str, Any] = {}
    svm: dict[str, Any] = {}
    if alone is None:
        both = data.with_validation_in_train()
        svm = reference(both) or {}
        epochs = 1 if arguments.quick else 30
        for name, make in HAND_MADE.items():
            hand[name] = [hand_made(both, make, seed, epochs) for seed in seeds]
    report(runs, hand, svm)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        body = {"runs": runs, "hand_made": hand, "reference": svm}
        arguments.json.write_text(json.dumps(body, indent=2))


def report(runs: list[dict[str, Any]], hand: dict[str, Any], svm: dict[str, Any]) -> None:
    print(f"{'':30}{'test %':>14}{'ms':>9}{'CPU s: search':>15}{'training':>10}{'trials':>8}")
    if svm:
        print(f"{svm['name']:30}{100 * svm['accuracy']:14.2f}{'':24}{svm['seconds']:10.0f}")
    for name, rows in hand.items():
        accuracy, ms = told(rows, "accuracy", 100), statistics.median(r["ms"] for r in rows)
        cost = statistics.mean(r["cpu_seconds"] for r in rows)
        print(f"{name:30}{accuracy:>14}{ms:9.4f}{'':15}{cost:10.0f}")
    for cap in sorted({run["cap"] for run in runs}):
        rows = [run for run in runs if run["cap"] == cap]
        accuracy, ms = told(rows, "accuracy", 100), statistics.median(r["ms"] for r in rows)
        search, training, trials = (
            statistics.mean(r[key] for r in rows) for key in ("search", "training", "trials")
        )
        name = f"netwright, at most {cap:.3f} ms"
        print(f"{name:30}{accuracy:>14}{ms:9.4f}{search:15.0f}{training:10.0f}{trials:8.0f}")


if __name__ == "__main__":
    main()

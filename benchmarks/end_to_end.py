"""What a search is worth: netwright's networks beside hand-made ones, on fashion14.

For each seed one search with two objectives (accuracy, latency in ONNX Runtime on one thread) of
`--minutes` on one worker, a selection of twelve at 8 epochs, the full training of six, and their
last training on train and validation; the front is scored on the test part. Hand-made networks are
trained on the train part for 30 epochs with the same fitting code, once more also on train and
validation. Costs are processor seconds of the workers.

Prints the table that the docs quote: `python benchmarks/end_to_end.py --seeds 3`. It takes about
25 minutes a seed on an idle core, and goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import netwright as nw
from netwright.evaluate.fit import Schedule, fit, score
from netwright.evaluate.reference import reference

LIMIT = 0.15  # of the search, in ms: what is slower here costs more to train than it brings
CAPS = (0.016, 0.030, 0.055, 0.086, LIMIT)
FINALS = [(12, 8), (6, 24)]


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
    fit(model, data.train, epochs, plain, mean=data.mean, std=data.std, seed=seed, device=cpu)
    spent = time.process_time() - began
    found = score(model, data.test, mean=data.mean, std=data.std, device=cpu)
    model = model.to(memory_format=torch.contiguous_format)
    latency = nw.OnnxRuntime().measure(model, data.shape, mean=data.mean, std=data.std, seconds=0.3)
    return {"accuracy": found["accuracy"], "ms": latency.median_ms, "cpu_seconds": spent}


def searched(
    data: nw.Data, seed: int, minutes: float, finals: list[tuple[int, int]], store: Path
) -> dict[str, Any]:
    """The front of one search, with test accuracies, and what it cost."""
    run = nw.search(
        nw.spaces.convnet(data.shape, data.classes),
        nw.Training(data, epochs=2, full_epochs=finals[-1][1]),
        objectives=[nw.maximize("accuracy"), nw.minimize("latency_ms")],
        limits={"latency_ms": LIMIT},
        trial_minutes=0.25,
        minutes=minutes,
        finals=finals,
        workers=1,
        seed=seed,
        store=store,
        run=f"seed-{seed}",
    )
    record = run.record
    cost = {
        name: sum(t.cpu_seconds for t in record.history if t.proposal.stage in stages)
        for name, stages in {"search": (0, 1), "training": (2, 3)}.items()
    }
    points = [
        {
            "ms": found.metrics["latency_ms"],
            "validation": found.metrics["accuracy"],
            "accuracy": found.metrics["test_accuracy"],
        }
        for found in run.front
    ]
    trials = sum(t.proposal.stage == 0 for t in record.history)
    return {"seed": seed, "trials": trials, "front": points, **cost}


def under(run: dict[str, Any], cap: float) -> dict[str, float] | None:
    """The network of a run that validation would choose under a cap on latency."""
    fits = [p for p in run["front"] if p["ms"] <= cap]
    return max(fits, key=lambda p: p["validation"]) if fits else None


def told(values: list[float], scale: float = 1.0) -> str:
    spread = f" ± {scale * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{scale * statistics.mean(values):.2f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short search, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--store", type=Path, default=Path("build/end_to_end.db"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.minutes = 1, 0.1
        arguments.store = arguments.store.with_name(f"quick-{time.time_ns()}.db")
    finals = [(2, 1), (1, 2)] if arguments.quick else FINALS
    torch.set_num_threads(1)
    data = nw.data.load("fashion14")
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    runs = [searched(data, s, arguments.minutes, finals, arguments.store) for s in seeds]
    hand, svm = {}, {}
    learned = {"": data, ", train + val": data.with_validation_in_train()}
    for told_of, parts in list(learned.items())[: 1 if arguments.quick else 2]:
        svm[f"SVM-RBF{told_of}"] = reference(parts)
        for name, make in HAND_MADE.items():
            epochs = 1 if arguments.quick else 30
            hand[name + told_of] = [hand_made(parts, make, seed, epochs) for seed in seeds]
    report(runs, hand, svm)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        body = {"runs": runs, "hand_made": hand, "reference": svm}
        arguments.json.write_text(json.dumps(body, indent=2))


def report(runs: list[dict[str, Any]], hand: dict[str, Any], svm: dict[str, Any]) -> None:
    print(f"{'':40}{'test %':>14}{'ms':>10}{'CPU s':>8}")
    for name, row in svm.items():
        print(f"{name:40}{100 * row['accuracy']:14.2f}{'':10}{row['seconds']:8.0f}")
    for name, rows in hand.items():
        accuracy = told([r["accuracy"] for r in rows], 100)
        ms = statistics.median(r["ms"] for r in rows)
        cost = statistics.mean(r["cpu_seconds"] for r in rows)
        print(f"{name:40}{accuracy:>14}{ms:10.4f}{cost:8.0f}")
    for cap in CAPS:
        chosen = [p for run in runs if (p := under(run, cap))]
        name = f"netwright, at most {cap:.3f} ms"
        if not chosen:
            print(f"{name:40}{'none found':>14}")
            continue
        accuracy = told([p["accuracy"] for p in chosen], 100)
        missing = f"  ({len(runs) - len(chosen)} of {len(runs)} seeds have none)"
        ms = statistics.median(p["ms"] for p in chosen)
        print(f"{name:40}{accuracy:>14}{ms:10.4f}" + (missing if len(chosen) < len(runs) else ""))
    for run in runs:
        print(
            f"netwright, seed {run['seed']}: {run['trials']} trials, {run['search']:.0f} CPU s of "
            f"search and selection, {run['training']:.0f} of full and last training"
        )


if __name__ == "__main__":
    main()

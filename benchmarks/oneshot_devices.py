"""Networks for many devices from one training, against networks that were trained alone.

A supernet of `convnet` is trained once for all on fashion14; then a network is taken out of it for
each of several bounds on latency, as it is and tuned for some epochs. What is elastic are kernels,
depths and widths, all from the first epoch, since the training is short; other options are held,
since networks that differ by them share weights badly. Beside it the same network is trained from
scratch for as many epochs as the supernet was, by the recipe of `Training`. All are scored on the
test part, which chose nothing.

What ten searches would cost is found by one search by regularized evolution under the middle bound.

Prints the table that the docs quote: `python benchmarks/oneshot_devices.py`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import netwright as nw
from netwright.data import ArrayPart, Data, load
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.fit import score
from netwright.space import restricted
from netwright.targets.measured import measured
from netwright.trial import Budget

OPTIONS: dict[str, list[Any]] = {
    "activation": ["relu"],
    "cutout": [4],
    "dropout": ["none"],
    "learning_rate": [0.2],
    "normalisation": ["batch"],
    "pooling": ["grid"],
    "weight_decay": [0.0005],
    "stem.width": [16, 32],
    "stem.downsample": ["max"],
    "stage1.attention": ["none"],
    "stage1.block": ["residual"],
    "stage1.depth": [1, 2],
    "stage1.downsample": ["none"],
    "stage1.width": [16, 32, 48],
    "stage2.attention": ["none"],
    "stage2.block": ["residual"],
    "stage2.depth": [1, 2],
    "stage2.downsample": ["stride"],
    "stage2.width": [16, 32, 48, 64],
    "stage3": ["none"],
}


CPU = torch.device("cpu")
LATENCY = "latency_ms@onnxruntime"


def some(data: Data, examples: int) -> Data:
    """The data with the first examples of the train part."""
    return replace(data, train=ArrayPart(data.train.x[:examples], data.train.y[:examples]))


def accuracy(network: torch.nn.Module, data: Data) -> float:
    """On the test part, percent."""
    found = score(network, data.test, task=data.task, normalise=data.normalise, device=CPU)
    return 100 * found["accuracy"]


def bounds(space: nw.Space, data: Data, count: int) -> list[float]:
    """Latencies in ms from small to large: quantiles of random networks'."""
    rng, target = np.random.default_rng(0), nw.OnnxRuntime()
    deployment = nw.Training(data).deployment(space)
    found = []
    for _ in range(3 * count):
        network = space.build(space.sample(rng), seed=0)
        found.append(measured(target, network, deployment)[LATENCY])
    return [float(v) for v in np.quantile(found, np.linspace(0.05, 0.95, count))]


def compared(
    space: nw.Space,
    data: Data,
    limits: list[float],
    epochs: int,
    tuned_for: int,
    scored: int,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """One training for all limits, and each network trained alone."""
    training = nw.Training(data, epochs=1, full_epochs=epochs)
    began = time.process_time()
    run = nw.search(
        space,
        training,
        strategy=nw.OnceForAll(
            epochs=epochs,
            learning_rate=0.1,
            largest=0.0,
            progressive=False,
            scored=max(2, scored),
        ),
        trials=1,
        finals=[],
        refit=False,
        seed=seed,
        workers=1,
        store=folder / f"once-{seed}.db",
        run="once",
    )
    rows, trained = [], time.process_time() - began
    known: dict[nw.Architecture, dict[str, float]] = {}
    for limit in limits:
        began = time.process_time()
        as_is = run.best_for({LATENCY: limit}, scored=scored)
        looked = time.process_time() - began
        chosen = as_is.architecture
        if chosen not in known:  # several bounds may have the same network
            began = time.process_time()
            tuned = run.best_for({LATENCY: limit}, scored=scored, epochs=tuned_for)
            spent = time.process_time() - began
            began = time.process_time()
            candidate = Candidate(space, chosen, seed)
            alone = training.evaluate(candidate, Budget(epochs), Context(seed)).model
            assert alone is not None
            known[chosen] = {
                "as it is": accuracy(as_is.network.network, data),
                "tuned": accuracy(tuned.network.network, data),
                "alone": accuracy(alone, data),
                "seconds to tune": spent,
                "seconds alone": time.process_time() - began,
            }
        rows.append(
            {
                "limit": limit,
                "latency_ms": as_is.metrics[LATENCY],
                "params": as_is.metrics["params"],
                **known[chosen],
                "seconds to look": looked,
            }
        )
        print(seed, rows[-1], flush=True)
    return {"seconds": trained, "rows": rows}


def searched(
    space: nw.Space, data: Data, limit: float, epochs: int, trials: int, folder: Path
) -> float:
    """Processor seconds of one search under a limit, with the training of its network."""
    run = nw.search(
        space,
        nw.Training(data, epochs=max(1, epochs // 10), full_epochs=epochs),
        strategy=nw.RegularizedEvolution(),
        limits={LATENCY: limit},
        trials=trials,
        finals=[(1, epochs)],
        refit=False,
        workers=1,
        store=folder / "search.db",
        run="search",
    )
    return sum(trial.cpu_seconds for trial in run.record.history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one bound, two epochs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--tune", type=int, default=8, help="epochs for a network taken out")
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--limits", type=int, default=10)
    parser.add_argument("--scored", type=int, default=100, help="networks looked at for a bound")
    parser.add_argument("--trials", type=int, default=40, help="of the search that is compared")
    parser.add_argument("--out", type=Path, help="a folder that keeps what is done")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.epochs, arguments.examples, arguments.limits = 1, 2, 300, 1
        arguments.scored, arguments.trials, arguments.tune = 5, 2, 1
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        data = some(load("fashion14", seed=0), arguments.examples)
        space = restricted(nw.spaces.convnet(data.shape, data.classes), OPTIONS)
        known = folder / "bounds.json"
        if not known.is_file():
            known.write_text(json.dumps(bounds(space, data, arguments.limits)))
        limits = json.loads(known.read_text())
        runs = []
        for seed in range(arguments.seeds):
            kept = folder / f"seed-{seed}.json"
            if not kept.is_file():
                run = compared(
                    space,
                    data,
                    limits,
                    arguments.epochs,
                    arguments.tune,
                    arguments.scored,
                    seed,
                    folder,
                )
                kept.write_text(json.dumps(run))
            runs.append(json.loads(kept.read_text()))
        kept = folder / "search.json"
        if not kept.is_file():
            middle = limits[len(limits) // 2]
            seconds = searched(space, data, middle, arguments.epochs, arguments.trials, folder)
            kept.write_text(json.dumps(seconds))
        search = json.loads(kept.read_text())
        print(text(runs, search))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"runs": runs, "search": search}, indent=2))


def text(runs: list[dict[str, Any]], search: float) -> str:
    """The results, a line a bound."""
    lines = [f"{'at most, ms':>12}{'ms':>9}{'as it is':>16}{'tuned':>16}{'trained alone':>16}"]
    for rows in zip(*(run["rows"] for run in runs), strict=True):
        found = {key: [row[key] for row in rows] for key in rows[0]}
        cells = [_mean(found[key]) for key in ("as it is", "tuned", "alone")]
        lines.append(
            f"{found['limit'][0]:12.4f}{statistics.mean(found['latency_ms']):9.4f}"
            + "".join(f"{cell:>16}" for cell in cells)
        )
    trained = statistics.mean(run["seconds"] for run in runs)
    looked, tuned = (
        statistics.mean(sum(row[key] for row in run["rows"]) for run in runs)
        for key in ("seconds to look", "seconds to tune")
    )
    count = len(runs[0]["rows"])
    lines.append(
        f"One training {trained:.0f} processor seconds, looking for {count} networks {looked:.0f}, "
        f"tuning them {tuned:.0f}; {count} searches {count * search:.0f}."
    )
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


if __name__ == "__main__":
    main()

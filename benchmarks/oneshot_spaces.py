"""Every one-shot search on spaces of five kinds, each to a trained and exported network.

A cell of the table is the test accuracy of the network that a short search named, trained alone by
a few epochs on some examples of fashion14: what is shown is that it runs to its end, not which
method is best. The exported network is loaded and scored again; a cell where that differs is an
error.

Prints the table that the docs quote: `python benchmarks/oneshot_spaces.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import netwright as nw
from netwright.data import ArrayPart, Data, load
from netwright.oneshot.names import ONE_SHOT

SPACES: dict[str, Callable[[Data], nw.Space]] = {
    "nasbench201": lambda d: nw.spaces.nasbench201(d.shape, d.classes, channels=8, cells=1),
    "darts": lambda d: nw.spaces.darts(d.shape, d.classes, channels=4, cells=3),
    "convnet": lambda d: nw.spaces.convnet(d.shape, d.classes),
    "mobilenet_v3": lambda d: nw.spaces.mobilenet_v3(d.shape, d.classes),
    "vit": lambda d: nw.spaces.vit(d.shape, d.classes),
}


def some(data: Data, examples: int) -> Data:
    """The data with fewer examples in each part."""
    parts = {
        name: ArrayPart(part.x[:examples], part.y[:examples])
        for name in ("train", "validation", "test")
        if (part := getattr(data, name))
    }
    return replace(data, **parts)


def run_to_the_end(method: str, space: nw.Space, data: Data, epochs: int) -> dict[str, Any]:
    """Search, train, export and load what was exported; its test accuracy and the seconds."""
    began = time.perf_counter()
    strategy = replace(ONE_SHOT[method].make(), epochs=epochs)
    if hasattr(strategy, "scored"):
        strategy = replace(strategy, scored=10)
    with tempfile.TemporaryDirectory() as folder:
        run = nw.search(
            space,
            nw.Training(data, epochs=2, full_epochs=4),
            strategy=strategy,
            trials=2,
            finals=[(1, 4)],
            refit=False,
            workers=0,
            store=Path(folder) / "runs.db",
            out=Path(folder) / "best",
        )
        network = loaded(Path(folder) / "best")
        with torch.no_grad():
            right = network(data.test.x.float()).argmax(1) == data.test.y
        accuracy, told = float(right.float().mean()), run.best.metrics["test_accuracy"]
        assert abs(accuracy - told) < 0.01, (accuracy, told)
    return {"accuracy": accuracy, "seconds": time.perf_counter() - began}


def loaded(folder: Path) -> torch.nn.Module:
    """The network that was exported, without netwright."""
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: torch.nn.Module = module.load()
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two methods on one space")
    parser.add_argument("--methods", nargs="+", choices=list(ONE_SHOT), default=list(ONE_SHOT))
    parser.add_argument("--spaces", nargs="+", choices=list(SPACES), default=list(SPACES))
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a folder that keeps each cell")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.methods, arguments.spaces = ["gdas", "few-shot"], ["nasbench201"]
        arguments.examples, arguments.epochs = 200, 2
    torch.set_num_threads(1)
    data = some(load("fashion14", seed=0), arguments.examples)
    print(f"{'':20}" + "".join(f"{name:>16}" for name in arguments.spaces))
    table: dict[str, dict[str, Any]] = {}
    for method in arguments.methods:
        cells = []
        for name in arguments.spaces:
            kept = arguments.out / f"{method}-{name}.json" if arguments.out else None
            if kept is not None and kept.is_file():
                found = json.loads(kept.read_text())
            else:
                found = run_to_the_end(method, SPACES[name](data), data, arguments.epochs)
                if kept is not None:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(found))
            table.setdefault(method, {})[name] = found
            cells.append(f"{100 * found['accuracy']:.1f} ({found['seconds']:.0f} s)")
        print(f"{method:20}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()

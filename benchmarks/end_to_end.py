"""What a search is worth: `netwright search --minutes` beside networks written by hand.

Every method has the same rows and the same seconds in all, for each seed: start, search, finals,
last training, checks and export. The test part is scored once. Methods:

- by hand: four convolutions, as a person writes them first, of several widths, each trained on
  train and validation for the seconds of one budget alone, at most 100 epochs, by the fitting code
  of netwright. The best width is that of the test part, which flatters it.
- netwright: `netwright search --data FILE --minutes M --workers 1`, and nothing else.
- without designs: the same with `--no-designs --no-portfolio`.
- random search, and Optuna's TPE under Hyperband, on the same space with the same finals.

Pictures are digits of scikit-learn, 2,400 of fashion14, and any `.npz` given by
`--pictures NAME=FILE`; `--table NAME=FILE:LABEL` adds tables of classes, beside breast cancer and
diabetes of scikit-learn, and `--series NAME=FILE` series. Of these there is no network by hand: the
reference that netwright prints stands in its place. With `--caps 1 2` pictures are also searched at
so many times the latency of four convolutions of width 16, timed in this process.

Prints the table that the docs quote: `python benchmarks/end_to_end.py --seconds 60 200 --seeds 3`.
What was measured is kept in `--kept`, and not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import nn

import netwright as nw
from netwright.evaluate.fit import Schedule, fit, score
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.targets.measured import measured

WIDTHS = (8, 16, 32, 64)
MOST_EPOCHS = 100
ROWS = 2400  # of fashion14
ALONE = ["--no-designs", "--no-portfolio"]
SEARCHES = {
    "netwright": [],
    "without designs": ALONE,
    "random search": [*ALONE, "--strategy", "random"],
    "TPE + Hyperband": [*ALONE, "--strategy", "hyperband-optuna-tpe"],
}


@dataclass(frozen=True)
class Problem:
    """A file that the command line reads, what else is said of it, and what scores it."""

    name: str
    file: Path
    options: tuple[str, ...] = ()
    metric: str = "accuracy"
    are_pictures: bool = False


def problems(given: argparse.Namespace, folder: Path) -> Iterator[Problem]:
    """The data sets that were asked for, as files."""
    if not given.only_given:
        yield Problem("fashion14", fashion(folder / "fashion14.npz"), are_pictures=True)
        yield Problem("digits", digits(folder / "digits.npz"), are_pictures=True)
        for name, metric in (("breast_cancer", "accuracy"), ("diabetes", "rmse")):
            file = folder / f"{name}.csv"
            getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(file, index=False)
            task = ("--task", "regression" if metric == "rmse" else "classification")
            yield Problem(name, file, ("--label", "target", *task), metric)
    for name, path in map(_named, given.pictures):
        yield Problem(name, Path(path), are_pictures=True)
    for name, told in map(_named, given.table):
        path, _, label = told.rpartition(":")
        yield Problem(name, Path(path), ("--label", label))
    for name, path in map(_named, given.series):
        yield Problem(name, Path(path))


def _named(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    return name, file


def fashion(file: Path) -> Path:
    """Some rows of the pictures that netwright has, and all of the test part."""
    data = nw.data.load("fashion14")
    (x,), y = data.train.batch(slice(None))
    (tx,), ty = data.test.batch(slice(None))
    rows = np.random.default_rng(0).permutation(len(x))[:ROWS]
    np.savez(file, x_train=x[rows].numpy(), y_train=y[rows].numpy(), x_test=tx, y_test=ty)
    return file


def digits(file: Path) -> Path:
    """Digits of 8 x 8, 700 rows for the test."""
    given = datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(given.target))
    x, y = (given.images[order, None] * 15).astype(np.uint8), given.target[order]
    np.savez(file, x_train=x[700:], y_train=y[700:], x_test=x[:700], y_test=y[:700])
    return file


def conv(inputs: int, outputs: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


def four_convolutions(channels: int, width: int, classes: int) -> nn.Module:
    """As a person writes them first."""
    return nn.Sequential(
        conv(channels, width), conv(width, width), nn.MaxPool2d(2),
        conv(width, 2 * width), conv(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, classes),
    )  # fmt: skip


def by_hand(data: Any, width: int, seed: int, seconds: float) -> dict[str, float]:
    """The test accuracy of a width that is trained for so many processor seconds."""
    both, cpu = data.with_validation_in_train(), torch.device("cpu")
    meaning: dict[str, Any] = {"task": data.task, "normalise": both.normalise}

    def trained(epochs: int) -> nn.Module:
        torch.manual_seed(seed)
        model = four_convolutions(data.shape[0], width, data.classes)
        fit(model, both.train, nw.Budget(epochs), Schedule(), **meaning, seed=seed, device=cpu)
        return model

    trained(1)  # what is done once
    began = time.process_time()
    trained(2)
    epoch = (time.process_time() - began) / 2
    model = trained(max(1, min(MOST_EPOCHS, int(seconds / epoch))))
    return {"score": score(model, data.test, **meaning, device=cpu)["accuracy"]}


def latency(data: Any) -> float:
    """Milliseconds of four convolutions of width 16 in ONNX Runtime, as limits are measured."""
    model = four_convolutions(data.shape[0], 16, data.classes).eval()
    takes = Signature.single(data.shape, (data.classes,), dtype="uint8")
    target = nw.OnnxRuntime(seconds=0.5)
    found = measured(target, model, Deployment(takes, data.normalise))
    return float(found[f"latency_ms@{target.name}"])


def searched(
    problem: Problem, method: str, seconds: float, seed: int, limits: Sequence[str]
) -> dict[str, float]:
    """One search by the command line: the test score, the reference, and the processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        call = [
            sys.executable, "-m", "netwright", "search", "--data", str(problem.file),
            *problem.options, "--minutes", f"{seconds / 60:.4f}", "--workers", "1",
            "--seed", str(seed), "--store", f"{folder}/runs.db", "--out", f"{folder}/best",
            "--quiet", "--json", *SEARCHES[method], *(f"--limit={each}" for each in limits),
        ]  # fmt: skip
        before, began = os.times(), time.monotonic()
        done = subprocess.run(call, capture_output=True, text=True)
        after = os.times()
        wall = time.monotonic() - began
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return {"score": float("nan"), "cpu": float("nan"), "seconds": wall}
    body = json.loads(done.stdout)
    used = sum(getattr(after, k) - getattr(before, k) for k in ("children_user", "children_system"))
    figure = {"score": body["test"][problem.metric], "is_share": problem.metric == "accuracy"}
    found = {**figure, "cpu": used, "seconds": wall}
    reference = body["reference"] or {}
    return found | ({"reference": reference[problem.metric]} if problem.metric in reference else {})


class Kept:
    """Rows that were measured, in a file, so that none is measured twice."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        self._known = {tuple(row["key"]) for row in self.rows}

    def add(self, key: tuple[Any, ...], found: Callable[[], dict[str, float]]) -> None:
        """Measure what is not known."""
        if key in self._known:
            return
        self.rows.append({"key": list(key), **found()})
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")


def measure(given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """A row for each data set, budget, cap, method and seed."""
    kept = Kept(Path(given.kept))
    for problem in problems(given, folder):
        for seconds in given.seconds:
            for seed in range(given.seeds):
                if problem.are_pictures:
                    by_widths(kept, problem, seconds, seed, given.widths)
                caps = given.caps if problem.are_pictures else []
                for cap in (0, *caps):
                    limits = capped(problem, cap, seed)
                    for method in given.methods:
                        call = partial(searched, problem, method, seconds, seed, limits)
                        kept.add((problem.name, seconds, cap, method, seed), call)
    return kept.rows


def by_widths(
    kept: Kept, problem: Problem, seconds: float, seed: int, widths: Sequence[int]
) -> None:
    """Four convolutions of each width."""
    data = nw.data.load(problem.file, seed=seed)
    for width in widths:
        call = partial(by_hand, data, width, seed, seconds)
        kept.add((problem.name, seconds, 0, f"by hand, {width}", seed), call)


def capped(problem: Problem, cap: float, seed: int) -> list[str]:
    """The limit of so many times the latency of four convolutions; none for 0."""
    if not cap:
        return []
    ms = cap * latency(nw.data.load(problem.file, seed=seed))
    return [f"latency_ms@onnxruntime={ms:.5f}"]


def told(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def report(rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> None:
    """The table: test scores in percent, or RMSE, mean and deviation of the seeds."""
    groups = dict.fromkeys((row["key"][0], row["key"][1], row["key"][2]) for row in rows)
    columns = ["by hand", "reference", *methods, "CPU s"]
    print(f"{'data':16}{'s':>5}{'cap':>5}" + "".join(f"{name:>18}" for name in columns))
    for name, seconds, cap in groups:
        here = [row for row in rows if row["key"][:3] == [name, seconds, cap]]
        scale = 100.0 if all(row.get("is_share", True) for row in here) else 1.0

        def of(method: str, figure: str = "score", here: Any = here) -> list[float]:
            return [row[figure] for row in here if row["key"][3] == method and figure in row]

        widths = [m for m in dict.fromkeys(row["key"][3] for row in here) if m.startswith("by h")]
        best = max(map(of, widths), key=statistics.mean, default=[])
        cells = [told([scale * v for v in best])]
        cells.append(told([scale * v for v in of(methods[0], "reference")]))
        cells += [told([scale * v for v in of(method)]) for method in methods]
        cells.append(told(of(methods[0], "cpu")))
        print(f"{name:16}{seconds:5.0f}{cap or '':>5}" + "".join(f"{cell:>18}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short search, under a minute")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60.0, 200.0])
    parser.add_argument("--caps", type=float, nargs="*", default=[])
    parser.add_argument("--methods", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--widths", type=int, nargs="*", default=list(WIDTHS))
    parser.add_argument("--pictures", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--table", nargs="*", default=[], metavar="NAME=FILE:LABEL")
    parser.add_argument("--series", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--only-given", action="store_true", help="none but the files given")
    parser.add_argument("--kept", default="build/end_to_end.jsonl")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.quick:
            given.seeds, given.seconds, given.widths, given.methods = 1, [40.0], [8], ["netwright"]
            given.kept, given.only_given = str(folder / "kept.jsonl"), True
            given.pictures = [f"digits={digits(folder / 'quick.npz')}"]
        rows = measure(given, folder)
    report(rows, given.methods)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()

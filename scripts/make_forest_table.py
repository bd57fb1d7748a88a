"""Train every member of the space `forest` on fashion14: netwright's own tabular benchmark.

Each of the 1,050 cells is trained three times, from three seeds, for six epochs on the first 5,000
rows of the train part, and scored on the validation part after each epoch and on the test part at
the end. Seconds are those of one processor core. What was trained is appended to `--work`, one line
a training, so that a killed run goes on where it was; two cores that do nothing else need about two
hours. Latency is measured at the end, of one image on ONNX Runtime with one thread: leave the
machine alone then.

    python scripts/make_forest_table.py --workers 2
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch

from netwright.bench import Table
from netwright.data import Data, Part, load
from netwright.evaluate.costs import deployment_of
from netwright.evaluate.fit import Schedule, fit, score
from netwright.space import Architecture, Space
from netwright.spaces.forest import forest
from netwright.targets import OnnxRuntime
from netwright.targets.measured import measured

OUT = Path(__file__).parents[1] / "src" / "netwright" / "bench" / "forest.safetensors"
WORK = Path(__file__).parents[1] / "build" / "forest.jsonl"
SEEDS, EPOCHS, ROWS = 3, 6, 5000
SCHEDULE = Schedule(batch=64, learning_rate=0.05)

Job = tuple[str, int]


@cache
def subject() -> tuple[Space, Data, Part]:
    torch.set_num_threads(1)
    data = load("fashion14")
    return forest(), data, Part(data.train.x[:ROWS], data.train.y[:ROWS])


def train(job: Job) -> dict[str, object]:
    """One training: accuracies in percent after each epoch, and CPU seconds an epoch."""
    space, data, part = subject()
    text, seed = job
    cpu = torch.device("cpu")
    accuracies, began, training = [], time.process_time(), 0.0

    def scored(on: Part) -> float:
        return 100 * score(net, on, mean=data.mean, std=data.std, device=cpu)["accuracy"]

    def report(epoch: int, _: object) -> None:
        nonlocal began, training
        training += time.process_time() - began
        if epoch < EPOCHS:
            accuracies.append(scored(data.validation))
        began = time.process_time()

    net = space.build(Architecture.from_json(text), seed=seed)
    settings = {"mean": data.mean, "std": data.std, "seed": seed, "device": cpu}
    fit(net, part, EPOCHS, SCHEDULE, **settings, report=report)
    began = time.process_time()
    accuracies.append(scored(data.validation))
    scoring = time.process_time() - began
    return {
        "architecture": text,
        "seed": seed,
        "accuracy": accuracies,
        "test": scored(data.test),
        "seconds": training / EPOCHS + scoring,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    members = [a.to_json() for a in subject()[0].enumerate()]
    train_all(members, options.work, options.workers)
    table_of(members, lines(options.work)).save(options.out)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")


def train_all(members: list[str], work: Path, workers: int) -> None:
    """Append what is not in `work` yet."""
    work.parent.mkdir(parents=True, exist_ok=True)
    done = {(line["architecture"], line["seed"]) for line in lines(work)}
    jobs = [(text, seed) for seed in range(SEEDS) for text in members if (text, seed) not in done]
    jobs = [jobs[i] for i in np.random.default_rng(0).permutation(len(jobs))]
    with (
        multiprocessing.get_context("spawn").Pool(workers) as pool,
        work.open("a", encoding="utf-8") as file,
    ):
        for count, result in enumerate(pool.imap_unordered(train, jobs), 1):
            file.write(json.dumps(result) + "\n")
            file.flush()
            if count % 100 == 0:
                print(f"{count:,} of {len(jobs):,}", flush=True)


def table_of(members: list[str], trained: list[dict]) -> Table:
    """Means over the seeds, and each seed's own; seconds are the median of the seeds'."""
    space, data, _ = subject()
    by_member: dict[str, list[dict]] = {text: [] for text in members}
    for line in sorted(trained, key=lambda line: line["seed"]):
        by_member[line["architecture"]].append(line)
    short = sum(len(found) < SEEDS for found in by_member.values())
    if short:
        raise SystemExit(f"{short:,} networks lack trainings")
    columns: dict[str, list[float]] = {}

    def put(name: str, value: float) -> None:
        columns.setdefault(name, []).append(float(value))

    architectures = [Architecture.from_json(text) for text in members]
    for text, architecture in zip(members, architectures, strict=True):
        found = by_member[text]
        curves = np.array([line["accuracy"] for line in found])
        for epoch in range(1, EPOCHS + 1):
            put(f"accuracy_{epoch}", curves[:, epoch - 1].mean().round(4))
        put("test", np.mean([line["test"] for line in found]).round(4))
        for line in found:
            for epoch, accuracy in enumerate(line["accuracy"], 1):
                put(f"accuracy_{epoch}_seed{line['seed']}", accuracy)
            put(f"test_seed{line['seed']}", line["test"])
        seconds = np.median([line["seconds"] for line in found])
        for epoch in range(1, EPOCHS + 1):
            put(f"seconds_{epoch}", round(epoch * seconds, 4))
        survey = space.survey(architecture)
        put("params", survey.params)
        put("macs", survey.macs)
        net = space.build(architecture, seed=0)
        costs = measured(OnnxRuntime(), net, deployment_of(space, None))
        put("latency_ms", costs["latency_ms@onnxruntime"])
    return Table(space, architectures, columns, "forest")


def lines(work: Path) -> list[dict]:
    """What is in the file; a line that a kill cut off is left out."""
    if not work.exists():
        return []
    return [json.loads(t) for t in work.read_text("utf-8").splitlines() if t.endswith("}")]


if __name__ == "__main__":
    main()

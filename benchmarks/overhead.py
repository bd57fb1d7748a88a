"""What the machinery costs: events, strategies, the loop itself, and `netwright --help`.

Prints the table that the docs quote. Run it on an idle machine: `python benchmarks/overhead.py`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from netwright import spaces
from netwright.bench import Table, simulate
from netwright.evaluate.function import Function
from netwright.execute import Inline
from netwright.network.cost import survey
from netwright.objective import maximize, minimize
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.space import Space
from netwright.store import SQLiteStore
from netwright.strategies import (
    BANANAS,
    NPENAS,
    NSGA2,
    PNAS,
    REINFORCE,
    Auto,
    LocalSearch,
    Optuna,
    RandomSearch,
    RegularizedEvolution,
    Strategy,
)
from netwright.testing.strategies import score
from netwright.trial import Proposal, Trial

ONE = (maximize("accuracy"),)
TWO = (maximize("accuracy"), minimize("latency_ms"))


def spread(samples: list[float]) -> dict[str, float]:
    """Median with the 10th and 90th percentile."""
    low, high = np.quantile(samples, [0.1, 0.9])
    return {"median": statistics.median(samples), "low": float(low), "high": float(high)}


def times_ms(call: Callable[[int], object], repeats: int) -> list[float]:
    found = []
    for i in range(repeats):
        began = time.perf_counter()
        call(i)
        found.append(1e3 * (time.perf_counter() - began))
    return found


def store_ms(folder: Path, events: int) -> dict[str, float]:
    """Milliseconds to append a finished trial of 3 epochs, on the disk of `folder`, as in a run."""
    store = SQLiteStore(folder / "events.db")
    store.create("a", {})
    space = spaces.convnet((1, 14, 14), 10)
    proposal = Proposal(space.sample(np.random.default_rng(0)))
    curve = tuple({"epoch": e, "loss": 0.5, "accuracy": 0.8} for e in range(3))
    body = Trial(0, proposal, "done", {"accuracy": 0.8, "params": 1e5}, curve, 4.0, 4.0).to_json()
    with store.connected():
        return spread(times_ms(lambda i: store.append("a", "finished", body, i), events))


def turn_ms(strategy: Strategy, space: Space, trials: int, repeats: int) -> dict[str, float]:
    """Milliseconds to propose and to observe, after so many trials of random networks."""
    objectives = TWO if isinstance(strategy, NSGA2) else ONE
    search = strategy.start(space, objectives)
    rng = np.random.default_rng(0)
    for number in range(trials):
        proposal = Proposal(space.sample(rng))
        search.observe(Trial(number, proposal, "done", score(proposal)))

    def turn(i: int) -> None:
        proposal = search.propose(np.random.default_rng([1, i]), [])
        assert proposal is not None
        search.observe(Trial(trials + i, proposal, "done", score(proposal)))

    return spread(times_ms(turn, repeats))


def bench_seconds(seeds: int) -> dict[str, dict[str, float]]:
    """Seconds of so many searches of 100 evaluations by evolution on a table."""
    space = spaces.nasbench201()
    members = list(space.enumerate())
    accuracy = [score(Proposal(member))["accuracy"] for member in members]
    table = Table(space, members, {"accuracy": accuracy})
    table.row(members[0])

    def searches(_: int) -> None:
        for seed in range(seeds):
            simulate(table, RegularizedEvolution(), ONE, seed=seed, evaluations=100)

    found = {key: value / 1e3 for key, value in spread(times_ms(searches, 3)).items()}
    return {f"{seeds} searches of 100 evaluations, s": found}


def loop_ms(folder: Path, trials: int) -> dict[str, float]:
    """Milliseconds a trial of the whole loop with an evaluation that takes no time.

    Includes building and surveying each network on the meta device.
    """

    def train(model: nn.Module, epochs: int) -> float:
        return 0.5

    space: Space = spaces.convnet((1, 14, 14), 10)
    store = SQLiteStore(folder / "loop.db")
    store.create("a", {"objectives": [], "limits": []})
    stamps: list[float] = []
    plan = Plan(
        space,
        Function(train),
        RegularizedEvolution(),
        trials=trials,
        finals=(),
        targets=(),
    )
    Loop(plan, store, "a", Inline(), lambda p: stamps.append(time.perf_counter())).run()
    return spread([1e3 * (b - a) for a, b in pairwise(stamps)])


def survey_ms(networks: int) -> dict[str, dict[str, float]]:
    """Milliseconds to find params, MACs, memory and identity of networks of some spaces."""
    image = (3, 32, 32)
    ready = {
        "nasbench201": spaces.nasbench201(image, 10),
        "darts": spaces.darts(image, 10),
        "convnet": spaces.convnet((1, 14, 14), 10),
        "mobilenet_v3": spaces.mobilenet_v3(image, 10),
        "vit": spaces.vit(image, 10),
    }
    found = {}
    for name, space in ready.items():
        rng = np.random.default_rng(0)
        with torch.device("meta"):
            made = iter([space.build(space.sample(rng)) for _ in range(networks)])

        def next_one(_: int, made: Iterator[nn.Module] = made, space: Space = space) -> None:
            survey(next(made), space.inputs)

        found[f"survey of a network of {name}, ms"] = spread(times_ms(next_one, networks))
    return found


def help_seconds(repeats: int) -> dict[str, float]:
    """Seconds of `netwright --help` as a process."""
    call = [sys.executable, "-m", "netwright", "--help"]
    found = times_ms(lambda i: subprocess.run(call, check=True, capture_output=True), repeats)
    return {key: value / 1e3 for key, value in spread(found).items()}


CHEAP = {
    "random": RandomSearch(),
    "evolution": RegularizedEvolution(),
    "local search": LocalSearch(),
    "NSGA-II": NSGA2(),
}
LEARNED = {
    "REINFORCE": REINFORCE(),
    "BANANAS": BANANAS(),
    "NPENAS": NPENAS(),
    "PNAS": PNAS(),
    "auto": Auto(),
    "Optuna TPE": Optuna("tpe"),
}


def strategies_ms(few: bool) -> dict[str, dict[str, float]]:
    """Each strategy's turn by what is printed of it; Optuna's only where it is installed.

    Networks of convnet have to be traced to be compared, cells of nasbench201 have not.
    """
    ready = {"nasbench201": spaces.nasbench201(), "convnet": spaces.convnet((1, 14, 14), 10)}
    trials = {
        ("nasbench201", "cheap"): 300 if few else 5000,
        ("convnet", "cheap"): 300 if few else 5000,
        ("nasbench201", "learned"): 30 if few else 1000,
        ("convnet", "learned"): 10 if few else 200,
    }
    installed = find_spec("optuna") is not None
    found = {}
    for (space, kind), count in trials.items():
        for name, made in (CHEAP if kind == "cheap" else LEARNED).items():
            if installed or not isinstance(made, Optuna):
                repeats = 3 if few else {"cheap": 500, "learned": 20}[kind]
                figures = turn_ms(made, ready[space], count, repeats)
                found[f"{name}, {count:,} trials of {space}, ms"] = figures
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    few = arguments.quick
    torch.set_num_threads(1)
    threadpool_limits(1)
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        figures = {
            "store an event, ms": store_ms(folder, 200 if few else 5000),
            **strategies_ms(few),
            **bench_seconds(10 if few else 500),
            **survey_ms(5 if few else 50),
            "loop, a trial that takes no time, ms": loop_ms(folder, 50 if few else 500),
            "netwright --help, s": help_seconds(3 if few else 10),
        }
    print(f"{'':48}{'median':>10}{'10 %':>10}{'90 %':>10}")
    for name, row in figures.items():
        print(f"{name:48}{row['median']:10.3f}{row['low']:10.3f}{row['high']:10.3f}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

"""What strategies are worth on NAS-Bench-201, beside the tools that a user would pick instead.

Two comparisons, each of which a folder `--out` keeps, so that what was killed goes on:

- The protocol of NATS-Bench (arXiv 2009.00437): searches by the validation accuracy on CIFAR-10
  after 12 epochs, for 12,000 simulated seconds, and reports, after a quarter, half and all of them,
  the test accuracies after 200 epochs of the network that was best by that.
- Evaluations to a quality: searches by the validation accuracy after 200 epochs, and reports how
  many evaluations it took until the best by that has a test accuracy of 94.2 %, and until it is the
  best of all.

`--table` is a file that `netwright bench import` made. Without it a made-up table of the same space
is searched, in which answers add up. Optuna's samplers need the extra `optuna`; SMAC3 is compared
where it is installed (`pip install smac`).

Prints the tables that the docs quote:

    netwright bench import nb201.parquet --out nb201.safetensors
    python benchmarks/strategies.py --table nb201.safetensors
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import spaces
from netwright.bench import Table
from netwright.bench.analysis import evaluations_to, values_at
from netwright.bench.compare import Comparison, Searched, by_strategy, read, run
from netwright.objective import Objective
from netwright.space import Space
from netwright.strategies import Search, Strategy
from netwright.strategies.names import by_name
from netwright.trial import Proposal, Trial

SHARES = {  # strategies, and their shares of the seeds
    "random": 1.0, "regularized-evolution": 1.0, "local-search": 1.0, "reinforce": 0.25,
    "pnas": 0.1, "bananas": 0.1, "npenas": 0.1, "optuna-tpe": 0.1, "optuna-gp": 0.04,
    "smac": 0.04, "auto": 0.1,
}  # fmt: skip
BUDGETS = (3000, 6000, 12000)  # simulated seconds
TESTS = ("c10_test_200", "c100_test_200", "in16_test_200")
GOOD = 94.2  # percent
LONG = ("random", "regularized-evolution", "local-search")  # get ten times the evaluations


def made_up(space: Space) -> Table:
    """Scores from 0 to 100 to which each answer adds its part, under the published names."""
    members = list(space.enumerate())
    rows = space.encode(members)
    scores = rows @ np.random.default_rng(0).standard_normal(rows.shape[1])
    scores = 100 * (scores - scores.min()) / (scores.max() - scores.min())
    names = ("c10_val_12", "c10_val_200", *TESTS)
    seconds = np.full(len(members), 150.0)
    return Table(space, members, {name: scores for name in names} | {"seconds_12": seconds})


@dataclass(frozen=True)
class Smac(Strategy):
    """SMAC3's facade for hyperparameters (random forest, expected improvement), as it comes."""

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """Its state."""
        return _Smac(space, objectives[0])


class _Smac(Search):
    def __init__(self, space: Space, objective: Objective) -> None:
        self._space, self._objective = space, objective
        self._facade: Any = None
        self._asked: dict[str, Any] = {}  # by architecture

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal:
        if self._facade is None:
            self._facade = self._made(int(rng.integers(2**31)))
        info = self._facade.ask()
        architecture = self._space.architecture(dict(info.config))
        self._asked[architecture.id] = info
        return Proposal(architecture)

    def observe(self, trial: Trial) -> None:
        from smac.runhistory.dataclasses import TrialValue

        cost = -self._objective.gain(trial.metrics)
        if info := self._asked.get(trial.architecture.id):
            self._facade.tell(info, TrialValue(cost=cost))

    def _made(self, seed: int) -> Any:
        from ConfigSpace import Categorical, ConfigurationSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        choices = self._space.choices.values()
        asked = ConfigurationSpace(seed=seed)
        asked.add([Categorical(c.name, [str(o) for o in c.options]) for c in choices])
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            asked, deterministic=True, n_trials=10**6, seed=seed, output_directory=self._folder.name
        )
        return HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )


def opened(table: str, space: str | None) -> Table:
    """What a process of the comparison searches."""
    return Table.open(Path(table))


def searched(
    comparison: Comparison, seeds: int, folder: Path, processes: int
) -> dict[str, list[Searched]]:
    """All searches of a comparison, and of strategies that cost more, fewer of them."""
    for name in comparison.strategies:
        count = max(2, round(seeds * SHARES[name]))
        long = comparison.evaluations is not None and name in LONG
        asked = replace(comparison, seeds=count)
        if long:
            asked = replace(asked, evaluations=10 * (asked.evaluations or 0))
        made = Smac() if name == "smac" else by_name("--strategies", name)
        where = folder / ("long" if long else "short")
        run(asked, {name: made}, where, opened, processes=processes)
    found = [s for kind in ("short", "long") for s in read(folder / kind)]
    return by_strategy(comparison, found)


def protocol(comparison: Comparison, table: Table, found: Mapping[str, list[Searched]]) -> Any:
    """Print test accuracies at each budget; returns their means and deviations."""
    heads = "".join(f"{t.removesuffix('_test_200'):>16}" for t in TESTS)
    print(f"{'seconds  strategy':34}{'seeds':>6}{heads}{'CPU s':>9}")
    told: dict[str, Any] = {}
    for budget in BUDGETS:
        for name, each in found.items():
            values = [values_at(comparison, table, each, t, budget) for t in TESTS]
            told.setdefault(name, {})[budget] = [(v.mean(), v.std()) for v in values]
            text = "".join(f"{f'{v.mean():.2f} ± {v.std():.2f}':>16}" for v in values)
            took = np.mean([s.cpu_seconds for s in each]) if budget == BUDGETS[-1] else None
            last = "" if took is None else f"{took:9.2f}"
            print(f"{budget:>7}  {name:25}{len(each):6}{text}{last}")
    return told


def qualities(comparison: Comparison, table: Table, found: Mapping[str, list[Searched]]) -> Any:
    """Print evaluations to a good network and to the best; returns medians and 90 percentiles."""
    print(f"\n{'evaluations to':34}{'seeds':>6}{f'{GOOD} %':>16}{'the best':>16}{'CPU s':>9}")
    told: dict[str, Any] = {}
    test = table.column("c10_test_200")
    for name, each in found.items():
        good = []
        for s in each:
            reached = np.flatnonzero(test[s.course.incumbents(table, comparison.signal)] >= GOOD)
            good.append(float(reached[0] + 1) if len(reached) else np.inf)
        counts = [np.array(good), evaluations_to(comparison, table, each, 0.0)]
        marks = [np.quantile(c, (0.5, 0.9), method="inverted_cdf").tolist() for c in counts]
        told[name] = [[m if np.isfinite(m) else None for m in pair] for pair in marks]
        text = "".join(f"{f'{_shown(a)} ({_shown(b)})':>16}" for a, b in marks)
        took = np.mean([s.cpu_seconds for s in each])
        print(f"         {name:25}{len(each):6}{text}{took:9.2f}")
    print(
        "Median, in brackets what nine of ten seeds needed at most; a dash: not within the budget."
    )
    return told


def _shown(count: float) -> str:
    return f"{count:.0f}" if np.isfinite(count) else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, help="the table of NAS-Bench-201, imported")
    parser.add_argument("--seeds", type=int, default=500, help="of the quickest strategies")
    parser.add_argument("--evaluations", type=int, default=150, help="of the second comparison")
    parser.add_argument("--strategies", help="names, separated by commas (default: all)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="keep the searches in this folder")
    parser.add_argument("--quick", action="store_true", help="few seeds, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    able = [n for n in SHARES if n != "smac" or find_spec("smac") is not None]
    if arguments.quick:
        able = ["random", "regularized-evolution", "local-search", "reinforce", "auto"]
    chosen = tuple(arguments.strategies.split(",")) if arguments.strategies else tuple(able)
    seeds = 20 if arguments.quick else arguments.seeds
    evaluations = 30 if arguments.quick else arguments.evaluations
    processes = 1 if arguments.quick else arguments.processes
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        file = arguments.table
        if file is None:
            file = Path(temporary) / "made-up.safetensors"
            made_up(spaces.nasbench201((3, 8, 8), 10, 4, 1)).save(file)
        table = Table.open(file)
        timed = Comparison(
            str(file.absolute()), None, chosen, 1, "c10_val_12", TESTS,
            seconds=float(BUDGETS[-1]), cost="seconds_12",
        )  # fmt: skip
        counted = replace(
            timed, signal="c10_val_200", seconds=None, cost=None, evaluations=evaluations
        )
        told = {
            "protocol": protocol(
                timed, table, searched(timed, seeds, folder / "seconds", processes)
            ),
            "evaluations": qualities(
                counted, table, searched(counted, seeds, folder / "count", processes)
            ),
        }
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()

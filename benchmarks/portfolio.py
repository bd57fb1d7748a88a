"""What the portfolio of the default spaces is chosen from, and what it is worth.

`collect` trains some members of each default space on many small data sets, all by the same fixed
epochs: the designs of the space at some sizes, random members, and mutants of the designs. It goes
on where it was stopped. `show` prints what the docs quote: each data set is left out in turn, and
what is chosen on the others is tried on it; with `--seeds` also what `auto` finds among the pairs,
with the prior of the others and without. `choose` makes the table that the spaces read.

    python benchmarks/portfolio.py collect --pictures NAME=FILE --minutes 60
    python benchmarks/portfolio.py choose
    python benchmarks/portfolio.py show
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from of_portfolio.choice import SIZES, Scores, left_out, portfolio, scores_of
from of_portfolio.data_sets import Problem, problems
from of_portfolio.pairs import (
    PAIRS,
    SPACES,
    choices_of,
    entry_of,
    mapped,
    pairs_of,
    placed,
    trained,
)
from of_portfolio.prior import Columns, correlations, weights_of
from of_portfolio.simulated import AFTER, searches

from netwright.space import Space
from netwright.spaces.names import default_space, ready_space
from netwright.spaces.portfolio import TABLE


def rows_in(file: Path) -> list[dict[str, Any]]:
    """What was measured; a line that was cut off at its end is none."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def turns(given: argparse.Namespace) -> Iterator[tuple[Problem, dict[str, Any]]]:
    """Each pair on each data set, the data sets in turn."""
    files = dict(text.split("=", 1) for text in given.pictures)
    every = [p for p in problems(files) if not given.spaces or p.space in given.spaces]
    every = [p for p in every if not given.data or p.name in given.data]
    pairs = {name: pairs_of(name) for name in {problem.space for problem in every}}
    for place in range(min(PAIRS, given.pairs)):
        for problem in every:
            yield problem, pairs[problem.space][place]


def collect(given: argparse.Namespace) -> None:
    """Train what is not measured yet, until the minutes are over."""
    end = time.monotonic() + 60 * given.minutes
    given.rows.parent.mkdir(parents=True, exist_ok=True)
    known = {(row["space"], row["data"], row["pair"]) for row in rows_in(given.rows)}
    drawn = {name: make() for name, (make, _) in SPACES.items()}
    read: dict[str, tuple[Any, Space]] = {}
    with given.rows.open("a", encoding="utf-8") as file:
        for problem, pair in turns(given):
            if (problem.space, problem.name, pair["pair"]) in known:
                continue
            if time.monotonic() > end:
                return
            if problem.name not in read:
                read[problem.name] = _opened(problem)
            data, space = read[problem.name]
            member = mapped(pair["answers"], drawn[problem.space], space)
            row = {"space": problem.space, "data": problem.name, **pair}
            row["member"] = dict(member.answers)
            file.write(json.dumps(row | trained(problem, data, space, member)) + "\n")
            file.flush()


def _opened(problem: Problem) -> tuple[Any, Space]:
    """The data, and the default space for them."""
    data = problem.read()
    takes, gives = data.signature.input.sizes, data.signature.output.sizes[-1]
    return data, ready_space("collect", default_space(data.signature, data), takes, gives)


def choose(given: argparse.Namespace) -> dict[str, dict[str, list[Any]]]:
    """Write the table: what adds most to the designs, and what options add, by all data sets.

    Of `--spaces` alone, if any are named; the others stay as they are in the table.
    """
    rows, table = rows_in(given.rows), {}
    if given.spaces:
        table = json.loads(given.table.read_text(encoding="utf-8"))
    for name in given.spaces or SPACES:
        scores = scores_of(rows, name)
        if not scores.pairs:
            raise SystemExit(f"{given.rows} has no pair of {name} that is known on all data sets.")
        places = portfolio(scores.values, scores.designs)
        columns = Columns.of(choices_of(name))
        weights = weights_of(columns.rows(scores.pairs), scores.ranks)
        table[name] = {
            "portfolio": [entry_of(name, scores.pairs[place]["answers"]) for place in places],
            "prior": [placed(name, *each) for each in columns.told(weights)],
        }
    given.table.write_text(written(table), encoding="utf-8")
    return table


def written(table: dict[str, dict[str, list[Any]]]) -> str:
    """The table as JSON with an entry a line."""
    spaces = []
    for name, kinds in table.items():
        lists = [
            f'  "{kind}": [\n' + ",\n".join(f"   {json.dumps(each)}" for each in entries) + "\n  ]"
            for kind, entries in kinds.items()
        ]
        spaces.append(f' "{name}": {{\n' + ",\n".join(lists) + "\n }")
    return "{\n" + ",\n".join(spaces) + "\n}\n"


def show(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Print what was measured, and what it is worth on data sets that it was not chosen on."""
    rows, found = rows_in(given.rows), []
    for name in SPACES:
        scores = scores_of(rows, name)
        if len(scores.data) < 2 or len(scores.pairs) < 2:
            continue
        seconds = [r["cpu_seconds"] for r in rows if r["space"] == name]
        print(
            f"{name}: {len(scores.pairs)} pairs on {len(scores.data)} data sets, "
            f"{np.mean(seconds):.1f} CPU s each: {'; '.join(scores.data)}"
        )
        found.append({"space": name, **_shown(name, scores)})
        if given.seeds:
            told = searches(scores, SPACES[name][0](), given.seeds)
            print(f"{'mean regret after trials':28}" + "".join(f"{n:>8}" for n in AFTER))
            for called, regrets in told.items():
                print(f"{called:28}" + "".join(f"{regret:8.3f}" for regret in regrets))
            found[-1]["searches"] = {called: list(regrets) for called, regrets in told.items()}
        print()
    return found


def _shown(name: str, scores: Scores) -> dict[str, Any]:
    """The tables of a space."""
    regrets = left_out(scores, np.random.default_rng(0))
    print(f"{'mean regret, of':28}" + "".join(f"{size:>8}" for size in SIZES))
    for called, by_size in regrets.items():
        sizes = SIZES if called != "designs" else tuple(by_size)
        cells = "".join(f"{np.mean(by_size[size]):8.3f}" for size in sizes)
        print(f"{f'{called} ({sizes[0]})' if called == 'designs' else called:28}{cells}")
    columns = Columns.of(choices_of(name))
    known, new = correlations(scores, columns, np.random.default_rng(0))
    print(f"{'Spearman of the prior':28}{'known pairs':>14}{'other pairs':>14}")
    for data, *both in zip(scores.data, known, new, strict=True):
        print(f"{data:28}" + "".join(f"{each:14.2f}" for each in both))
    print(f"{'mean':28}{np.mean(known):14.2f}{np.mean(new):14.2f}")
    return {"regrets": regrets, "known": known, "new": new}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", nargs="?", choices=["collect", "choose", "show"], default="show")
    parser.add_argument("--quick", action="store_true", help="a few small trainings, and show")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rows", type=Path, default=Path("build/portfolio.jsonl"))
    parser.add_argument("--table", type=Path, default=TABLE, help="what `choose` writes")
    parser.add_argument("--pictures", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--spaces", nargs="*", default=[], choices=list(SPACES))
    parser.add_argument("--data", nargs="*", default=[], help="these data sets alone")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="the first so many alone")
    parser.add_argument("--seeds", type=int, default=0, help="of searches among known pairs")
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if given.quick:
            given.rows, given.pairs, given.minutes = Path(folder) / "rows.jsonl", 6, 1.0
            given.data = ["wine", "diabetes", "breast_cancer"]
            collect(given)
        figures = {"collect": collect, "choose": choose, "show": show}[given.command](given)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

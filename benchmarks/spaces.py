"""What spaces cost: declaring, building, drawing members at random, changing them, sharing.

Prints the table that the docs quote. Run it on an idle machine: `python benchmarks/spaces.py`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright import spaces
from netwright.space import Architecture, Space
from netwright.spaces.nasbench101_graphs import graph_hash, graphs
from netwright.supernet import Supernet

CELLS = {
    "nasbench101": spaces.nasbench101,
    "nasbench201": spaces.nasbench201,
    "darts": spaces.darts,
}


def seconds(call: Callable[[], Any], repeats: int) -> list[float]:
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def each(call: Callable[[Architecture], Any], members: list[Architecture]) -> list[float]:
    """Seconds that a call takes for each of some members."""
    return [seconds(partial(call, member), 1)[0] for member in members]


def operations(space: Space, members: int, repeats: int) -> dict[str, list[float]]:
    """Seconds for so many members, of each thing that is done with them."""
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(members)]
    answers = [dict(a.answers) for a in drawn]
    return {
        "sample": seconds(lambda: [space.sample(rng) for _ in range(members)], repeats),
        "mutate": seconds(lambda: [space.mutate(a, rng) for a in drawn], repeats),
        "hash": seconds(lambda: [Architecture(a).id for a in answers], repeats),
        **{
            f"encode {encoding}": seconds(partial(space.encode, drawn, encoding), repeats)
            for encoding in ("onehot", "adjacency", "path")
        },
    }


def sharing(space: Space, members: int) -> dict[str, list[float]]:
    """Seconds to make a supernet, to activate a member and to extract one."""
    rng = np.random.default_rng(0)
    made = seconds(lambda: Supernet(space, seed=0), 3)
    shared = Supernet(space, seed=0)
    drawn = [space.sample(rng) for _ in range(members)]
    return {
        "make": made,
        "activate": each(shared.activate, drawn),
        "extract": each(shared.extract, drawn),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer members, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    members, repeats = (500, 1) if arguments.quick else (10_000, 5)
    rows: dict[str, list[float]] = {}
    rows["declare convnet"] = seconds(lambda: spaces.convnet((1, 14, 14), 10), 3)
    enas = spaces.enas_macro((3, 8, 8), 10, 4, 12)
    rows[f"declare {enas.count():.0e} members"] = seconds(
        lambda: spaces.enas_macro((3, 8, 8), 10, 4, 12), 3
    )
    for name, make in CELLS.items():
        space = make()
        for what, found in operations(space, members, repeats).items():
            rows[f"{name}: {what} {members:,}"] = found
        if name == "nasbench201":
            rng = np.random.default_rng(0)
            drawn = [space.sample(rng) for _ in range(20)]
            rows["nasbench201: build one"] = each(space.build, drawn)
    for what, found in sharing(
        spaces.convnet((1, 14, 14), 10), 20 if arguments.quick else 100
    ).items():
        rows[f"supernet of convnet: {what}"] = found
    if not arguments.quick:
        rows["nasbench101: enumerate 423,624"] = seconds(lambda: sum(1 for _ in graphs()), 3)
        rows["nasbench101: enumerate and hash"] = seconds(
            lambda: len({graph_hash(*graph) for graph in graphs()}), 1
        )
    print(f"{'seconds':40}{'median':>10}{'least':>10}{'most':>10}")
    for name, found in rows.items():
        middle = statistics.median(found)
        print(f"{name:40}{middle:10.4f}{min(found):10.4f}{max(found):10.4f}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()

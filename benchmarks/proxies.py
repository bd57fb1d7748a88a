"""How well proxies rank the cells of NAS-Bench-201, beside what was published of them.

`--table` is a file that `netwright bench import` made of NAS-Bench-Suite-Zero's scores and of a
table of accuracies, in that order; `--images` the JPEGs of CIFAR-10 as an `.npz` with
`jpeg_train`, `offset_train` and `y_train`. Each of `--sample` cells is built by netwright and
scored on `--examples` images, the same for all; two proxies are tried on random inputs too.

For each proxy: Spearman and Kendall with the test accuracy on CIFAR-10 after 200 epochs, Spearman
of the published scores of the same cells with it, and of ours with those, and seconds a network.

    netwright bench import zero_cost_proxies.parquet nb201.parquet --space nasbench201 \
        --out zero201.safetensors
    python benchmarks/proxies.py --table zero201.safetensors --images cifar10_jpeg.npz
"""

from __future__ import annotations

import argparse
import io
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from torch.nn import functional

from netwright.bench import Table
from netwright.bench.correlations import Correlation, correlations, proxy_scores
from netwright.proxies import (
    NASWOT,
    SNIP,
    Examples,
    Fisher,
    GradNorm,
    GraSP,
    Jacov,
    MACs,
    Params,
    Proxy,
    Synflow,
    Vote,
    Zen,
)

PROXIES: tuple[Proxy, ...] = (
    Synflow(), NASWOT(), Zen(), Jacov(), SNIP(), GraSP(), GradNorm(), Fisher(), Params(), MACs(),
)  # fmt: skip
STORED = {"naswot": "nwot", "macs": "flops"}
"""What NAS-Bench-Suite-Zero calls a proxy, where that is another name."""

VOTES = (
    Vote((Synflow(), Jacov(), SNIP()), "majority"),
    Vote((Synflow(), NASWOT())),
    Vote((Synflow(), NASWOT(), Zen())),
)
TARGET = "c10_test_200"


def images(file: Path, count: int, rng: np.random.Generator) -> Examples:
    """So many images of CIFAR-10, drawn at random, normalised by channel over themselves."""
    with np.load(file) as stored:
        content, offsets = stored["jpeg_train"].tobytes(), stored["offset_train"]
        labels = stored["y_train"]
    chosen = rng.permutation(len(labels))[:count]
    pixels = [Image.open(io.BytesIO(content[offsets[i] : offsets[i + 1]])) for i in chosen]
    batch = torch.from_numpy(np.stack([np.asarray(each) for each in pixels])).float()
    batch = batch.permute(0, 3, 1, 2)
    mean, std = (f(batch, (0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    targets = torch.from_numpy(labels[chosen].astype(np.int64))
    loss = lambda outputs, wanted: functional.cross_entropy(outputs, wanted)  # noqa: E731
    return Examples(((batch - mean) / std,), targets, loss)


def both(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman over the rows that both know."""
    known = np.isfinite(one) & np.isfinite(other)
    return float(spearmanr(one[known], other[known]).statistic) if known.sum() > 2 else math.nan


def row(name: str, found: Correlation, stored: str = "", like: str = "") -> str:
    return (
        f"{name:32}{found.networks:6}{found.spearman:10.3f}{found.kendall:9.3f}"
        f"{stored:>12}{like:>12}{found.seconds:10.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = Table.open(options.table)
    known = [r for r in table.distinct if math.isfinite(table.columns["synflow_c10"][r])]
    rows = rng.permutation(known)[: options.sample].tolist()
    accuracy = table.column(TARGET)[rows]
    batch = images(options.images, options.examples, rng)

    print(f"{'proxy':32}cells  Spearman  Kendall   published  with theirs  seconds")
    scores, seconds = proxy_scores(table, rows, PROXIES, batch, rng)
    for proxy, found in zip(
        PROXIES, correlations(PROXIES, scores, accuracy, seconds), strict=False
    ):
        column = f"{STORED.get(proxy.cli_name, proxy.cli_name)}_c10"
        stored = table.columns[column][rows] if column in table.columns else accuracy * math.nan
        ours = scores[:, PROXIES.index(proxy)]
        theirs = f"{both(stored, accuracy):.3f}", f"{both(ours, stored):.3f}"
        print(row(proxy.cli_name, found, *theirs))
    for vote in VOTES:
        chosen = [PROXIES.index(proxy) for proxy in vote.proxies]
        voted = vote.combine(scores[:, chosen])
        (found,) = correlations(
            PROXIES[:1], voted[:, None], accuracy, seconds[:, chosen].sum(1, keepdims=True)
        )
        name = " + ".join(proxy.cli_name for proxy in vote.proxies)
        print(row(f"{name} ({vote.rule})", found))

    free = tuple(p for p in (NASWOT(), Jacov()))
    drawn = Examples.random(table.space.signature, rng, options.examples)
    scores, seconds = proxy_scores(table, rows, free, drawn, rng)
    for proxy, found in zip(free, correlations(free, scores, accuracy, seconds), strict=False):
        print(row(f"{proxy.cli_name} on random inputs", found))


if __name__ == "__main__":
    main()

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
import json
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr
from torch.nn import functional

from netwright import spaces
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
STORED = {"naswot": "nwot_c10", "macs": "flops_c10", "zen": "zen_c10_nasbench201"}
"""The column of a proxy's published scores, where it has not the proxy's own name."""

VOTES = (
    Vote((Synflow(), Jacov(), SNIP()), "majority"),
    Vote((Synflow(), NASWOT())),
    Vote((Synflow(), NASWOT(), Zen())),
)
RANDOMLY: tuple[Proxy, ...] = (NASWOT(), Jacov())
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
    return Examples(((batch - mean) / std,), targets, functional.cross_entropy)


def both(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman over the rows that both know."""
    known = np.isfinite(one) & np.isfinite(other)
    return float(spearmanr(one[known], other[known]).statistic) if known.sum() > 2 else math.nan


def compare(
    table: Table, rows: list[int], batch: Examples, rng: np.random.Generator
) -> list[dict[str, str | float]]:
    """A row for each proxy, each vote, and two proxies on random inputs."""
    accuracy, found = table.column(TARGET)[rows], list[dict[str, str | float]]()

    def add(name: str, told: Correlation, **more: float) -> None:
        found.append({**vars(told), "proxy": name, **more})

    scores, seconds = proxy_scores(table, rows, PROXIES, batch, rng)
    told = correlations(PROXIES, scores, accuracy, seconds)
    for place, proxy in enumerate(PROXIES):
        name = STORED.get(proxy.cli_name, f"{proxy.cli_name}_c10")
        stored = table.columns[name][rows] if name in table.columns else accuracy * math.nan
        published, theirs = both(stored, accuracy), both(scores[:, place], stored)
        add(proxy.cli_name, told[place], published=published, theirs=theirs)
    for vote in VOTES:
        chosen = [PROXIES.index(proxy) for proxy in vote.proxies]
        voted, spent = vote.combine(scores[:, chosen]), seconds[:, chosen].sum(1)
        name = " + ".join(proxy.cli_name for proxy in vote.proxies)
        (one,) = correlations(PROXIES[:1], voted[:, None], accuracy, spent[:, None])
        add(f"{name} ({vote.rule})", one)
    drawn = Examples.random(table.space.signature, rng, len(batch))
    scores, seconds = proxy_scores(table, rows, RANDOMLY, drawn, rng)
    for proxy, one in zip(
        RANDOMLY, correlations(RANDOMLY, scores, accuracy, seconds), strict=False
    ):
        add(f"{proxy.cli_name} on random inputs", one)
    return found


def made_up(rng: np.random.Generator) -> tuple[Table, Examples]:
    """A few small cells whose accuracy is their size, and pictures of noise."""
    space = spaces.nasbench201((3, 8, 8), 4, channels=4, cells=1)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(8)))
    sizes = np.array([space.survey(member).params for member in members], dtype=float)
    pictures = torch.from_numpy(rng.standard_normal((8, 3, 8, 8), dtype=np.float32))
    batch = Examples((pictures,), torch.arange(8) % 4, functional.cross_entropy)
    return Table(space, members, {TARGET: sizes, "synflow_c10": sizes}), batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--table", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--sample", type=int, default=400)
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few made-up cells")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    if options.quick:
        table, batch = made_up(rng)
        rows = table.distinct
    else:
        if options.table is None or options.images is None:
            parser.error("--table and --images are needed without --quick")
        table = Table.open(options.table)
        known = [r for r in table.distinct if math.isfinite(table.columns["synflow_c10"][r])]
        rows = rng.permutation(known)[: options.sample].tolist()
        batch = images(options.images, options.examples, rng)
    found = compare(table, rows, batch, rng)
    print(f"{'proxy':36}cells  Spearman  Kendall  published  with theirs  seconds")
    for row in found:
        numbers = f"{row['spearman']:10.3f}{row['kendall']:9.3f}"
        others = [f"{row[k]:.3f}" if k in row else "" for k in ("published", "theirs")]
        print(
            f"{row['proxy']:36}{row['networks']:5}{numbers}{others[0]:>11}{others[1]:>13}"
            f"{row['seconds']:9.3f}"
        )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

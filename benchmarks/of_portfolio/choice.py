"""What is chosen from scores of pairs on data sets, and what it is worth on others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST = 16  # entries of a portfolio
WEIGHTS = (1.0, 0.5, 0.25)  # of the best, second best and third best of a portfolio on a data set
SIZES = (1, 2, 4, 8, 16)  # of portfolios that are compared
DRAWS = 200  # of as many random members


@dataclass(frozen=True)
class Scores:
    """Normalised scores of the pairs of a space, (pairs, data sets): 1 the best, 0 the middle.

    What is below the middle is 0, and so is what did not end well. `ranks` are from 0, the worst
    of a data set, to 1. Data sets on which less than half is known are left out, and then pairs
    that are not known on all of the others.
    """

    pairs: list[dict[str, Any]]
    data: list[str]
    values: Array
    ranks: Array

    @property
    def designs(self) -> list[int]:
        """The places of the designs at their usual sizes."""
        first: dict[str, int] = {}
        for place, pair in enumerate(self.pairs):
            if pair["kind"] == "design":
                first.setdefault(pair["from"], place)
        return list(first.values())

    @property
    def random(self) -> list[int]:
        """The places of random members."""
        return [place for place, pair in enumerate(self.pairs) if pair["kind"] == "random"]


def scores_of(rows: Sequence[dict[str, Any]], space: str) -> Scores:
    """The scores of a space, from what was measured."""
    rows = [row for row in rows if row["space"] == space]
    counts = Counter(row["data"] for row in rows)
    names = [name for name, count in counts.items() if count > max(counts.values()) / 2]
    known = {(row["pair"], row["data"]): _gain(row) for row in rows}
    first = {row["pair"]: row for row in rows}
    places = [p for p in sorted(first) if all((p, name) in known for name in names)]
    gains = np.array([[known[p, name] for name in names] for p in places])
    gains = gains.reshape(len(places), len(names))
    values, ranks = np.zeros_like(gains), np.zeros_like(gains)
    for column in range(len(names)):
        values[:, column], ranks[:, column] = _normalised(gains[:, column])
    kept = ("pair", "kind", "from", "answers")
    return Scores([{k: first[p][k] for k in kept} for p in places], names, values, ranks)


def _gain(row: dict[str, Any]) -> float:
    """Its first metric, larger being better; of classes with the loss among equal accuracies."""
    metrics = row["metrics"]
    if row["status"] != "done" or row["first"] not in metrics:
        return -np.inf
    sign = 1.0 if row["direction"] == "maximize" else -1.0
    return sign * metrics[row["first"]] - (
        1e-6 * min(99.0, metrics["loss"]) if row["first"] == "accuracy" else 0.0
    )


def _normalised(gains: Array) -> tuple[Array, Array]:
    """By the best and the middle, and by ranks."""
    well = np.where(np.isfinite(gains), gains, gains[np.isfinite(gains)].min())
    middle, best = float(np.median(well)), float(well.max())
    low = (well[:, None] > well[None]).sum(1)
    high = (well[:, None] >= well[None]).sum(1) - 1
    ranks = (low + high) / (2.0 * max(1, len(well) - 1))
    values = ((well - middle) / max(best - middle, 1e-12)).clip(0.0, 1.0)
    return np.where(np.isfinite(gains), values, 0.0), np.where(np.isfinite(gains), ranks, 0.0)


def worth(values: Array) -> float:
    """What a set is worth whose scores on data sets are (members, data sets).

    The mean over data sets of the best, and with less weight of the next, since one score alone may
    be luck.
    """
    ordered = -np.sort(-values, axis=0)[: len(WEIGHTS)]
    return float((np.array(WEIGHTS[: len(ordered)])[:, None] * ordered).sum(0).mean())


def portfolio(values: Array, given: Sequence[int] = (), most: int = MOST) -> list[int]:
    """The places that are chosen one after the other, each for what it adds to those before.

    `given` are tried before it in any case.
    """
    chosen: list[int] = []
    for _ in range(most):
        left = [p for p in range(len(values)) if p not in chosen and p not in given]
        if not left:
            break
        before = [*given, *chosen]
        chosen.append(max(left, key=lambda p: (worth(values[[*before, p]]), values[p].mean())))
    return chosen


def left_out(scores: Scores, rng: np.random.Generator) -> dict[str, dict[int, list[float]]]:
    """The regret on each data set of what was chosen on the others, by name and size.

    It is 1 less the best normalised score: 0 where the best of all pairs is among them.
    """
    found: dict[str, dict[int, list[float]]] = {}

    def note(name: str, size: int, regret: float) -> None:
        found.setdefault(name, {}).setdefault(size, []).append(regret)

    for held in range(len(scores.data)):
        others = [d for d in range(len(scores.data)) if d != held]
        of_others, own = scores.values[:, others], scores.values[:, held]
        alone = portfolio(of_others)
        after = portfolio(of_others, scores.designs)
        note("designs", len(scores.designs), 1 - own[scores.designs].max())
        for size in SIZES:
            note("portfolio", size, 1 - own[alone[:size]].max())
            note("designs, then portfolio", size, 1 - own[[*scores.designs, *after[:size]]].max())
            drawn = [
                rng.choice(scores.random, min(size, len(scores.random)), replace=False)
                for _ in range(DRAWS)
            ]
            note("random", size, 1 - float(np.mean([own[d].max() for d in drawn])))
            both = [own[[*scores.designs, *d]].max() for d in drawn]
            note("designs, then random", size, 1 - float(np.mean(both)))
    return found

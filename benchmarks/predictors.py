"""How well predictors order networks, and how well curves are extrapolated.

- Predictors: each learns from a few random cells of NAS-Bench-201 (`--table`, a file that
  `netwright bench import` made; without it a made-up table of the same space) by their validation
  accuracy after 200 epochs, and predicts others: Spearman's rank correlation, the share of scores
  that lie within two deviations of the mean, and processor seconds to fit and to predict.
- Curves: networks of `spaces.mlp` on 2,000 pictures of fashion14, each with a learning rate that is
  drawn from four powers of ten, by Adam at this rate, and by `nw.Training`, whose rate rises and
  falls. Of each the first two or four fifths of the epochs are known: mean absolute error of the
  last value, by extrapolation and by the value known last; the share within two deviations; and
  rank correlations.
- Budgets: of NAS-Bench-101 (`--budgets`, imported) the accuracies after 4, 12 and 36 epochs, each
  of which is a training with a schedule of its own, and what follows for 108.
- Stopping: what `LearningCurve` and `MedianStopping` end of these curves, one after the other.

Prints the tables that the docs quote:

    netwright bench import nb201.parquet --out nb201.safetensors
    netwright bench import nb101_sample20k.parquet --out nb101.safetensors
    python benchmarks/predictors.py --table nb201.safetensors --budgets nb101.safetensors
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

import netwright as nw
from netwright.bench import Table
from netwright.data import from_arrays
from netwright.evaluate.base import Candidate, Context
from netwright.objective import maximize
from netwright.surrogates import features_of
from netwright.trial import Proposal, Trial

SIZES, OTHERS = (20, 60, 180), 2000
SIGNAL = "c10_val_200"
SHARES = (0.4, 0.8)  # of the epochs
EPOCHS = {"constant rate": 30, "nw.Training": 20}
PREDICTORS: tuple[nw.Predictor, ...] = (
    nw.GaussianProcess(),
    nw.NetworkEnsemble(),
    nw.BoostedTrees(),
)
STOPPERS: tuple[nw.Stopper, ...] = (
    nw.LearningCurve(),
    nw.LearningCurve(bound=1.0),
    nw.LearningCurve(bound=1.0, probability=0.2),
    nw.MedianStopping(),
    nw.MedianStopping(after=4),
)

Curve = Sequence[tuple[float, float]]
"""Epochs and the accuracy after each."""


def made_up() -> Table:
    """Scores to which each answer of a cell adds its part."""
    space = nw.spaces.nasbench201((3, 8, 8), 10, 4, 1)
    members = list(space.enumerate())
    rows = space.encode(members)
    scores = rows @ np.random.default_rng(0).standard_normal(rows.shape[1])
    return Table(space, members, {SIGNAL: scores})


def order_of_networks(table: Table, seeds: int, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Print and return what each predictor makes of so many cells."""
    scores = table.columns[SIGNAL]
    features_of(table.space)
    print(f"{'cells  predictor':32}{'Spearman':>16}{'within 2':>10}{'fit s':>9}{'predict s':>11}")
    told = []
    for size in sizes:
        for predictor in PREDICTORS:
            each = []
            for seed in range(seeds):
                drawn = np.random.default_rng(seed).permutation(len(scores))[: size + OTHERS]
                cells = [table.architecture(int(row)) for row in drawn]
                features_of(table.space).rows(cells)
                each.append(_predicted(predictor, table.space, cells, scores[drawn], size))
            found = {key: [one[key] for one in each] for key in each[0]}
            name = type(predictor).__name__
            told.append({"cells": size, "predictor": name, **found})
            mean, deviation = np.mean(found["spearman"]), np.std(found["spearman"])
            rest = (np.mean(found["within"]), np.median(found["fit"]), np.median(found["predict"]))
            print(
                f"{size:>5}  {name:25}{f'{mean:.3f} ± {deviation:.3f}':>16}"
                f"{rest[0]:>10.1%}{rest[1]:>9.3f}{rest[2]:>11.3f}"
            )
    return told


def _predicted(
    predictor: nw.Predictor,
    space: nw.Space,
    cells: Sequence[nw.Architecture],
    scores: np.ndarray,
    size: int,
) -> dict[str, float]:
    begin = time.process_time()
    fitted = predictor.fit(space, cells[:size], scores[:size])
    between = time.process_time()
    mean, deviation = fitted.predict(cells[size:])
    end = time.process_time()
    return {
        "spearman": float(spearmanr(mean, scores[size:])[0]),
        "within": float((abs(mean - scores[size:]) <= 2 * deviation).mean()),
        "fit": between - begin,
        "predict": end - between,
    }


def kept(path: Path | None, count: int) -> dict[str, list[Curve]]:
    """The curves of a file, which is written if it is not there."""
    if path is not None and path.exists():
        curves: dict[str, list[Curve]] = json.loads(path.read_text(encoding="utf-8"))
        return curves
    curves = trained(count)
    if path is not None:
        path.write_text(json.dumps(curves), encoding="utf-8")
    return curves


def trained(count: int) -> dict[str, list[Curve]]:
    """Curves of as many networks, by each kind of training."""
    whole = nw.data.load("fashion14")
    data = from_arrays(whole.train.x[:4000], whole.train.y[:4000], validation=0.5, test=0)
    space = nw.spaces.mlp((1, 14, 14), 10)
    rng = np.random.default_rng(0)
    members = [space.sample(rng) for _ in range(count)]
    rates = 10 ** rng.uniform(-5, -1, (count, 2))
    curves: dict[str, list[Curve]] = {kind: [] for kind in EPOCHS}
    for number, (member, (rate, other)) in enumerate(zip(members, rates.tolist(), strict=True)):
        model = space.build(member, seed=number)
        curves["constant rate"].append(_constant(model, data, rate, number))
        training = nw.Training(data, epochs=EPOCHS["nw.Training"], learning_rate=30 * other)
        candidate = Candidate(space, member, number)
        result = training.evaluate(candidate, nw.Budget(training.epochs), Context(number))
        points = [(p["epoch"], p["accuracy"]) for p in result.curve if "accuracy" in p]
        curves["nw.Training"].append(points)
    return curves


def _constant(model: nn.Module, data: Any, rate: float, seed: int) -> Curve:
    """Adam with one rate, batches of 64."""
    x, y = data.train.x.float() / 255, data.train.y
    held, answers = data.validation.x.float() / 255, data.validation.y
    optimizer = torch.optim.Adam(model.parameters(), rate)
    generator = torch.Generator().manual_seed(seed)
    curve = []
    for epoch in range(1, EPOCHS["constant rate"] + 1):
        model.train()
        for batch in torch.randperm(len(y), generator=generator).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = (model(held).argmax(1) == answers).float().mean()
        curve.append((float(epoch), float(right)))
    return curve


def extrapolated(curves: Mapping[str, Sequence[Curve]], shares: Sequence[float]) -> list[Any]:
    """Print and return how near the last value is to what was expected of it, at most 1."""
    heads = ("curves", "error", "of last", "within 2", "rank", "of last", "ms")
    print(f"\n{'known  curves':30}" + "".join(f"{head:>9}" for head in heads))
    told = []
    for share in shares:
        for kind, each in curves.items():
            row = _errors(each, share)
            told.append({"kind": kind, "share": share, **row})
            texts = (
                f"{row['curves']}", f"{row['error']:.4f}", f"{row['error_of_last']:.4f}",
                f"{row['within']:.1%}", f"{row['rank']:.3f}", f"{row['rank_of_last']:.3f}",
                f"{row['ms']:.1f}",
            )  # fmt: skip
            print(f"{share:>5.0%}  {kind:23}" + "".join(f"{text:>9}" for text in texts))
    return told


def _errors(curves: Sequence[Curve], share: float) -> dict[str, float]:
    means, deviations, lasts, ends, seconds = [], [], [], [], []
    for curve in curves:
        epochs, values = np.array(curve).T
        known = max(2, round(share * len(curve)))
        begin = time.process_time()
        mean, deviation = (
            nw.ParametricCurves(bound=1.0).fit(epochs[:known], values[:known]).predict(epochs[-1:])
        )
        seconds.append(time.process_time() - begin)
        means.append(mean[0])
        deviations.append(deviation[0])
        lasts.append(values[known - 1])
        ends.append(values[-1])
    errors = np.abs(np.array(means) - ends)
    return {
        "curves": len(curves),
        "error": float(errors.mean()),
        "error_of_last": float(np.abs(np.array(lasts) - ends).mean()),
        "within": float((errors <= 2 * np.array(deviations)).mean()),
        "rank": float(spearmanr(means, ends)[0]),
        "rank_of_last": float(spearmanr(lasts, ends)[0]),
        "ms": 1000 * float(np.median(seconds)),
    }


def budgets(table: Table, count: int) -> dict[str, list[Curve]]:
    """Accuracies of as many networks after each budget, as if they were one curve."""
    rows = np.random.default_rng(0).permutation(len(table))[:count]
    columns = [(float(e), table.column("val_acc", e)) for e in table.budgets("val_acc")]
    return {"NAS-Bench-101": [[(e, float(c[row])) for e, c in columns] for row in rows]}


def stopped(curves: Mapping[str, Sequence[Curve]], orders: int) -> list[Any]:
    """Print and return what stoppers end of the curves, in orders that are drawn."""
    print(f"\n{'curves         stopper':59}{'ended':>8}{'epochs':>8}{'lost':>8}{'largest':>8}")
    space = nw.spaces.mlp((1, 14, 14), 10)
    told = []
    for kind, each in curves.items():
        for stopper in STOPPERS:
            found = np.array([_course(stopper, space, each, seed) for seed in range(orders)])
            ended, epochs, lost = found.mean(0)
            name = _named(stopper)
            row = {"kind": kind, "stopper": name, "ended": ended, "epochs": epochs}
            told.append({**row, "lost": lost, "largest": found[:, 2].max()})
            print(
                f"{kind:15}{name:44}{ended:>8.1%}{epochs:>8.1%}{lost:>8.4f}"
                f"{found[:, 2].max():>8.4f}"
            )
    return told


def _named(stopper: nw.Stopper) -> str:
    """Its name with the settings that are not the defaults."""
    usual = type(stopper)()
    given = [f"{k}={v}" for k, v in vars(stopper).items() if v != getattr(usual, k)]
    return f"{type(stopper).__name__}({', '.join(given)})"


def _course(
    stopper: nw.Stopper, space: nw.Space, curves: Sequence[Curve], seed: int
) -> tuple[float, float, float]:
    """Shares of trials that are ended and of epochs that are trained, and what the best loses."""
    state = stopper.start(space, (maximize("accuracy"),))
    proposal = Proposal(space.smallest(), nw.Budget(int(curves[0][-1][0])))
    ended, epochs, best = 0, 0.0, 0.0
    for number in np.random.default_rng(seed).permutation(len(curves)):
        points = [{"epoch": epoch, "accuracy": value} for epoch, value in curves[number]]
        seen = next(
            (n for n in range(1, len(points)) if not state.goes_on(proposal, points[:n])),
            len(points),
        )
        epochs += points[seen - 1]["epoch"] / points[-1]["epoch"]
        if seen < len(points):
            ended += 1
            continue
        metrics = {"accuracy": points[-1]["accuracy"]}
        best = max(best, metrics["accuracy"])
        state.observe(Trial(int(number), proposal, "done", metrics, tuple(points)))
    lost = max(curve[-1][1] for curve in curves) - best
    return ended / len(curves), epochs / len(curves), lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, help="the table of NAS-Bench-201, imported")
    parser.add_argument("--budgets", type=Path, help="a table of NAS-Bench-101, imported")
    parser.add_argument("--seeds", type=int, default=10, help="sets of cells to learn from")
    parser.add_argument("--curves", type=int, default=60, help="networks that are trained")
    parser.add_argument("--trained", type=Path, help="keep their curves in this file")
    parser.add_argument("--quick", action="store_true", help="few of all, under 60 s")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    quick = arguments.quick
    table = Table.open(arguments.table) if arguments.table else made_up()
    told: dict[str, Any] = {
        "predictors": order_of_networks(
            table, 2 if quick else arguments.seeds, SIZES[:1] if quick else SIZES
        )
    }
    curves = kept(arguments.trained, 4 if quick else arguments.curves)
    told["curves"] = extrapolated(curves, SHARES)
    if arguments.budgets:
        each = budgets(Table.open(arguments.budgets), 200 if quick else 2000)
        told["budgets"] = extrapolated(each, (0.75,))
    told["stopping"] = stopped(curves, 2 if quick else 3)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()

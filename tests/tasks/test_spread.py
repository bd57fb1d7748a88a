"""How sure a metric is: published standard errors, and those of differences on the same rows."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from netwright.tasks import Classification, MultiLabel, NextToken, Regression, Task
from netwright.tasks.spread import Spread, mean_spread, spread_of

TWO = Classification(("a", "b"))


def answering(right: np.ndarray, targets: np.ndarray, sure: float = 2.0) -> Tensor:
    """Logits (n, 2) that are right where they are to be."""
    said = np.where(right, targets, 1 - targets)
    return torch.from_numpy(sure * np.eye(2)[said]).float()


def spread(task: Task, metric: str, outputs: Tensor, targets: Tensor, units=None) -> Spread:
    batches = [(outputs[:7], targets[:7]), (outputs[7:], targets[7:])]
    found = spread_of(task, metric, iter(batches), len(targets), units)
    assert found is not None and found.rows == len(targets)
    return found


def hits(*pairs: tuple[int, bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """So many rows for each pair of what two networks make of them."""
    counts, one, other = zip(*pairs, strict=True)
    return np.repeat(one, counts), np.repeat(other, counts)


def test_the_error_of_a_share_is_that_of_a_binomial() -> None:
    targets = np.arange(400) % 2
    right = np.arange(400) < 360
    found = spread(TWO, "accuracy", answering(right, targets), torch.from_numpy(targets))
    assert not found.drawn and found.units == 400
    assert found.values.mean() == 0.9
    assert found.error == pytest.approx(math.sqrt(0.9 * 0.1 / 399))


def test_a_difference_on_the_same_rows_is_that_of_mcnemar() -> None:
    """Var = (b + c - (b - c)^2 / n) / n^2, with a row more on which the two differ."""
    both = hits((300, True, True), (40, True, False), (20, False, True), (40, False, False))
    targets = np.arange(400) % 2
    one, other = (
        spread(TWO, "accuracy", answering(right, targets), torch.from_numpy(targets))
        for right in both
    )
    published = math.sqrt(40 + 20 - 20**2 / 400) / 400
    assert one.error_beside(other) == pytest.approx(published, rel=0.02)
    assert one.error_beside(other) == pytest.approx(math.sqrt(59 * 400 / 399 + 1) / 400)
    assert one.error_beside(other) < 0.75 * math.hypot(one.error, other.error)


def test_few_rows_that_differ_are_no_certainty() -> None:
    targets = np.arange(400) % 2
    both = hits((399, True, True), (1, True, False))
    one, other = (
        spread(TWO, "accuracy", answering(right, targets), torch.from_numpy(targets))
        for right in both
    )
    assert one.error_beside(other) > 1 / 400  # 1 row of 400 apart
    assert one.error_beside(one) == pytest.approx(1 / 400)  # none apart


def test_the_error_of_a_loss_is_that_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    outputs, targets = torch.from_numpy(rng.normal(size=(90, 2))), torch.arange(90) % 2
    losses = torch.nn.functional.cross_entropy(outputs, targets, reduction="none").numpy()
    found = spread(TWO, "loss", outputs, targets)
    assert found.error == pytest.approx(losses.std(ddof=1) / math.sqrt(90))
    mae = spread(Regression(), "mae", outputs[:, :1], outputs[:, 1])
    gaps = (outputs[:, 0] - outputs[:, 1]).abs().numpy()
    assert mae.error == pytest.approx(gaps.std(ddof=1) / math.sqrt(90))
    there = torch.from_numpy(rng.integers(0, 2, (90, 2))).float()
    several = spread(MultiLabel(("a", "b")), "loss", outputs, there)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        outputs, there.double(), reduction="none"
    ).mean(1)
    assert several.error == pytest.approx(losses.std(correction=1) / math.sqrt(90))


def test_the_error_of_a_ratio_is_that_of_the_delta_method() -> None:
    """Var(s / c) is that of s - (s / c) c over the mean of c; exp(x) has exp(x) times it."""
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.normal(size=(60, 8, 5))).float()
    targets = torch.from_numpy(rng.integers(0, 5, (60, 8)))  # 0: nothing is to be said
    losses = torch.nn.functional.cross_entropy(
        outputs.flatten(0, 1), targets.flatten(), reduction="none"
    ).view(60, 8)
    there = targets > 0
    sums, counts = (losses * there).sum(1).double(), there.sum(1).double()
    ratio = sums.sum() / counts.sum()
    error = ((sums - ratio * counts).std(correction=1) / counts.mean() / math.sqrt(60)).item()
    task = NextToken(5)
    assert spread(task, "loss", outputs, targets).error == pytest.approx(error, rel=1e-5)
    expected = error * math.exp(ratio)
    assert spread(task, "perplexity", outputs, targets).error == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc"])
def test_the_error_of_another_metric_is_of_drawn_rows(metric: str) -> None:
    """Of a balanced accuracy sqrt(mean of p(1 - p) / n_c over classes / 2), of an area Hanley's."""
    rng = np.random.default_rng(0)
    targets = np.arange(600) % 3 // 2  # 400 and 200 rows
    score = rng.normal(size=600) + 1.5 * targets
    outputs = torch.from_numpy(np.stack([np.zeros(600), score - 0.75], 1))
    found = spread(TWO, metric, outputs, torch.from_numpy(targets))
    assert found.drawn and found.error_beside(found) == 0
    if metric == "balanced_accuracy":
        right = (score > 0.75) == (targets == 1)
        shares = [(right[targets == c].mean(), (targets == c).sum()) for c in (0, 1)]
        expected = math.sqrt(sum(p * (1 - p) / n for p, n in shares)) / 2
    else:
        area = TWO.measure([(outputs, torch.from_numpy(targets))])["roc_auc"]
        one, two = area / (2 - area), 2 * area**2 / (1 + area)
        spreads = area * (1 - area) + 199 * (one - area**2) + 399 * (two - area**2)
        expected = math.sqrt(spreads / (200 * 400))
    assert found.error == pytest.approx(expected, rel=0.15)


def test_an_error_of_drawn_rows_is_near_that_of_their_mean() -> None:
    """RMSE by draws, and by the delta method; two networks by the rows that they share."""
    rng = np.random.default_rng(1)
    wanted = rng.normal(size=5000)
    noise = rng.normal(size=5000)
    told = [torch.from_numpy((wanted + noise + 0.1 * rng.normal(size=5000))[:, None]) for _ in "ab"]
    one, other = (spread(Regression(), "rmse", x, torch.from_numpy(wanted)) for x in told)
    squares = (told[0][:, 0].numpy() - wanted) ** 2
    expected = squares.std() / math.sqrt(5000) / (2 * math.sqrt(squares.mean()))
    assert one.units == 5000  # of which some are drawn from
    assert one.error == pytest.approx(expected, rel=0.15)
    assert one.error_beside(other) < 0.3 * one.error


def test_rows_of_a_group_count_as_one() -> None:
    """Copies of a row say no more than the row; the same holds of draws."""
    rng = np.random.default_rng(0)
    outputs, targets = torch.from_numpy(rng.normal(size=(100, 2))), torch.arange(100) % 2
    for metric in ("loss", "accuracy", "f1"):
        alone = spread(TWO, metric, outputs, targets)
        twice = outputs.repeat(2, 1), targets.repeat(2)
        groups = np.tile(np.arange(100), 2) * 3
        assert spread(TWO, metric, *twice, groups).error == pytest.approx(alone.error, rel=0.02)
        assert spread(TWO, metric, *twice).error == pytest.approx(
            alone.error / math.sqrt(2), rel=0.1
        )


def test_units_of_other_sizes_leave_the_mean_that_of_rows() -> None:
    targets = np.arange(300) % 2
    right = np.arange(300) < 210
    groups = np.minimum(np.arange(300) // 5, 40)  # 40 of five rows, and one of a hundred
    found = spread(TWO, "accuracy", answering(right, targets), torch.from_numpy(targets), groups)
    assert found.units == 41 and found.values.mean() == pytest.approx(0.7)
    away = np.bincount(groups, right - 0.7)
    assert found.error == pytest.approx(math.sqrt((away**2).sum()) / 300, rel=0.02)


def test_networks_of_other_rows_are_not_compared_row_by_row() -> None:
    rng = np.random.default_rng(0)
    outputs, targets = torch.from_numpy(rng.normal(size=(60, 2))), torch.arange(60) % 2
    one, other = spread(TWO, "loss", outputs, targets), spread(TWO, "loss", outputs, 1 - targets)
    assert one.error_beside(other) is None and mean_spread([one, other]) is None
    assert one.error_beside(spread(TWO, "f1", outputs, targets)) is None
    grouped = spread(TWO, "loss", outputs, targets, np.arange(60)[::-1].copy())
    assert one.error_beside(grouped) is None


def test_the_mean_of_two_trainings_has_the_mean_of_their_rows() -> None:
    rng = np.random.default_rng(0)
    targets = torch.arange(200) % 2
    several = [
        spread(TWO, "loss", torch.from_numpy(rng.normal(size=(200, 2))), targets) for _ in "ab"
    ]
    both = mean_spread(several)
    assert both is not None
    assert both.error == pytest.approx(math.hypot(*(x.error for x in several)) / 2, rel=0.1)


def test_too_few_rows_say_nothing() -> None:
    few = torch.zeros(19, 2), torch.zeros(19, dtype=torch.int64)
    assert spread_of(TWO, "accuracy", [few], 19) is None
    assert spread_of(TWO, "params", [(torch.zeros(50, 2), torch.zeros(50).long())], 50) is None
    one = torch.zeros(50, 2), torch.zeros(50, dtype=torch.int64)
    assert spread_of(TWO, "roc_auc", [one], 50) is None  # of one kind alone there is no area


def test_it_is_kept_in_a_file() -> None:
    rng = np.random.default_rng(0)
    outputs, targets = torch.from_numpy(rng.normal(size=(60, 2))), torch.arange(60) % 2
    for metric in ("loss", "f1"):
        made = spread(TWO, metric, outputs, targets)
        again = Spread.from_tensors(made.to_tensors())
        assert again.error == pytest.approx(made.error)
        assert made.error_beside(again) == pytest.approx(0, abs=1e-6)
        assert (again.rows, again.units, again.drawn) == (60, 60, metric == "f1")


@dataclass(frozen=True)
class Two(Classification):
    """Several outputs, and a metric that says nothing of rows."""

    def measure(self, batches):
        found = [((a - b).sum(), len(wanted)) for (a, b), wanted in batches]
        return {"accuracy": float(sum(x for x, _ in found)) / sum(n for _, n in found)}

    def row_values(self, metric, batches):
        return None


def test_of_several_outputs_the_same_rows_are_drawn() -> None:
    a, b = torch.rand(300, generator=torch.Generator().manual_seed(0)), torch.zeros(300)
    found = spread_of(Two(("a", "b")), "accuracy", [((a, b), torch.zeros(300))], 300)
    assert found is not None
    assert found.error == pytest.approx(a.std().item() / math.sqrt(300), rel=0.15)

"""The epoch after which networks of folds are best."""

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.data import Data, from_arrays
from netwright.data.folds import folds_of
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.fit import with_steps
from netwright.evaluate.stopped import BEST_EPOCH, epochs_to_look
from netwright.evaluate.training import Schedule, Training
from netwright.space import Space, ensembled
from netwright.trial import REFIT, Budget


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 64, 128, step=64)
    return nn.Sequential(nn.Linear(inputs[0], width), nn.ReLU(), nn.Linear(width, outputs))


@pytest.fixture(scope="module")
def noise() -> Data:
    """Numbers that say nothing: whoever learns them for long is further off."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 12))
    return from_arrays(x, 0.3 * x[:, 0] + rng.normal(size=80), seed=0, test=0.25)


SPACE = Space(network, (12,), 1)


def candidate(space: Space = SPACE) -> Candidate:
    return Candidate(space, space.smallest(), 5)


@pytest.mark.parametrize(
    ("budget", "epochs"),
    [
        (Budget(100), (5, 10, 20, 40, 70)),
        (Budget(3), (1, 2)),
        (Budget(1), ()),
        (Budget(50, 100), (5, 10, 20, 40, 70)),
    ],
)
def test_a_whole_schedule_is_looked_at_on_its_way(budget: Budget, epochs: tuple) -> None:
    assert epochs_to_look(budget) == epochs


def test_what_is_learned_by_heart_is_not_handed_back(noise: Data) -> None:
    training = Training(noise, folds=3, learning_rate=0.05)
    result = training.evaluate(candidate(), Budget(40), Context(5))
    best = int(result.metrics[BEST_EPOCH])
    assert best < 40
    last = Training(noise, folds=3, learning_rate=0.05)
    outputs, targets = [], []
    for train, held in folds_of(noise, 3):
        made = last._on_fold(train, held).evaluate(candidate(), Budget(40), Context(5)).model
        given, y = held.batch(slice(None))
        outputs.append(made(noise.normalise(*given)).detach())
        targets.append(y)
    at_the_end = noise.task.measure([(torch.cat(outputs), torch.cat(targets))])
    assert result.metrics["rmse"] < at_the_end["rmse"] - 0.05


def test_the_network_is_that_of_the_best_epoch(noise: Data) -> None:
    training = Training(noise, folds=3, learning_rate=0.05)
    result = training.evaluate(candidate(), Budget(40), Context(5))
    stopped = Budget(int(result.metrics[BEST_EPOCH]), 40)
    alone = training._on_fold(*folds_of(noise, 3)[0])
    expected = alone.evaluate(candidate(), stopped, Context(5)).model
    for name, weights in expected.state_dict().items():
        assert torch.equal(weights, result.model.state_dict()[name])


def test_looking_changes_nothing(noise: Data) -> None:
    training = Training(noise, folds=1)
    plain, looked = (candidate().build() for _ in range(2))
    seen: list[torch.Tensor] = []
    looks = {2: lambda model: seen.append(model[0].weight.detach().clone())}
    for model, given in ((plain, None), (looked, looks)):
        schedule = Schedule(average=0.9)
        training._fit(model, Budget(5), schedule, 1, looks=given)
    assert torch.equal(plain[0].weight, looked[0].weight)
    assert len(seen) == 1 and not torch.equal(seen[0], plain[0].weight)


def test_networks_of_an_ensemble_stop_together(noise: Data) -> None:
    training = Training(noise, folds=3, learning_rate=0.05)
    space = ensembled(SPACE, 3)
    result = training.evaluate(candidate(space), Budget(40), Context(5))
    outputs, targets = [], []
    for (_, held), member in zip(folds_of(noise, 3), result.model.members, strict=True):
        given, y = held.batch(slice(None))
        outputs.append(member(noise.normalise(*given)).detach())
        targets.append(y)
    told = noise.task.measure([(torch.cat(outputs), torch.cat(targets))])
    assert told["rmse"] == pytest.approx(result.metrics["rmse"])


def test_the_refit_ends_after_the_best_epoch(noise: Data) -> None:
    run = nw.search(
        SPACE, Training(noise, epochs=40, full_epochs=40, folds=3, learning_rate=0.05),
        strategy="random", trials=1, finals=[], workers=0, store=nw.MemoryStore(), refit=True,
        rehearse=False,
    )  # fmt: skip
    searched, again = run.record.history
    assert again.proposal.stage == REFIT
    assert again.proposal.budget == Budget(int(searched.metrics[BEST_EPOCH]), 40)


@pytest.mark.parametrize(
    ("rows", "batch"), [(10, 10), (29, 14), (36, 18), (60, 15), (200, 16), (600, 32), (5000, 128)]
)
def test_steps_follow_the_rows(rows: int, batch: int) -> None:
    assert min(rows, with_steps(Schedule(), 40, rows).batch) == batch


def test_a_loss_that_weighs_rows_is_not_judged_by_a_metric_that_does_not() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 12)), rng.integers(0, 2, 80)
    task = nw.Classification(weights=(1000.0, 0.001))
    training = Training(from_arrays(x, y, task=task, test=0.25), folds=3)
    result = training.evaluate(
        Candidate(Space(network, (12,), 2), Space(network, (12,), 2).smallest(), 5),
        Budget(20),
        Context(5),
    )
    assert result.metrics[BEST_EPOCH] == 20

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from netwright import data as datasets
from netwright.data import Data
from netwright.errors import SettingError
from netwright.evaluate import fit as fit_module
from netwright.evaluate import training
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.cutmix import cutmix, mix, mixup
from netwright.evaluate.fit import Schedule, _Average, fit
from netwright.evaluate.function import Function
from netwright.evaluate.kept_answers import answers_kept
from netwright.evaluate.reference import reference
from netwright.evaluate.training import Training
from netwright.space import Choose, Space
from netwright.tasks import Classification
from netwright.trial import Budget


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load("digits")


def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 8, 16, step=8)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(width * 64, classes),
    )


def space(recipe=None) -> Space:
    return Space(network, (1, 8, 8), 10, recipe=recipe)


def candidate(made: Space) -> Candidate:
    return Candidate(made, made.smallest(), seed=1)


def test_few_examples_get_more_epochs_but_not_without_end(digits: Data) -> None:
    some = datasets.from_arrays(np.zeros((8000, 2)), np.arange(8000) % 2)
    steps = len(some.train) // 128
    short, full = Training(some).epochs, Training(some).full_epochs
    assert short * steps >= 200 > (short - 1) * steps
    assert full * steps >= 2000 > (full - 1) * steps
    few = datasets.from_arrays(np.zeros((40, 2)), np.arange(40) % 2)
    assert (Training(few).epochs, Training(few).full_epochs) == (100, 200)
    pictures = datasets.from_arrays(np.zeros((40, 3, 8, 8), np.uint8), np.arange(40) % 2)
    assert (Training(pictures).epochs, Training(pictures).full_epochs) == (24, 128)
    fashion = datasets.load("fashion14")
    assert (Training(fashion).epochs, Training(fashion).full_epochs) == (3, 30)
    assert Training(digits, epochs=2).epochs == 2
    assert Training(digits).for_refit().epochs == Training(digits).epochs == 24
    with pytest.raises(SettingError, match="at least 1, got -1"):
        Training(digits, full_epochs=-1)


def test_a_short_training_has_enough_steps(digits: Data, monkeypatch) -> None:
    made: list[Schedule] = []
    monkeypatch.setattr(training, "fit", lambda *given, **named: made.append(given[3]))
    for change, epochs, batch, rate in (
        ({}, 110, 128, 0.1),
        ({}, 100, 64, 0.1 / 2**0.5),
        ({}, 40, 32, 0.05),
        ({"optimizer": "adamw"}, 40, 32, 0.1 / 2),
        ({}, 1, 16, 0.1 / 8**0.5),
        ({"batch": 20}, 1, 20, 0.1),
    ):
        with suppress(IndexError):  # the curve is empty
            trained = Training(digits, folds=1, **change)
            trained.evaluate(candidate(space()), Budget(epochs), Context(1))
        assert made[-1].batch == batch
        assert made[-1].learning_rate == pytest.approx(rate)


def test_training_learns_and_records_its_curve(digits: Data) -> None:
    told: list[int] = []
    context = Context(seed=1, report=lambda epoch, metrics: told.append(epoch))
    result = Training(digits, folds=1).evaluate(candidate(space()), Budget(12), context)
    assert result.metrics["accuracy"] > 0.93
    assert told == list(range(1, 13))
    assert [p["epoch"] for p in result.curve] == told
    assert result.curve[-1]["loss"] < result.curve[0]["loss"] / 2
    assert result.curve[-1]["accuracy"] == result.metrics["accuracy"]
    tested = Training(digits).test(result.model)
    assert abs(tested["accuracy"] - result.metrics["accuracy"]) < 0.05


def test_divergence_is_a_failed_trial(digits: Data) -> None:
    training = Training(digits, learning_rate=1000.0, optimizer="sgd", average=0.0)

    def wild(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10))

    result = training.evaluate(candidate(Space(wild, (1, 8, 8), 10)), Budget(3), Context(seed=1))
    assert result.status == "failed"
    assert result.reason.startswith("diverged at epoch 1: the loss is ")


def test_the_recipe_goes_before_the_settings(digits: Data) -> None:
    rates = []
    for rate in (1e-6, 0.1):
        made = space(lambda choose, r=rate: {"learning_rate": choose.value("lr", [r]), "cutout": 2})
        rates.append(
            Training(digits).evaluate(candidate(made), Budget(3), Context(1)).metrics["accuracy"]
        )
    assert rates[0] < 0.5 < rates[1]


def test_unknown_recipe_names_the_nearest(digits: Data) -> None:
    made = space(lambda choose: {"learning_rat": 0.1})
    with pytest.raises(SettingError, match="did you mean 'learning_rate'"):
        Training(digits).evaluate(candidate(made), Budget(1), Context(1))


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"full_epochs": -1},
        {"optimizer": "adam"},
        {"learning_rate": 0.0},
        {"label_smoothing": 1.0},
        {"cutout": -1},
        {"device": "tpu"},
        {"data": None},
        {"batch": 0},
    ],
)
def test_bad_settings_are_refused(change, digits: Data) -> None:
    with pytest.raises(SettingError, match=next(iter(change))):
        replace(Training(digits), **change)


def test_workers_never_see_the_test_part(digits: Data) -> None:
    sent = Training(digits).for_workers()
    assert len(sent.data.test) == 0
    assert sent.test(network(None_choose(), (1, 8, 8), 10)) == {}


class None_choose:
    def width(self, name: str, low: int, high: int, step: int = 1) -> int:
        return low


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    schedule = Schedule(learning_rate=1.0, warmup=0.2)
    rates = [schedule.rate(step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0, abs=1e-2)
    assert np.argmax(rates) in (19, 20)
    assert rates[0] == pytest.approx(0.025)
    assert rates[-1] < 1e-3
    assert rates[60] == pytest.approx(0.5 * (1 + math.cos(math.pi * (0.605 - 0.2) / 0.8)))


def fitted(
    digits: Data, epochs: int, elapsed: Callable[[], float] | None
) -> tuple[nn.Module, list[float], list[int]]:
    """A network, the learning rates of its steps, and the epochs that it reported."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    rates: list[float] = []
    reported: list[int] = []

    def goes_on() -> bool:
        rates.append(optimizers[-1].param_groups[0]["lr"])
        return True

    optimizers: list[torch.optim.Optimizer] = []
    schedule = Schedule(batch=64, learning_rate=1.0, warmup=0.2)
    with pytest.MonkeyPatch.context() as patch:
        made = fit_module._optimizer
        patch.setattr(
            fit_module,
            "_optimizer",
            lambda *given: optimizers.append(made(*given)) or optimizers[0],
        )
        fit(
            model, digits.train, Budget(epochs), schedule, task=digits.task,
            normalise=digits.normalise, seed=0, device=torch.device("cpu"), goes_on=goes_on,
            report=lambda epoch, metrics: reported.append(epoch), elapsed=elapsed,
        )  # fmt: skip
    return model, rates, reported


def test_a_schedule_that_ends_on_time_falls_to_nothing_by_the_clock(digits: Data) -> None:
    """Of 40 epochs there is time for 30 steps: the rate is that of 30."""
    taken = iter(range(1, 1000))
    _, rates, reported = fitted(digits, 40, lambda: next(taken) / 30)
    assert len(rates) == 30 and reported == [1, 2]  # the second one has 13 of its 17 steps
    expected = [Schedule(learning_rate=1.0, warmup=0.2).rate_at(i / 30) for i in range(1, 31)]
    assert rates == pytest.approx(expected)
    assert rates[-1] == 0.0 and max(rates) == pytest.approx(1.0)


def test_a_schedule_that_is_over_before_its_time_is_as_without_one(digits: Data) -> None:
    usual, rates, reported = fitted(digits, 3, None)
    timed, same, all_of_them = fitted(digits, 3, lambda: 0.0)
    assert rates == same and reported == all_of_them == [1, 2, 3]
    assert torch.equal(usual[1].weight, timed[1].weight)


def test_a_training_ends_its_schedule_with_its_time(digits: Data) -> None:
    taken = iter(range(1, 10_000))
    context = Context(0, elapsed=lambda: next(taken) / 30)
    candidate = Candidate(
        Space(network, (1, 8, 8), 10), Space(network, (1, 8, 8), 10).smallest(), 0
    )
    alone = Training(digits, folds=1)
    assert alone.ends_on_time and not Training(digits, folds=3).ends_on_time
    result = alone.evaluate(candidate, Budget(500), context)
    assert result.status == "done" and len(result.curve) < 10
    assert result.curve[-1]["accuracy"] == result.metrics["accuracy"]
    assert next(taken) < 40
    folded = Training(digits, folds=3).evaluate(candidate, Budget(2), context)
    assert folded.status == "done" and next(taken) < 45  # which does not ask


def test_a_network_goes_over_a_part_once_while_answers_are_kept(digits: Data) -> None:
    calls: list[int] = []
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    model.register_forward_hook(lambda module, given, outputs: calls.append(len(outputs)))
    training, part = Training(digits), len(digits.test)
    with answers_kept():
        first = training.test(model)
        once = len(calls)
        assert training.test(model) == first and training.test_spread(model, "accuracy")
        assert training.examine(model)
        assert len(calls) == once
        other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        assert training.test(other) != first
    training.test(model)
    assert sum(calls[once:]) >= part  # it might have changed


def test_the_average_is_that_of_the_weights_on_the_way(digits: Data) -> None:
    # One weight, a constant gradient: the average must lag behind the last weight.
    ends = []
    for average in (0.0, 0.999):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        with torch.no_grad():
            for p in model.parameters():
                p.zero_()
        fit(
            model,
            digits.train,
            Budget(1),
            Schedule(average=average, warmup=0.0, batch=64),
            task=digits.task,
            normalise=digits.normalise,
            seed=0,
            device=torch.device("cpu"),
        )
        ends.append(float(model[1].weight.detach().norm()))
    assert 0 < ends[1] < ends[0]


def test_the_decay_of_the_average_grows_from_0() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    counted = model[1].num_batches_tracked.clone()
    average, expected = _Average(model, 0.5), model[0].weight.detach().clone()
    seen = []
    for step in range(1, 14):
        with torch.no_grad():
            model[0].weight += step
            model[1].running_mean += step
        average.update()
        decay = min(0.5, step / (step + 10))
        expected.lerp_(model[0].weight.detach(), 1 - decay)
        seen.append(decay)
    last = model[1].running_mean.clone()
    average.apply()
    assert seen[0] < seen[8] < seen[9] == seen[12] == 0.5
    assert torch.equal(model[0].weight, expected)
    assert bool((model[1].running_mean > 0).all() and (model[1].running_mean < last).all())
    assert torch.equal(model[1].num_batches_tracked, counted)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(2, 7), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([0.1, 0.5, 1.0, 4.0]),
)
@settings(max_examples=60, deadline=None)
def test_cutmix_takes_a_rectangle_and_shares_the_loss_by_area(seed, shape, alpha) -> None:
    n, _, height, width = shape
    x = torch.arange(n).float()[:, None, None, None].expand(shape).clone()
    y, before = torch.arange(n), x.clone()
    generator = torch.Generator().manual_seed(seed)
    mixed = cutmix((x,), y, alpha, generator, np.random.default_rng(seed))
    assert torch.equal(x, before)
    own = mixed.inputs[0] == mixed.first[:, None, None, None]
    other = mixed.inputs[0] == mixed.second[:, None, None, None]
    assert (own | other).all()
    moved = mixed.first != mixed.second
    assert torch.allclose(own[moved].float().mean((1, 2, 3)), torch.tensor(mixed.share))
    assert sorted(mixed.second.tolist()) == y.tolist()
    if moved.any():
        place = torch.nonzero(~own[moved][0, 0])
        area = (place.max(0).values - place.min(0).values + 1).prod() if len(place) else 0
        assert area == len(place) == round((1 - mixed.share) * height * width)
    logits = torch.randn(n, n, generator=generator)
    targets = mixed.share * one_hot(mixed.first, n) + (1 - mixed.share) * one_hot(mixed.second, n)
    expected = cross_entropy(logits, targets, label_smoothing=0.1)
    task = Classification(tuple(map(str, range(n))))
    assert torch.allclose(mixed.loss(task, logits, 0.1), expected, atol=1e-5)


def test_mixup_takes_the_mean_of_images_and_shares_the_loss_alike() -> None:
    x = torch.arange(40).float()[:, None, None, None].expand(40, 3, 4, 5)
    y = torch.arange(40)
    mixed = mixup((x,), y, 1.0, torch.Generator().manual_seed(0), np.random.default_rng(0))
    assert 0 < mixed.share < 1 and sorted(mixed.second.tolist()) == y.tolist()
    wanted = mixed.share * mixed.first + (1 - mixed.share) * mixed.second
    assert torch.allclose(mixed.inputs[0], wanted[:, None, None, None].expand_as(x))


def test_of_cutmix_and_mixup_each_has_half_of_the_batches() -> None:
    x, y = torch.arange(16).float()[:, None, None, None].expand(16, 1, 6, 6), torch.arange(16)
    generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)

    def by_mixup(alphas: tuple[float, float]) -> float:
        made = [mix((x,), y, alphas, generator, rng).inputs[0] for _ in range(200)]
        return float(np.mean([not torch.equal(each, each.round()) for each in made]))

    assert by_mixup((1.0, 0.0)) == 0.0 and by_mixup((0.0, 1.0)) == 1.0
    assert 0.4 < by_mixup((1.0, 1.0)) < 0.6


@pytest.mark.parametrize("way", [cutmix, mixup])
def test_rows_of_tables_are_not_mixed(way) -> None:
    x, y = torch.randn(4, 3), torch.arange(4)
    mixed = way((x,), y, 1.0, torch.Generator(), np.random.default_rng(0))
    assert mixed.inputs[0] is x
    assert mixed.share == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"cutmix": 1.0},
        {"mixup": 1.0},
        {"zoom": 0.5, "colour": 0.4, "trivial_augment": True, "flip": True},
    ],
    ids="-".join,
)
def test_what_changes_images_changes_a_training_that_repeats_itself(digits, change) -> None:
    def trained(**change) -> dict[str, float]:
        found = Training(digits, epochs=2, **change).evaluate(
            candidate(space()), Budget(2), Context(1)
        )
        return dict(found.metrics)

    assert trained(**change) == trained(**change) != trained()


def test_the_reference_is_a_real_model(digits: Data) -> None:
    found = reference(digits)
    assert found["name"] == "SVM-RBF"
    assert 0.95 < found["accuracy"] <= 1.0


@pytest.mark.parametrize("setting", [{"epochs": "3"}, {"epochs": 0}, {"full_epochs": 1.5}])
def test_the_budgets_of_a_function_are_whole_numbers(setting):
    name = next(iter(setting))
    with pytest.raises(SettingError, match=rf"`Function\({name}=...\)` must be a whole number"):
        Function(lambda model, epochs: 0.5, **setting)


class Idle(nn.Module):
    """Has a matrix and a vector that take no part in its outputs: their gradients are zero."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.matrix = nn.Parameter(torch.ones(2, 2))
        self.vector = nn.Parameter(torch.ones(2))
        self.norm = nn.BatchNorm1d(64)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        idle = self.matrix.sum() + self.vector.sum() + self.norm(x.flatten(1)).sum()
        made: torch.Tensor = self.head(x.flatten(1)) + 0.0 * idle
        return made


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_weight_decay_is_for_matrices_and_not_for_vectors(digits: Data, optimizer: str) -> None:
    model = Idle()
    schedule = Schedule(optimizer=optimizer, learning_rate=0.01, weight_decay=0.1, average=0.0)
    fit(
        model,
        digits.train,
        Budget(2),
        schedule,
        task=digits.task,
        normalise=digits.normalise,
        seed=0,
        device=torch.device("cpu"),
    )
    assert torch.equal(model.vector.detach(), torch.ones(2))
    assert torch.equal(model.norm.weight.detach(), torch.ones(64))
    assert (model.matrix < 0.999).all()

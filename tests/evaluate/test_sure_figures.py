"""A training says how sure its figure is: on the validation part, on folds, and of groups."""

from copy import copy

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.evaluate.base import Candidate, Context, Result
from netwright.evaluate.reference import reference
from netwright.tasks.spread import Spread, spread_of

RNG = np.random.default_rng(0)
Y = np.arange(160) % 2
X = RNG.normal(size=(160, 4)).astype("f4") + 0.8 * Y[:, None].astype("f4")


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 2, 8, step=2)
    return nn.Sequential(nn.Linear(*inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def trained(data: nw.Data, seed: int = 0, **settings) -> Result:
    space = nw.Space(network, data)
    training = nw.Training(data, epochs=2, full_epochs=2, **settings)
    candidate = Candidate(space, space.smallest() if seed else space.largest(), seed)
    return training.evaluate(candidate, nw.Budget(2), Context(seed))


def sure(result: Result, metric: str = "accuracy") -> Spread:
    assert result.spread is not None
    found = result.spread(metric)
    assert found is not None
    if not found.drawn:
        assert found.values.mean() == pytest.approx(result.metrics[metric])
    return found


def grouped(data: nw.Data, groups: torch.Tensor) -> nw.Data:
    """The same data, as a table gives them that was split by a column."""
    made = copy(data)
    object.__setattr__(made, "groups", groups)
    return made


@pytest.fixture(scope="module")
def data() -> nw.Data:
    return nw.data.from_arrays(X, Y, name="rows")


@pytest.mark.parametrize("metric", ["accuracy", "loss", "roc_auc"])
def test_it_is_of_the_rows_of_the_validation_part(data, metric) -> None:
    one, other = (sure(trained(data, seed, folds=1), metric) for seed in (0, 1))
    assert one.rows == one.units == len(data.validation)
    assert 0 < one.error_beside(other) < 0.5


def test_on_folds_it_is_of_all_rows_and_answers_to_one_row_count_as_one(data) -> None:
    rows = len(data.train) + len(data.validation)
    once = [sure(trained(data, seed, folds=3)) for seed in (0, 1)]
    assert [(x.rows, x.units) for x in once] == [(rows, rows)] * 2
    assert once[0].error_beside(once[1]) > 0  # the folds are the same for both
    twice = sure(trained(data, 0, folds=3, repeats=2))
    assert (twice.rows, twice.units) == (2 * rows, rows)
    assert twice.error > 0.6 * once[0].error  # not as if there were twice as many rows


def test_rows_of_a_group_count_as_one(data) -> None:
    groups = torch.arange(len(data.train) + len(data.validation))
    threes = grouped(data, groups // 3)
    assert sure(trained(threes, folds=3)).units == len(set(threes.groups.tolist())) == 43
    groups[-1] = groups[-2]  # both of the validation part
    found = sure(trained(grouped(data, groups), folds=1))
    assert (found.rows, found.units) == (len(data.validation), len(data.validation) - 1)


def test_a_reference_tells_what_it_answers_on_the_test_part(data) -> None:
    told: list[Spread | None] = []

    def tell(batches) -> None:
        told.append(spread_of(data.task, "accuracy", batches, len(data.test)))

    found = reference(data, told=tell)
    assert found["accuracy"] == pytest.approx(told[-1].values.mean())
    training = nw.Training(data, epochs=2, full_epochs=2)
    own = training.test_spread(trained(data, folds=1).model, "accuracy")
    assert own.error_beside(told[-1]) > 0  # of the same rows in the same order

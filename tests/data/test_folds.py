"""Folds of few rows: each row is held out once, whatever the task, the groups and the classes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from netwright import data as datasets
from netwright.data.folds import folds_of
from netwright.errors import SettingError
from netwright.tasks import Classification, MultiLabel, Regression
from netwright.tasks.split import fold_rows


@given(st.lists(st.integers(0, 5), min_size=4, max_size=80), st.integers(2, 4), st.integers(0, 9))
def test_each_stratum_is_shared_out_evenly(strata: list[int], count: int, seed: int) -> None:
    given = np.array(strata)
    folds = fold_rows(given, count, np.random.default_rng(seed))
    for stratum in np.unique(given):
        own = folds[given == stratum]
        if len(own) == 1:
            assert own.tolist() == [-1]
            continue
        sizes = np.bincount(own, minlength=count)
        assert sizes.sum() == len(own)
        assert np.ptp(sizes) <= 1
    sizes = np.bincount(folds[folds >= 0], minlength=count)
    assert np.ptp(sizes) <= 1


def test_the_same_rows_make_the_same_folds() -> None:
    data = datasets.load((np.random.default_rng(0).normal(size=(60, 3)), [0, 1] * 30), seed=1)
    one, other = folds_of(data, 3, 2), folds_of(data, 3, 2)
    assert len(one) == 6
    for (a, b), (c, d) in zip(one, other, strict=True):
        assert torch.equal(a.batch(slice(None))[0][0], c.batch(slice(None))[0][0])
        assert torch.equal(b.batch(slice(None))[1], d.batch(slice(None))[1])
    held = [tuple(pair[1].rows.tolist()) for pair in one]
    assert set(held[0]) != set(held[3])  # another division
    for division in (one[:3], one[3:]):
        rows = [row for pair in division for row in pair[1].rows.tolist()]
        assert sorted(rows) == list(range(len(data.train) + len(data.validation)))
        for train, held_out in division:
            assert not {*train.rows.tolist()} & {*held_out.rows.tolist()}
            assert len(train) + len(held_out) == len(rows)


def test_groups_stay_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=90), "who": np.repeat(range(18), 5)})
    table["label"] = np.where(table["x"] > 0, "up", "down")
    data = datasets.load(table, group="who", seed=3)
    x = data.with_validation_in_train().train.batch(slice(None))[0][0][:, 0].numpy()
    who = dict(zip(table["x"].astype(np.float32), table["who"], strict=True))
    told = [int(who[value]) for value in x]
    numbers = {}
    for name, number in zip(told, data.groups.tolist(), strict=True):
        assert numbers.setdefault(name, number) == number
    for train, held in folds_of(data, 3):
        learnt, kept = ({told[row] for row in part.rows.tolist()} for part in (train, held))
        assert not learnt & kept


def test_what_was_given_or_comes_later_is_not_divided_anew() -> None:
    x, y = np.random.default_rng(0).normal(size=(60, 2)), [0, 1] * 30
    rows = torch.utils.data.TensorDataset(torch.tensor(x).float(), torch.tensor(y))
    table = pd.DataFrame({"x": x[:, 0], "when": range(60), "label": np.where(y, "a", "b")})
    assert datasets.load((x, y)).reshuffles
    assert datasets.from_dataset(rows).reshuffles
    assert datasets.load(table).reshuffles
    assert not datasets.from_dataset(rows, rows).reshuffles
    assert not datasets.load(table, time="when").reshuffles
    assert not datasets.load("fashion14").reshuffles
    assert datasets.from_named({"a": x}, y).reshuffles


def test_a_file_of_data_says_whether_they_are_divided_anew(tmp_path: Path) -> None:
    data = datasets.load("digits")
    data.save(tmp_path / "digits.safetensors")
    assert datasets.ArrayData.open(tmp_path / "digits.safetensors").reshuffles is data.reshuffles


def test_tasks_say_which_rows_are_alike() -> None:
    assert Classification(("a", "b")).strata(np.array([1, 0, 1])).tolist() == [1, 0, 1]
    bins = Regression().strata(np.arange(40.0)[::-1].copy())
    assert np.bincount(bins).tolist() == [4] * 10
    assert bins[0] == 9
    labels = MultiLabel(("a", "b")).strata(np.array([[1, 1], [1, 0], [0, 0], [1, 0]]))
    assert labels[0] != labels[1] == labels[3] != labels[2]


def test_more_folds_than_rows_are_refused() -> None:
    with pytest.raises(SettingError, match="from 2 to the number of rows, 3, got 4"):
        fold_rows(np.zeros(3, np.int64), 4, np.random.default_rng(0))
    with pytest.raises(SettingError, match="from 2 to the number of groups, 2, got 3"):
        fold_rows(np.zeros(8, np.int64), 3, np.random.default_rng(0), np.arange(8) // 4)

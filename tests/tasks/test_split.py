from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import DataError, SettingError
from netwright.tasks.split import split_rows


def split(y, validation=0.2, test=0.2, seed=0):
    names = [f"c{label}" for label in range(int(y.max()) + 1)]
    return split_rows(
        y,
        validation=validation,
        test=test,
        rng=np.random.default_rng(seed),
        class_names=names,
        source="rows.csv",
    )


@settings(max_examples=150, deadline=None)
@given(
    counts=st.lists(st.integers(3, 60), min_size=2, max_size=8),
    validation=st.floats(0.05, 0.45),
    test=st.floats(0.05, 0.45),
    seed=st.integers(0, 2**31),
)
def test_parts_are_disjoint_cover_all_rows_and_keep_proportions(counts, validation, test, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    parts = split(y, validation, test, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))
    for part, fraction in zip(parts[1:], (validation, test), strict=True):
        found = np.bincount(y[part], minlength=len(counts))
        assert (np.abs(found - np.array(counts) * fraction) <= 1 + 1e-9).all()
    assert all((np.bincount(y[part], minlength=len(counts)) >= 1).all() for part in parts)


def test_the_sum_of_a_part_is_its_fraction_of_all_rows():
    y = np.repeat(np.arange(10), 13)
    train, validation, test = split(y, 0.1, 0.25)
    assert (len(train), len(validation), len(test)) == (130 - 13 - 32, 13, 32)


def test_the_seed_alone_decides():
    y = np.repeat(np.arange(3), 40)
    first, again, other = split(y, seed=1), split(y, seed=1), split(y, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert set(first[2].tolist()) != set(other[2].tolist())


def test_none_leaves_a_part_empty():
    train, validation, test = split(np.repeat(np.arange(2), 10), test=None)
    assert (len(train), len(validation), len(test)) == (16, 4, 0)


def test_a_small_class_is_named_with_its_count():
    with pytest.raises(DataError) as error:
        split(np.array([0] * 10 + [1] * 2))
    assert str(error.value) == (
        "rows.csv: class 'c1' has 2 rows; a split into train, validation and test needs at "
        "least 3 rows of each of two classes."
    )


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_its_rule_is_refused(fraction):
    with pytest.raises(SettingError, match=r"`validation=\.\.\.` must be a fraction"):
        split(np.array([0, 1] * 10), validation=fraction)


def test_fractions_must_leave_rows_for_training():
    with pytest.raises(SettingError, match=r"sum must be below 1, got 0\.5 \+ 0\.5"):
        split(np.array([0, 1] * 10), 0.5, 0.5)

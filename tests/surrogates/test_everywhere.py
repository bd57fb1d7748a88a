import numpy as np
import pytest

from netwright.surrogates import Everywhere, Gram, Kernel, Posterior
from netwright.surrogates.features import Features
from netwright.surrogates.gaussian_process import extended, root_of
from netwright.testing.spaces import SPACES

KERNEL = Kernel(mix=(0.5, 0.3, 0.2), length=0.7, linear=0.4, noise=0.1)


@pytest.mark.parametrize("name", ["flat", "cells", "conditional"])
def test_it_is_the_posterior_of_the_process_however_it_was_come_by(name):
    space = SPACES[name]()
    features, rng = Features(space), np.random.default_rng(0)
    rows = features.rows(list(dict.fromkeys(space.sample(rng) for _ in range(90))))
    everywhere = Everywhere(gram := Gram(features), rows)
    for row in rows[:4]:
        gram.append(int(row))
    everywhere.restart(gram, KERNEL, root := root_of(gram, KERNEL))
    for row in rng.choice(rows, 8):  # some of them twice
        gram.append(int(row))
        root = extended(root, gram, KERNEL)
        everywhere.append(gram, KERNEL, root)
    for kernel in (KERNEL, Kernel()):
        if kernel is not KERNEL:
            everywhere.restart(gram, kernel, root := root_of(gram, kernel))
        y = rng.normal(size=len(gram.rows))
        wanted = Posterior(gram, kernel, y).predict(rows)
        for found, right in zip(everywhere.predict(y, root), wanted, strict=True):
            assert found == pytest.approx(right, abs=1e-9)
    more = gram.copy()
    for row in rows[-3:]:
        more.append(int(row))
        root = extended(root, more, Kernel())
    y = rng.normal(size=len(more.rows))
    believed = everywhere.believing(more, Kernel(), root, 3)
    wanted = Posterior(more, Kernel(), y, root).predict(rows)
    assert believed.predict(y, root)[0] == pytest.approx(wanted[0], abs=1e-9)
    assert believed.predict(y, root)[1] == pytest.approx(wanted[1], abs=1e-9)


def test_columns_that_are_found_later_change_nothing():
    space = SPACES["cells"]()
    features, rng = Features(space), np.random.default_rng(0)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(60)))
    rows = features.rows(members[:5])
    everywhere = Everywhere(gram := Gram(features), rows)
    for row in features.rows(members[5:]):
        gram.append(int(row))
    everywhere.restart(gram, KERNEL, root := root_of(gram, KERNEL))
    y = rng.normal(size=len(gram.rows))
    mean, _ = Posterior(gram, KERNEL, y, root).predict(rows)
    assert everywhere.predict(y, root)[0] == pytest.approx(mean, abs=1e-9)

"""Whether a space's networks are the same each time, and give the same outputs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netwright.errors import SpaceError
from netwright.network.normalised import each_of
from netwright.network.structure import difference
from netwright.space import Architecture, Space
from netwright.space.check import unequal_builds

_LOOKED_AT = 5  # networks beside the smallest


def check_repeatable(space: Space) -> None:
    """Refuse a space whose networks are others each time, or give other outputs in eval mode.

    What such a network has learned cannot be measured, and no exported form can be compared with
    it.

    Raises:
        SpaceError: Two builds of one architecture differ, two passes over the same inputs do, or a
            pass changes its inputs.
    """
    rng = np.random.default_rng(0)
    inputs = space.example(np.random.default_rng(0), 2)
    members = [space.smallest(), *(space.sample(rng) for _ in range(_LOOKED_AT))]
    for architecture in dict.fromkeys(members):
        given = tuple(x.clone() for x in inputs)
        try:
            model, again = (space.build(architecture, seed=seed).eval() for seed in range(2))
            differs = difference(model, again)
            with torch.no_grad():
                first, second = (each_of(model(*(x.clone() for x in inputs))) for _ in range(2))
                model(*given)
            equal = all(map(_close, first, second))
        except Exception:
            continue  # its trial says what is wrong
        if differs:
            raise unequal_builds(architecture.answers, space.name, differs)
        _check(space, architecture, equal=equal, kept=all(map(torch.equal, given, inputs)))


def _check(space: Space, architecture: Architecture, *, equal: bool, kept: bool) -> None:
    which = f"The network {dict(architecture.answers)!r} of `{space.name}`"
    if not equal:
        raise SpaceError(
            f"{which} gives other outputs for the same inputs in eval mode: something in it is "
            "random, such as `functional.dropout(x)` without `training=self.training`. Make it "
            "depend on `self.training`."
        )
    if not kept:
        raise SpaceError(
            f"{which} changes the tensor that it is given, which others read after it; write "
            "`x = x * 0.5` for `x *= 0.5` or `x.mul_(0.5)`, and leave `inplace=True` to what "
            "stands after a layer."
        )


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)

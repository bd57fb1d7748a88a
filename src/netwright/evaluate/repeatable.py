"""Whether a space's networks give the same outputs each time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netwright.errors import SpaceError
from netwright.network.normalised import each_of
from netwright.space import Space

_LOOKED_AT = 5  # networks beside the smallest


def check_repeatable(space: Space) -> None:
    """Refuse a space whose networks give other outputs each time in eval mode.

    What such a network has learned cannot be measured, and no exported form can be compared with
    it.

    Raises:
        SpaceError: Two passes over the same inputs differ.
    """
    rng = np.random.default_rng(0)
    inputs = space.example(np.random.default_rng(0), 2)
    members = [space.smallest(), *(space.sample(rng) for _ in range(_LOOKED_AT))]
    for architecture in dict.fromkeys(members):
        try:
            model = space.build(architecture, seed=0).eval()
            with torch.no_grad():
                first, second = each_of(model(*inputs)), each_of(model(*inputs))
            equal = all(map(_close, first, second))
        except Exception:
            continue  # its trial says what is wrong
        if not equal:
            raise SpaceError(
                f"The network {dict(architecture.answers)!r} of `{space.name}` gives other outputs "
                "for the same inputs in eval mode: something in it is random, such as "
                "`functional.dropout(x)` without `training=self.training`. Make it depend on "
                "`self.training`."
            )


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)

"""How sure a metric of a trained network is, from what it answers row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netwright.data import Data, Part
from netwright.data.folds import Selected
from netwright.evaluate.fit import answered
from netwright.evaluate.stopped import Told
from netwright.tasks.spread import Spread, spread_of


def spread_on(
    model: nn.Module, data: Data, part: Part, metric: str, device: torch.device
) -> Spread | None:
    """That of a network on a part of data; None where there are too few rows.

    Of the validation part the rows of a group count as one.
    """
    told = answered(model, part, normalise=data.normalise, device=device)
    units = None
    if data.groups is not None and part is data.validation:
        units = data.groups[len(data.train) :].numpy()
    return spread_of(data.task, metric, told, len(part), units) if len(part) else None


def spread_of_folds(
    told: Sequence[Told], held: Sequence[Part], data: Data, metric: str
) -> Spread | None:
    """That of networks of folds together, from what each `told` of the rows that it `held` out.

    A row that several of them answered counts as one, and so do the rows of a group.
    """
    batches = [pair for each in told for pair in each]
    units: list[NDArray[np.int64]] = []
    for part in held:
        assert isinstance(part, Selected)
        rows = part.rows if data.groups is None else data.groups[part.rows]
        units.append(rows.numpy())
    whole = np.concatenate(units)
    return spread_of(data.task, metric, batches, len(whole), whole)

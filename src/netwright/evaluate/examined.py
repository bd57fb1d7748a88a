"""What a network answers on the test part in detail."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from netwright.data import Data
from netwright.evaluate.fit import answered


def examined(model: nn.Module, data: Data) -> dict[str, Any]:
    """As the task examines it, with the rows that are answered worst as data show them.

    Empty where there is no test part.
    """
    part = data.test
    if not len(part):
        return {}
    told = answered(model, part, normalise=data.normalise, device=torch.device("cpu"))
    with torch.inference_mode():
        found = data.task.examine(told)
    worst = found.get("worst", [])
    shown = data.readable(part, [each["row"] for each in worst]) if worst else []
    for each, row in zip(worst, shown, strict=False):
        each["shown"] = row
    return found

"""Several networks as one, which gives the mean of what they give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn


class Ensemble(nn.Module):
    """Networks that take and give the same tensors; together they give the mean of each output."""

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @classmethod
    def of(cls, members: Iterable[nn.Module], inputs: int) -> Ensemble:
        """Of networks that take so many tensors."""
        return OfOneInput(members) if inputs == 1 else cls(members)

    def forward(self, *inputs: Any) -> Any:
        """The inputs of one to the mean of the outputs of all."""
        return _mean([member(*inputs) for member in self.members])


class OfOneInput(Ensemble):
    """Of networks that take one tensor: its forward can be traced, so that it has a source."""

    def forward(self, x: Any) -> Any:
        """The input of one to the mean of the outputs of all."""
        return _mean([member(x) for member in self.members])


def _mean(given: list[Any]) -> Any:
    if isinstance(given[0], tuple | list):
        return tuple(sum(each) / len(given) for each in zip(*given, strict=True))
    return sum(given) / len(given)

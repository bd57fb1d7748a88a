"""The modules that a declaration's own calls build: a step left out, and gathered inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class Pass(nn.Module):
    """What stands for a step that is left out: it gives back its first input."""

    def forward(self, first: Any, *rest: Any, **named: Any) -> Any:
        """`first`, as it is."""
        return first


class Gathered(nn.Module):
    """Reads some of several tensors, each through a module of its own.

    `picks` are the places of the tensors that are read, `edges` the modules in the same order.
    """

    def __init__(self, picks: Sequence[int], edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.picks = tuple(picks)
        self.edges = nn.ModuleList(edges)

    def forward(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The picked tensors, each through its edge."""
        return [edge(tensors[i]) for i, edge in zip(self.picks, self.edges, strict=True)]

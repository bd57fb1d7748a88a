"""A traced tensor and a traced operation, as the rules that follow channels see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from netwright.conversion.axes import Dimension, dimension, join, keep

DATA = "it is coupled with a dimension of the data"


@dataclass(eq=False)
class Shaped:
    """A tensor: its dimensions, and its name if it is one of the model's."""

    dims: list[Dimension]
    sizes: tuple[int, ...]
    name: str | None = None
    summed: set[int] = field(default_factory=set)  # dimensions over which products are summed

    def kept(self, reason: str) -> None:
        """Let every dimension keep its size."""
        for dim in self.dims:
            keep(dim, reason)


@dataclass(frozen=True)
class Call:
    """An operation with its arguments by name, tensors as `Shaped`, and the sizes of its output."""

    op: str
    given: dict[str, Any]
    sizes: tuple[int, ...]

    @property
    def x(self) -> Shaped:
        """The first argument."""
        first: Shaped = next(iter(self.given.values()))
        return first

    @property
    def axes(self) -> list[int]:
        """The dimensions that the argument `dim` names, none counted from the end; all if None."""
        dim = self.given.get("dim")
        rank = len(self.x.dims)
        listed = range(rank) if dim is None or dim == [] else [dim] if type(dim) is int else dim
        return [d % rank for d in listed]

    def tensors(self) -> list[Shaped]:
        """All tensors among the arguments."""
        found: list[Shaped] = []
        for value in self.given.values():
            several = value if isinstance(value, list | tuple) else [value]
            found += [each for each in several if isinstance(each, Shaped)]
        return found

    def free(self, place: int) -> Dimension:
        """A dimension of the output that is the data's."""
        return dimension(self.sizes[place], DATA)


def broadcast(tensors: Sequence[Shaped], sizes: tuple[int, ...]) -> list[Dimension]:
    """The dimensions of tensors that are laid side by side, which joins them."""
    made: list[Dimension | None] = [None] * len(sizes)
    for tensor in tensors:
        ahead = len(sizes) - len(tensor.dims)
        for place, (dim, size) in enumerate(zip(tensor.dims, tensor.sizes, strict=True), ahead):
            if size != sizes[place]:
                continue
            before = made[place]
            if before is not None:
                join(before, dim)
            made[place] = before or dim
    return [dim or dimension(size, DATA) for dim, size in zip(made, sizes, strict=True)]

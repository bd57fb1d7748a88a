"""Axes: channels of a network that can only grow and shrink together, found by joining dimensions.

A dimension of a tensor is a row of parts. A part is an axis, each of whose channels stands for
`repeat` places in a row: flattening (c, h, w) gives one part with `repeat` = h * w, concatenating
gives one part for each tensor. Joining two dimensions says that they are the same channels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(eq=False)
class Axis:
    """Channels that have one number.

    With a `reason` they keep their number. `groups` equal blocks of them shrink alike, as grouped
    convolutions need it. `mixed` are operations that read all channels at once. An axis that was
    joined with another, or with several in a row, is `bound` to them.
    """

    size: int
    reason: str | None = None
    groups: int = 1
    mixed: set[str] = field(default_factory=set)
    bound: tuple[Part, ...] | None = None


@dataclass(frozen=True)
class Part:
    """A piece of a dimension: an axis, or what one of its `local` equal blocks has."""

    axis: Axis
    repeat: int = 1
    local: int = 1

    @property
    def size(self) -> int:
        """How many places it has in the full network."""
        return self.axis.size // self.local * self.repeat

    @property
    def whole(self) -> bool:
        """Whether it is the axis and nothing else."""
        return self.repeat == self.local == 1


Dimension = tuple[Part, ...]


def dimension(size: int, reason: str | None = None) -> Dimension:
    """A dimension with an axis of its own."""
    return (Part(Axis(size, reason)),)


def resolved(parts: Dimension) -> Dimension:
    """The dimension in terms of axes that are not bound."""
    found: list[Part] = []
    for part in parts:
        if part.axis.bound is None:
            found.append(part)
        elif len(part.axis.bound) == 1 and part.axis.bound[0].whole:
            found += resolved((Part(part.axis.bound[0].axis, part.repeat, part.local),))
        else:
            inner = resolved(part.axis.bound)
            found += [Part(p.axis, p.repeat * part.repeat, p.local) for p in inner]
    return tuple(found)


def keep(parts: Dimension, reason: str) -> None:
    """Let the axes of a dimension keep their numbers."""
    for part in resolved(parts):
        part.axis.reason = part.axis.reason or reason


def reason_of(parts: Dimension) -> str | None:
    """Why the dimension keeps its size; None if none of it does."""
    return next((part.axis.reason for part in resolved(parts) if part.axis.reason), None)


def repeated(parts: Dimension, times: int) -> Dimension:
    """The dimension with each place `times` times in a row."""
    return tuple(Part(p.axis, p.repeat * times, p.local) for p in resolved(parts))


def block(parts: Dimension, groups: int) -> bool:
    """Let `groups` equal blocks of a dimension shrink alike; False if it is not one axis."""
    found = resolved(parts)
    if len(found) != 1 or not found[0].whole:
        return False
    found[0].axis.groups = math.lcm(found[0].axis.groups, groups)
    return True


def mix(parts: Dimension, by: str) -> None:
    """Note an operation that reads all places of the dimension at once."""
    for part in resolved(parts):
        part.axis.mixed.add(by)


def join(a: Dimension, b: Dimension) -> None:
    """Say that two dimensions of one size are the same channels."""
    a, b = resolved(a), resolved(b)
    kinds = [[(p.size, p.repeat, p.local) for p in dim] for dim in (a, b)]
    if kinds[0] == kinds[1]:
        for one, other in zip(a, b, strict=True):
            _unite(one.axis, other.axis)
    elif _free(a, b):
        _bind(a[0].axis, b)
    elif _free(b, a):
        _bind(b[0].axis, a)
    else:
        keep((*a, *b), "its channels meet others in another order")


def _free(one: Dimension, other: Dimension) -> bool:
    """Whether `one` is a single axis that can stand for `other`."""
    own = one[0].axis
    return (
        len(one) == 1
        and one[0].whole
        and own.groups == 1
        and all(part.axis is not own for part in other)
    )


def _bind(axis: Axis, parts: Dimension) -> None:
    for part in parts:
        part.axis.reason = part.axis.reason or axis.reason
        part.axis.mixed |= axis.mixed
    axis.bound = parts


def _unite(one: Axis, other: Axis) -> None:
    if one is other:
        return
    one.reason = one.reason or other.reason
    one.groups = math.lcm(one.groups, other.groups)
    one.mixed |= other.mixed
    other.bound = (Part(one),)


def total(parts: Dimension, numbers: Mapping[Axis, Any]) -> Any:
    """The size of a dimension where axes have these numbers, plain or elastic ones."""
    sizes = []
    for part in parts:
        number = numbers.get(part.axis, part.axis.size)
        number = number if part.local == 1 else number // part.local
        sizes.append(number if part.repeat == 1 else number * part.repeat)
    return sizes[0] if len(sizes) == 1 else sum(sizes)


def places(parts: Dimension, kept: Mapping[Axis, Tensor]) -> Tensor | None:
    """Which places of a dimension remain where axes keep these channels; None for all."""
    if all(part.axis not in kept for part in parts):
        return None
    found, start = [], 0
    for part in parts:
        channels = kept.get(part.axis)
        if channels is None:
            channels = torch.arange(part.axis.size, device="cpu")
        within = channels[: len(channels) // part.local]  # blocks keep the same of their own
        offsets = torch.arange(part.repeat, device="cpu")
        found.append(start + (within[:, None] * part.repeat + offsets).flatten())
        start += part.size
    return torch.cat(found)

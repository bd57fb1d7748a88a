"""The rules of operations that have no weights: they move channels, merge them or leave them."""

from __future__ import annotations

import math
import re

from netwright.conversion.axes import Dimension, join, keep, mix, repeated, resolved
from netwright.conversion.traced import Call, broadcast


def pointwise(call: Call) -> list[Dimension]:
    """Broadcast, and join what is laid side by side."""
    return broadcast(call.tensors(), call.sizes)


def same(call: Call) -> list[Dimension]:
    """Each place stays where it is."""
    return list(call.x.dims)


def fresh(call: Call) -> list[Dimension]:
    """Of another tensor the output has the dtype and the device alone."""
    return list(map(call.free, range(len(call.sizes))))


def mixing(call: Call) -> list[Dimension]:
    """As `same`, but all places of a dimension are read at once."""
    for axis in call.axes:
        mix(call.x.dims[axis], call.op)
    return list(call.x.dims)


def spatial(call: Call) -> list[Dimension]:
    """For pooling and the like: the dimensions of space become others."""
    found = re.search(r"([123])d", call.op)
    outer = len(call.sizes) - int(found[1] if found else 0)
    return [*call.x.dims[:outer], *map(call.free, range(outer, len(call.sizes)))]


def resized(call: Call) -> list[Dimension]:
    """For operations that change the sizes of dimensions: those of another size are the data's."""
    made, ahead = [], len(call.sizes) - len(call.x.dims)
    for place, size in enumerate(call.sizes):
        own = place - ahead
        if own >= 0 and call.x.sizes[own] == size:
            made.append(call.x.dims[own])
            continue
        if own >= 0 and call.x.sizes[own] > 1:
            keep(call.x.dims[own], f"`{call.op}` changes its channels")
        made.append(call.free(place))
    return made


def reshape(call: Call) -> list[Dimension]:
    """Dimensions that are merged become one of several places a channel; split ones are kept."""
    before, after = call.x.sizes, call.sizes
    made: list[Dimension] = [call.free(place) for place in range(len(after))]
    i = j = 0
    while i < len(before) and j < len(after):
        inner, outer = [i], [j]
        have, want = before[i], after[j]
        while have != want:
            if have < want:
                inner.append(inner[-1] + 1)
                have *= before[inner[-1]]
            else:
                outer.append(outer[-1] + 1)
                want *= after[outer[-1]]
        i, j = inner[-1] + 1, outer[-1] + 1
        real = [p for p in inner if before[p] > 1]
        wide = [p for p in outer if after[p] > 1]
        if len(wide) == 1 and real:
            for p in real[1:]:
                keep(call.x.dims[p], f"`{call.op}` merges it into another dimension")
            times = math.prod(before[p] for p in real[1:])
            made[wide[0]] = repeated(call.x.dims[real[0]], times)
        else:
            for p in real:
                keep(call.x.dims[p], f"`{call.op}` splits its channels")
    return made


def permuted(call: Call) -> list[Dimension]:
    """Dimensions change places."""
    order = list(range(len(call.x.dims)))
    given = call.given
    if call.op == "permute":
        order = [d % len(order) for d in given["dims"]]
    else:
        a, b = (0, 1) if call.op == "t" else (given.get("dim0", 0), given.get("dim1", 1))
        if order:
            order[a], order[b] = order[b], order[a]
    return [call.x.dims[d] for d in order]


def cat(call: Call) -> list[Dimension]:
    """The parts of all tensors stand in a row."""
    tensors = [t for t in call.given["tensors"] if t.sizes != (0,)]
    along = call.given["dim"] % len(call.sizes)
    made = list(tensors[0].dims)
    for tensor in tensors[1:]:
        for place, dim in enumerate(tensor.dims):
            if place != along:
                join(made[place], dim)
    made[along] = tuple(part for tensor in tensors for part in resolved(tensor.dims[along]))
    return made


def stack(call: Call) -> list[Dimension]:
    """A new dimension over equal tensors."""
    along = call.given["dim"] % len(call.sizes)
    tensors = call.given["tensors"]
    for tensor in tensors[1:]:
        for one, other in zip(tensors[0].dims, tensor.dims, strict=True):
            join(one, other)
    return [*tensors[0].dims[:along], call.free(along), *tensors[0].dims[along:]]


def reduced(call: Call) -> list[Dimension]:
    """Dimensions are summed up and gone, or of size one."""
    gone = set(call.axes)
    for axis in gone:
        mix(call.x.dims[axis], call.op)
    rest = [(i, d) for i, d in enumerate(call.x.dims) if call.given.get("keepdim") or i not in gone]
    return [call.free(p) if i in gone else dim for p, (i, dim) in enumerate(rest)]


def select(call: Call) -> list[Dimension]:
    """One place of a dimension is read."""
    (axis,) = call.axes
    keep(call.x.dims[axis], "single ones of its channels are read")
    return [dim for i, dim in enumerate(call.x.dims) if i != axis]


def piece(call: Call, sizes: tuple[int, ...]) -> list[Dimension]:
    """One of the outputs of `split` or `chunk`, which has these sizes."""
    return resized(Call(call.op, call.given, sizes))

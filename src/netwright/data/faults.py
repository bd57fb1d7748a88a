"""What is odd about data once they are in parts: rows in two of them, blank pictures, rare classes.

Nothing of it is refused: it may be so where the data are from. It is said, so that a figure is not
believed for a reason that is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from netwright.data.base import Data, Inputs, Part
from netwright.data.ragged import RaggedPart
from netwright.tasks import Classification

_AT_ONCE = 1024  # rows
_RARE = 0.1  # share of the rows, below which the smallest class is told of,
_EVEN = 0.5  # and this share of what it had if all classes had as many


def noticed(data: Data) -> tuple[str, ...]:
    """What is odd about data in parts: a sentence each, without its end."""
    return (*_in_two_parts(data), *_one_colour(data), *_rare(data))


def _batches(part: Part) -> Iterator[tuple[Inputs, Tensor]]:
    for start in range(0, len(part), _AT_ONCE):
        yield part.batch(slice(start, start + _AT_ONCE))


def shared_rows(data: Data) -> dict[str, int]:
    """How many rows of the validation and of the test part have the inputs of a row of train."""
    train = set(_digests(data.train)) if len(data.validation) or len(data.test) else set()
    return {
        name: sum(digest in train for digest in _digests(getattr(data, name)))
        for name in ("validation", "test")
    }


def _digests(part: Part) -> Iterator[bytes]:
    """A digest of the inputs of each row."""
    if isinstance(part, RaggedPart):
        for place in range(len(part)):
            data = part.row(place).contiguous().numpy().data
            yield hashlib.blake2b(data, digest_size=16).digest()
        return
    for inputs, _ in _batches(part):
        flat = [np.ascontiguousarray(x.cpu().reshape(len(x), -1).numpy()) for x in inputs]
        for rows in zip(*flat, strict=True):
            digest = hashlib.blake2b(digest_size=16)
            for row in rows:
                digest.update(row.data)
            yield digest.digest()


def _in_two_parts(data: Data) -> list[str]:
    found = [
        f"{count:,} of the {len(getattr(data, name)):,} rows of the {name} part"
        for name, count in shared_rows(data).items()
        if count
    ]
    if not found:
        return []
    return [
        f"{' and '.join(found)} are in the train part too, value for value: what a network "
        "remembers counts there as learned; if they are copies, remove them"
    ]


def one_colour(data: Data) -> int:
    """How many pictures have one colour all over; 0 where there are no pictures."""
    if len(data.raw) != 1 or len(data.raw[0].shape) != 3:
        return 0
    count = 0
    for part in (data.train, data.validation, data.test):
        for (x,), _ in _batches(part):
            flat = x.reshape(*x.shape[:2], -1)
            count += int((flat.amin(2) == flat.amax(2)).all(1).sum())
    return count


def _one_colour(data: Data) -> list[str]:
    count = one_colour(data)
    many = "picture has" if count == 1 else "pictures have"
    return [f"{count:,} {many} one colour all over; remove what is blank"] if count else []


def class_counts(data: Data) -> Tensor:
    """How many rows of all parts each class has, (k,)."""
    y = torch.cat([part.all_targets for part in (data.train, data.validation, data.test)])
    return torch.bincount(y, minlength=len(data.task.names))


def _rare(data: Data) -> list[str]:
    if not isinstance(data.task, Classification):
        return []
    counts = class_counts(data)
    share = float(counts.min()) / float(counts.sum())
    if share >= min(_RARE, _EVEN / len(counts)):
        return []
    name = data.task.names[int(counts.argmin())]
    remark = f"class {name!r} has {share:.2%} of the rows, so that accuracy says little of it: "
    remark += "search by `objectives=[nw.maximize('balanced_accuracy')]`"
    if data.task.weights is None:
        remark += ", or let all classes weigh the same by "
        remark += "`task=nw.Classification(weights='balanced')`"
    return [remark]

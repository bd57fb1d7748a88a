"""Parts (x, y) as they are given: what messages call them, and their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.targets import Targets, read_targets
from netwright.errors import DataError
from netwright.tasks import Classification, Task

_SUFFIX = {"train": "_train", "validation": "_val", "test": "_test"}


def suffixes_of(parts: Mapping[str, object]) -> Mapping[str, str]:
    """What messages write after the x and y of each part: nothing where there is one."""
    return _SUFFIX if len(parts) > 1 else dict.fromkeys(_SUFFIX, "")


def targets_of(
    parts: Mapping[str, tuple[object, object]],
    inputs: Mapping[str, NDArray[Any]],
    suffix: Mapping[str, str],
    source: str,
    task: str | Task | None,
    class_names: Sequence[str] | None,
) -> Targets:
    """The targets of given parts, one for each row of inputs.

    Raises:
        DataError: There are more or fewer, or as `read_targets` and `check_known`.
    """
    read = read_targets(
        {key: y for key, (_, y) in parts.items()},
        task=task,
        where={key: f"{source}: y{suffix[key]}" for key in parts},
        class_names=class_names,
    )
    for key, x in inputs.items():
        if len(x) != len(read.parts[key]):
            raise DataError(
                f"{source}: x{suffix[key]} has {len(x):,} rows and y{suffix[key]} has "
                f"{len(read.parts[key]):,}; every row needs one label."
            )
    check_known(read.parts, read.task, source)
    return read


def check_known(targets: Mapping[str, NDArray[Any]], task: Task, source: str) -> None:
    """Refuse a class of a given part that has no row in the given train part.

    Raises:
        DataError: Names the class.
    """
    if not isinstance(task, Classification):
        return
    learnt = set(np.unique(targets["train"]).tolist())
    for key, y in targets.items():
        strange = sorted(set(np.unique(y).tolist()) - learnt)
        if strange:
            raise DataError(
                f"{source}: class {task.names[strange[0]]!r} is in the {key} part but has no row "
                "in the train part; give train some, or leave the class out."
            )

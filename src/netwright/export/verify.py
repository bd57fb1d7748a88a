"""Whether every exported form computes what the trained network does, in a fresh process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import ExportError
from netwright.execute.fresh import command
from netwright.export import check_forms
from netwright.network.normalised import each_of
from netwright.network.rows import rows_at_once
from netwright.network.signature import Signature
from netwright.tasks import Metric, Outputs, Task
from netwright.tasks.regression import Rescale

TOLERANCE = 1e-4
"""Largest difference of an output, or of its share of the largest where that is above `unit_of`."""

_BATCH = 500  # rows of the test part that are given at once, at most

_TIES = 1e-4  # of a metric, that rounding may decide


@dataclass(frozen=True)
class Scored:
    """Raw inputs, each (n, *shape), their targets (n, ...), and the task's metric that compares.

    They are given to a network so many `rows` at once.
    """

    x: tuple[Tensor, ...]
    y: Tensor
    task: Task
    metric: Metric
    rows: int = _BATCH

    @property
    def batches(self) -> list[list[Tensor]]:
        """The inputs, so many rows of each at once; without what else their storage holds."""
        batches = (torch.split(x, self.rows) for x in self.x)
        return [[x.clone() for x in rows] for rows in zip(*batches, strict=True)]

    def measure(self, outputs: Iterable[Outputs]) -> float:
        """The metric by the outputs of `batches`."""
        found = self.task.measure(zip(outputs, torch.split(self.y, self.rows), strict=True))
        return found[self.metric.name]


def verify(
    network: nn.Module,
    folder: Path,
    signature: Signature,
    batches: Sequence[Sequence[Tensor]],
    scored: Scored | None,
    *,
    fresh: bool = True,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Load each form of `folder` and compare it with `network`: in a process without netwright.

    Or, without `fresh`, in this one.

    `network` takes raw inputs, as the forms do; each of `batches` has one tensor (b, *shape) for
    each input of the signature, of its dtype. model.py is given them as floats too. Returns, by
    form, the largest difference and the metric on what is `scored`; and of the forms
    that cannot be loaded or compute something else what is wrong.
    """
    with torch.no_grad():
        outputs = [list(each_of(network(*tensors))) for tensors in batches]
    given: dict[str, Any] = {
        "names": [spec.name for spec in signature.inputs],
        "gives": [spec.name for spec in signature.outputs],
        "batches": [list(tensors) for tensors in batches],
        "outputs": outputs,
    }
    own = 0.0
    if scored is not None:
        scored = replace(scored, rows=rows_at_once(network, scored.x, scored.rows))
        given["x"] = scored.batches
        with torch.no_grad():
            own = scored.measure(network(*tensors) for tensors in given["x"])
    largest = (float(value.abs().max()) for each in outputs for value in each)
    unit = unit_of(network)
    allowed = TOLERANCE * max(unit, *largest)
    checks: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for form, row in _compared(folder, given, fresh).items():
        if "error" in row:
            wrong[form] = f"it cannot be used: {row['error']}"
            continue
        if not row["difference"] <= allowed:
            wrong[form] = (
                f"it differs from the trained network by {row['difference']:.3g}, more than "
                f"{allowed:.3g}"
            )
            continue
        checks[form] = {"largest_difference": row["difference"]}
        if scored is not None:
            answers = [x[0] if len(x) == 1 else tuple(x) for x in row["outputs"]]
            metric, reached = scored.metric, scored.measure(answers)
            if not abs(reached - own) <= _TIES * max(unit, abs(own)):
                del checks[form]
                wrong[form] = (
                    f"it reaches a {metric.name} of {metric.show(reached)} on the test part, the "
                    f"trained network {metric.show(own)}"
                )
                continue
            checks[form][f"test_{metric.name}"] = reached
    return checks, wrong


def unit_of(network: nn.Module) -> float:
    """What is a small difference of outputs is a share of this: 1, or less where they vary less."""
    rescale = getattr(network, "rescale", None)
    if not isinstance(rescale, Rescale):
        return 1.0
    return min(1.0, float(rescale.deviation.min()))


def _compared(folder: Path, given: dict[str, Any], fresh: bool) -> dict[str, Any]:
    """What each form gives; where the process of all of them dies, each has one of its own."""
    forms = [form for form in check_forms.FORMS if (folder / form).is_file()]
    if not fresh:
        return check_forms.compared(folder, {**given, "forms": forms})
    try:
        return _run(folder, {**given, "forms": forms})
    except ExportError:
        rows: dict[str, Any] = {}
        for form in forms:
            try:
                rows |= _run(folder, {**given, "forms": [form]})
            except ExportError as error:
                rows[form] = {"error": str(error)}
        return rows


def _run(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What `compared` gives in a fresh process, which finds all modules but netwright as this one.

    They pass files that have no name, so that none can be left.
    """
    with TemporaryFile() as asks, TemporaryFile() as answers, TemporaryFile() as errors:
        torch.save(given, asks)
        asks.seek(0)
        done = subprocess.run(
            command(check_forms.__file__, folder, flags=("-W", "ignore")),
            stdin=asks,
            stdout=answers,
            stderr=errors,
            check=False,
        )
        if done.returncode != 0:
            errors.seek(0)
            said = errors.read().decode("utf-8", errors="replace").strip().splitlines()
            last = said[-1] if said else "no message"
            raise ExportError(f"the process that checks it ended with {done.returncode}: {last}")
        answers.seek(0)
        found: dict[str, Any] = torch.load(answers, weights_only=True)
    return found

"""Whether every exported form computes what the trained network does, in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import ExportError
from netwright.export import check_forms
from netwright.network.signature import Signature

TOLERANCE = 1e-4
"""Largest difference of a logit, or of its share of the largest logit where that is above 1."""

_TIES = 1e-4  # share of the test part on which rounding may decide between equal logits


def verify(
    network: nn.Module,
    folder: Path,
    signature: Signature,
    batches: Sequence[Sequence[Tensor]],
    test: tuple[Tensor, Tensor] | None,
) -> dict[str, Any]:
    """Load each form of `folder` without netwright and compare it with `network`.

    `network` takes raw inputs, as the forms do; each of `batches` has one tensor (b, *shape) for
    each input of the signature, of its dtype. model.py is given them as floats too. Returns, by
    form, the largest difference and the accuracy on `test`.

    Raises:
        ExportError: A form cannot be loaded, or computes something else.
    """
    with torch.no_grad():
        logits = [network(*tensors) for tensors in batches]
    given: dict[str, Any] = {
        "names": [spec.name for spec in signature.inputs],
        "batches": [list(tensors) for tensors in batches],
        "logits": logits,
    }
    right = None
    if test is not None:
        given |= {"x": test[0], "y": test[1]}
        with torch.no_grad():
            parts = zip(torch.split(test[0], 500), torch.split(test[1], 500), strict=True)
            right = sum(int((network(x).argmax(1) == y).sum()) for x, y in parts)
    rows = _run(folder, given)
    allowed = TOLERANCE * max(1.0, max(float(value.abs().max()) for value in logits))
    checks: dict[str, Any] = {}
    for form, row in rows.items():
        if "error" in row:
            raise ExportError(f"The exported {form} cannot be used: {row['error']}")
        if not row["difference"] <= allowed:
            raise ExportError(
                f"The exported {form} differs from the trained network by {row['difference']:.3g}, "
                f"more than {allowed:.3g}: it was not exported."
            )
        checks[form] = {"largest_difference": row["difference"]}
        if right is not None and test is not None:
            if abs(row["right"] - right) > _TIES * len(test[1]):
                raise ExportError(
                    f"The exported {form} has {row['right']} of {len(test[1])} test examples "
                    f"right, the trained network {right}: it was not exported."
                )
            checks[form]["test_accuracy"] = row["right"] / len(test[1])
    return checks


def _run(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    with TemporaryDirectory(prefix="netwright-") as name:
        torch.save(given, Path(name) / "inputs.pt")
        done = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", check_forms.__file__, str(folder), name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ExportError(f"The exported forms in {folder} cannot be checked: {last}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found

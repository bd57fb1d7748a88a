"""Exporting: a folder with the network in four forms and its card, each form checked."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import ExportError, MissingExtra, require
from netwright.export.card import Card
from netwright.export.folder import check_folder, place
from netwright.export.inputs import input_line
from netwright.export.metadata import Meaning, with_meaning
from netwright.export.source.answers import Answers, answers_of
from netwright.export.source.program import program_source
from netwright.export.source.source import model_source
from netwright.export.verify import Scored, unit_of, verify
from netwright.files.temporary import temporary
from netwright.network.normalised import Encoder, arguments_of
from netwright.network.onnx_graph import (
    NoGraph,
    first_line,
    onnx_bytes,
    open_shapes,
    quiet_exporters,
)
from netwright.network.signature import Signature
from netwright.network.weights import tensor_bytes
from netwright.tasks import Task

_PLACES = 24  # of the raw tensors that the docstring of model.py explains
_ROUNDING = 1e-3  # share of the test part that another device's rounding may decide otherwise


@dataclass(frozen=True)
class Exported:
    """A finished export: its folder, what the checks found by form, and what is missing and why.

    `faults` are those of the `notes` that nobody expects: a form failed its check, or there is none
    that PyTorch can load.
    """

    directory: Path
    checks: dict[str, Any]
    notes: Sequence[str] = ()
    faults: Sequence[str] = ()


def export(
    network: nn.Module,
    directory: Path,
    *,
    signature: Signature,
    card: Card,
    examples: Sequence[Tensor] = (),
    test: tuple[Sequence[Tensor], Tensor] | None = None,
    task: Task | None = None,
    encoder: Encoder | None = None,
    fresh: bool = True,
) -> Exported:
    """Write a trained network into a folder: source, weights, ONNX, exported program, card.

    The network takes raw tensors of the signature, its normalisation is inside (see
    `netwright.network.normalised`), and so do all forms: each is loaded and compared with it in a
    fresh process before any takes its place. `examples` has a batch (n, *shape) of the data for
    each input to compare them on, else they are random; `test` are raw inputs and targets on which
    every form must reach the metrics of `task`. Without `fresh` they are compared in this process,
    which is quicker and not the same: netwright could be imported there.

    Every form gives the network's outputs, and has in its metadata what they mean to `task` and how
    rows are encoded (see `netwright.export.metadata`). model.py does both: `predict(rows)`.

    A form that cannot be made, or that differs from the network, is left out and the card says why;
    a model.py whose source cannot be written loads model.pt2. The weights are always there.

    Raises:
        SettingError: The folder holds something else, or cannot be written.
        ExportError: A file cannot be written.
    """
    check_folder(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    network = deepcopy(network).cpu().eval()
    with temporary(".export-", directory.parent) as draft:
        means = task.to_json() if task is not None else card.task
        card = replace(card, signature=signature.to_json(), task=means)
        meaning = Meaning(signature, task, encoder)
        card = replace(card, **meaning.on_card)
        missing = _write_forms(network, draft, meaning, card)
        scored = None
        if test is not None and task is not None:
            pairs = zip(test[0], signature.inputs, strict=True)
            given = tuple(x.to(spec.torch_dtype) for x, spec in pairs)
            scored = Scored(given, test[1], task, card.metric)
        batches = _batches(signature, examples)
        checks, wrong = verify(network, draft, signature, batches, scored, fresh=fresh)
        wrong |= _unlike_reported(card, checks, scored, unit_of(network))
        faults = [_removed(draft, form, why) for form, why in wrong.items()]
        if not (draft / "model.py").is_file() and not (draft / "model.pt2").is_file():
            faults.append("There is no form that PyTorch can load, but the weights alone.")
        notes = [*missing, *faults]
        checks = {form: row for form, row in checks.items() if form not in wrong}
        forms = sorted(path.name for path in draft.glob("model.*"))
        card = replace(card, checks=checks, forms=forms, notes=[*card.notes, *notes])
        (draft / "card.md").write_text(card.to_markdown(), encoding="utf-8")
        body = json.dumps(card.to_json(), indent=2) + "\n"
        (draft / "card.json").write_text(body, encoding="utf-8")
        place(draft, directory)
    return Exported(directory, checks, notes, faults)


def _removed(folder: Path, form: str, why: str) -> str:
    """Take a form away that failed its check; what is to be said of it."""
    (folder / form).unlink(missing_ok=True)
    return f"{form} is missing: {why}"


def _unlike_reported(
    card: Card, checks: dict[str, Any], scored: Scored | None, unit: float
) -> dict[str, str]:
    """Of the forms whose metric is not that on the card beside them, what is wrong."""
    name, show = f"test_{card.metric.name}", card.metric.show
    reported = card.metrics.get(name)
    if reported is None or scored is None:
        return {}
    allowed = max(1 / len(scored.y), _ROUNDING) * max(unit, abs(reported))
    return {
        form: f"it has a test {card.metric.name} of {show(row[name])}, its card reports "
        f"{show(reported)}. Score the network on the same test part, with the weights that are "
        "exported."
        for form, row in checks.items()
        if abs(row[name] - reported) > allowed + 1e-9 * unit
    }


def _write_forms(network: nn.Module, folder: Path, meaning: Meaning, card: Card) -> list[str]:
    """Write the weights and all forms; returns what is to be said of those that cannot be made."""
    notes, signature, told = [], meaning.signature, meaning.texts
    with quiet_exporters():
        try:
            program = torch.export.export(
                network, signature.zeros(2), dynamic_shapes=open_shapes(signature)
            )
            torch.export.save(program, folder / "model.pt2", extra_files=dict(told))
        except Exception as error:
            (folder / "model.pt2").unlink(missing_ok=True)
            notes.append(f"model.pt2 is missing: torch.export says {first_line(error)}")
        try:
            require("onnx", extra="onnx", purpose="The ONNX form of the network")
            require("onnxruntime", extra="onnx", purpose="Checking the ONNX form of the network")
            graph = onnx_bytes(network, signature, any_batch=True)
            (folder / "model.onnx").write_bytes(with_meaning(graph, meaning))
        except MissingExtra as error:
            notes.append(f"model.onnx is missing. {error}")
        except NoGraph as error:
            notes.append(f"model.onnx is missing: {error}")
    answers, more = answers_of(meaning)
    notes += more
    if answers is not None and answers.decoder is not None:
        network.add_module("decoder", answers.decoder)
    (folder / "model.safetensors").write_bytes(tensor_bytes(network.state_dict(), told))
    about = _docstring(card, meaning, answers)
    try:
        source = model_source(network, signature, docstring=about, answers=answers)
    except ExportError as error:
        if not (folder / "model.pt2").is_file():
            return [*notes, f"model.py is missing: {error}"]
        source = program_source(signature, docstring=about, answers=answers)
        notes.append(f"model.py has no source of its own and loads model.pt2. {error}")
    (folder / "model.py").write_text(source, encoding="utf-8")
    return notes


def _batches(signature: Signature, examples: Sequence[Tensor]) -> list[list[Tensor]]:
    """Raw batches of 1 and of 7 examples: of the data where there are 8, else random."""
    tensors = tuple(examples)
    if not tensors or len(tensors[0]) < 8:
        tensors = signature.example(np.random.default_rng(0), 8)
    return [[x[:1] for x in tensors], [x[1:8] for x in tensors]]


def _places(meaning: Meaning) -> str:
    """What the first places of the raw tensors hold, for the docstring of model.py."""
    rows = meaning.inputs or []
    lines = [input_line(row, short=True) for row in rows[:_PLACES]]
    if len(rows) > _PLACES:
        lines.append(f"and {len(rows) - _PLACES} more, which card.md has")
    filled = textwrap.TextWrapper(96, initial_indent="    ", subsequent_indent="        ").fill
    text = "".join(f"{filled(line)}\n" for line in lines)
    return f"\nwhere\n\n{text}" if text else ""


def _docstring(card: Card, meaning: Meaning, answers: Answers | None) -> str:
    metric, data = card.metric, card.data.get("name", "the data")
    score = card.metrics.get(f"test_{metric.name}")
    reached = f" Test {metric.name} on {data}: {metric.show(score)}." if score is not None else ""
    specs = meaning.signature.inputs
    takes = "".join(f"    {spec.text}\n" for spec in specs) + _places(meaning)
    names = ", ".join(arguments_of([spec.name for spec in specs]))
    asked = f"    answers = network.predict({answers.argument})\n" if answers else ""
    return (
        f"{card.title}.{reached}\n\n"
        "    from model import load\n"
        "    network = load()  # in eval mode, with the trained weights\n"
        f"    outputs = network({names})\n{asked}\n"
        f"It takes {card.takes}, or the same values of another dtype:\n\n"
        f"{takes}\n"
        "Needs torch alone; the weights are read from model.safetensors beside this file."
    )

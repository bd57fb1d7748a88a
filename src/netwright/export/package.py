"""Exporting: a folder with the network in four forms and its card, each form checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from netwright.errors import ExportError, MissingExtra, require
from netwright.export.card import Card
from netwright.export.folder import check_folder, place
from netwright.export.source.source import model_source
from netwright.export.verify import verify
from netwright.network.onnx_graph import NoGraph, first_line, onnx_bytes, quiet_exporters

_ROUNDING = 1e-3  # share of the test part that another device's rounding may decide otherwise


@dataclass(frozen=True)
class Exported:
    """A finished export: its folder, what the checks found by form, and what is missing and why."""

    directory: Path
    checks: dict[str, Any]
    notes: Sequence[str] = ()


class Raw(nn.Module):
    """A trained network that takes raw inputs: its normalisation goes before it."""

    def __init__(self, network: nn.Module, mean: Tensor | None, std: Tensor | None) -> None:
        super().__init__()
        self.network = network
        self.mean: Tensor | None
        self.std: Tensor | None
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor) -> Tensor:
        """(b, *inputs) to logits (b, classes)."""
        x = x.float()
        if self.mean is not None and self.std is not None:
            x = (x - self.mean) / self.std
        out: Tensor = self.network(x)
        return out


def export(
    model: nn.Module,
    directory: Path,
    *,
    inputs: Sequence[int],
    mean: Tensor | None = None,
    std: Tensor | None = None,
    card: Card,
    test: tuple[Tensor, Tensor] | None = None,
    tokens: int | None = None,
) -> Exported:
    """Write a trained network into a folder: source, weights, ONNX, exported program, card.

    All forms take raw inputs (b, *inputs), loaded and compared with the network in a fresh process
    before any of them takes its place. `test` are raw inputs and labels whose accuracy every form
    must reach. `tokens` is for inputs that are ids, from 0 to below it.

    A form that cannot be made is left out and the card says why; a model.py whose source cannot be
    written loads model.pt2.

    Raises:
        ExportError: A form differs from the network, or neither model.py nor model.pt2 can be made;
            the folder is as it was before.
    """
    check_folder(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    model = deepcopy(model).cpu().eval()
    mean, std = (None if value is None else value.detach().cpu() for value in (mean, std))
    raw = Raw(model, mean, std).eval()
    draft = Path(mkdtemp(prefix=".export-", dir=directory.parent))
    try:
        notes = _write_forms(raw, model, draft, inputs, card)
        checks = verify(raw, draft, _batches(inputs, mean, std, test, tokens), test)
        _check_reported(card, checks, test)
        card = replace(card, checks=checks, notes=[*card.notes, *notes])
        (draft / "card.md").write_text(card.to_markdown())
        (draft / "card.json").write_text(json.dumps(card.to_json(), indent=2) + "\n")
        place(draft, directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Exported(directory, checks, notes)


def _check_reported(card: Card, checks: dict[str, Any], test: tuple[Tensor, Tensor] | None) -> None:
    """The test accuracy on the card is that of the files beside it."""
    reported = card.metrics.get("test_accuracy")
    if reported is None or test is None:
        return
    for form, row in checks.items():
        allowed = max(1.0, _ROUNDING * len(test[1])) / len(test[1])
        if abs(row["test_accuracy"] - reported) > allowed + 1e-9:
            raise ExportError(
                f"The exported {form} has a test accuracy of {row['test_accuracy']:.4%}, its card "
                f"reports {reported:.4%}: it was not exported. Score the network on the same test "
                "part, with the weights that are exported."
            )


def _write_forms(
    raw: Raw, model: nn.Module, folder: Path, inputs: Sequence[int], card: Card
) -> list[str]:
    """Write all forms; returns what has to be said of those that could not be made."""
    notes = []
    state = dict(model.state_dict())
    if raw.mean is not None and raw.std is not None:
        state |= {"mean": raw.mean, "std": raw.std}
    state = {name: value.detach().contiguous().clone() for name, value in state.items()}
    save_file(state, folder / "model.safetensors")
    example = torch.zeros(2, *inputs)
    with quiet_exporters():
        batch = torch.export.Dim("batch", min=1)
        try:
            program = torch.export.export(raw, (example,), dynamic_shapes=({0: batch},))
            torch.export.save(program, folder / "model.pt2")
        except Exception as error:
            notes.append(f"model.pt2 is missing: torch.export says {first_line(error)}")
        try:
            require("onnx", extra="onnx", purpose="The ONNX form of the network")
            require("onnxruntime", extra="onnx", purpose="Checking the ONNX form of the network")
            graph = onnx_bytes(raw, example, any_batch=True)
            (folder / "model.onnx").write_bytes(graph)
        except MissingExtra as error:
            notes.append(f"model.onnx is missing. {error}")
        except NoGraph as error:
            notes.append(f"model.onnx is missing: {error}")
    about = _docstring(card)
    try:
        source = model_source(model, inputs=inputs, mean=raw.mean, std=raw.std, docstring=about)
    except ExportError as error:
        if not (folder / "model.pt2").is_file():
            raise
        source = _program_source(about)
        notes.append(f"model.py has no source of its own and loads model.pt2. {error}")
    (folder / "model.py").write_text(source)
    return notes


def _program_source(docstring: str) -> str:
    """A model.py for a network whose forward cannot be written as source."""
    told = docstring.replace("model.safetensors", "model.pt2")
    told = told.replace("\\", "\\\\").replace('"', "'")
    return (
        f'"""{told}\n"""\n\nfrom pathlib import Path\n\nimport torch\n\n'
        'PROGRAM = Path(__file__).with_name("model.pt2")\n\n\n'
        "def load(path=PROGRAM):\n"
        '    """The trained network in eval mode; it takes raw inputs."""\n'
        "    return torch.export.load(path).module()\n"
    )


def _batches(
    inputs: Sequence[int],
    mean: Tensor | None,
    std: Tensor | None,
    test: tuple[Tensor, Tensor] | None,
    tokens: int | None,
) -> list[Tensor]:
    """Raw batches of 1 and of 7 examples: of the test part, else random ones like the data."""
    if test is not None and len(test[0]) >= 8:
        return [test[0][:1], test[0][1:8]]
    generator = torch.Generator().manual_seed(0)
    if tokens is not None:
        ids = torch.randint(tokens, (8, *inputs), generator=generator)
        return [ids[:1].float(), ids[1:].float()]
    x = torch.randn(8, *inputs, generator=generator)
    if mean is not None and std is not None:
        x = x * std + mean
    return [x[:1], x[1:]]


def _docstring(card: Card) -> str:
    accuracy = card.metrics.get("test_accuracy")
    data = card.data.get("name", "the data")
    reached = f" Test accuracy on {data}: {accuracy:.2%}." if accuracy is not None else ""
    return (
        f"{card.title}.{reached}\n\n"
        "    from model import load\n"
        "    network = load()           # in eval mode, with the trained weights\n"
        "    logits = network(x)        # x: raw inputs, as they are in the data\n\n"
        "Needs torch alone; the weights are read from model.safetensors beside this file."
    )

"""A network out of the folder that it was exported to: model.py, else model.pt2 or model.onnx."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netwright.data.encodings import encoded_by
from netwright.data.written import encode_arrays, encode_columns, encode_named
from netwright.data.written_pictures import encode_pictures
from netwright.data.written_series import encode_series
from netwright.data.written_sound import encode_sound
from netwright.data.written_text import encode_prompts, encode_text
from netwright.errors import DataError, NetwrightError, SettingError, require
from netwright.export import MARK, Card
from netwright.network.normalised import Encoder, each_of
from netwright.network.onnx_graph import first_line
from netwright.network.signature import Signature
from netwright.tasks import Task, task_from

FORMS = ("model.py", "model.pt2", "model.onnx")
"""What a network is read from; the first that is there is taken."""

_ENCODERS: dict[str, Callable[[Any, Any], tuple[Tensor, ...]]] = {
    "arrays": encode_arrays,
    "pictures": encode_pictures,
    "columns": encode_columns,
    "named": encode_named,
    "series": encode_series,
    "sound": encode_sound,
    "stream": encode_prompts,
    "text": encode_text,
}
_ROWS, _BYTES = 1000, 2**26  # that go through a network at once, at most

Forward = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True, eq=False)
class ExportedNetwork:
    """A network in a folder: its card, and a function from raw tensors to outputs.

    `module` is the network of model.py, None where another form was read.
    """

    folder: Path
    card: Card
    form: str
    forward: Forward
    module: nn.Module | None = None

    @property
    def signature(self) -> Signature:
        """What it takes, raw, and gives."""
        assert self.card.signature is not None
        return Signature.from_json(self.card.signature)

    @property
    def book(self) -> dict[str, Any]:
        """How rows become raw tensors.

        Raises:
            SettingError: It learned from data of the user's own, so that nothing here says it.
        """
        book = dict(self.card.encoding or {})
        if book.get("kind") not in _ENCODERS:
            raise SettingError(
                f"The network in {str(self.folder)!r} learned from data of your own, so that its "
                "card does not say how rows become tensors; use model.py in that folder."
            )
        return book

    @property
    def label(self) -> str | None:
        """The column that is predicted, None where there was none or it is not known."""
        label: str | None = self.card.data.get("label")
        return label

    @property
    def names(self) -> tuple[str, ...]:
        """The names of classes, labels or numbers; empty where they have none."""
        return tuple((self.card.decoding or {}).get("names", ()))

    @property
    def answer(self) -> str:
        """What kind of answer it gives: class, labels, numbers or values."""
        return str((self.card.decoding or {}).get("answer", "values"))

    @cached_property
    def task(self) -> Task | None:
        """The task, without metrics that are a user's own; None where it is not one of ours."""
        try:
            return task_from({**(self.card.task or {"kind": None}), "extra": []})
        except SettingError:
            return None

    def encode(self, rows: Any) -> tuple[Tensor, ...]:
        """Rows as the source of the data had them as raw tensors (b, *shape).

        Raises:
            DataError: A row cannot be encoded; the message names it and its column.
            SettingError: As `book`.
        """
        return encoded_by(Encoder(self.book, _ENCODERS[self.book["kind"]]), rows)

    def outputs(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The outputs (n, ...) for all rows of raw tensors (n, *shape), some rows at a time."""
        size = sum(4 * x[:1].numel() for x in inputs)
        at_once = max(1, min(_ROWS, _BYTES // max(1, size)))
        with torch.inference_mode():
            parts = [
                self.forward(*(x[start : start + at_once] for x in inputs))
                for start in range(0, len(inputs[0]), at_once)
            ]
        return tuple(map(torch.cat, zip(*parts, strict=True)))

    def decode(self, outputs: tuple[Tensor, ...]) -> Tensor:
        """What the decoder gives for outputs (n, ...): probabilities or numbers.

        Raises:
            SettingError: The task is a user's own, and its decoder is in no form that is here.
        """
        decoder: Any = getattr(self.module, "decoder", None)
        if decoder is None and self.task is not None:
            decoder = self.task.decoder().eval()
        if decoder is None:
            raise SettingError(
                f"The network in {str(self.folder)!r} has a task of your own, whose decoder only "
                "model.py has; it is not there."
            )
        with torch.inference_mode():
            decoded: Tensor = decoder(*outputs)
        return decoded


def open_exported(folder: Path) -> ExportedNetwork:
    """The network that was exported to a folder; model.py is run for it.

    Raises:
        SettingError: It is no such folder, or none of its forms can be read.
        MissingExtra: There is model.onnx alone, and onnxruntime is absent.
    """
    card = _card(folder)
    form = next((form for form in FORMS if (folder / form).is_file()), None)
    if form is None or card.signature is None:
        raise SettingError(
            f"The folder {str(folder)!r} must hold {', '.join(FORMS[:-1])} or {FORMS[-1]} beside "
            f"{MARK}, got none of them."
        )
    read = {"model.py": _of_source, "model.pt2": _of_program, "model.onnx": _of_graph}[form]
    try:
        module, forward = read(folder / form, Signature.from_json(card.signature))
    except NetwrightError:
        raise
    except Exception as error:  # damaged files, and own code in model.py, raise many kinds
        raise SettingError(
            f"The network in {str(folder)!r} cannot be read: {form} says {first_line(error)}"
        ) from error
    return ExportedNetwork(folder, card, form, forward, module)


def _card(folder: Path) -> Card:
    try:
        body = json.loads((folder / MARK).read_text(encoding="utf-8"))
        return Card.from_json(body)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingError(
            f"The folder {str(folder)!r} must be one that a search or an export wrote, but it has "
            f"no {MARK}."
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingError(f"{folder / MARK} is damaged: {error}.") from error


def _of_source(path: Path, signature: Signature) -> tuple[nn.Module | None, Forward]:
    network: nn.Module = source_module(path).load().eval()
    return network, lambda *inputs: each_of(network(*inputs))


def source_module(path: Path) -> Any:
    """The module of a model.py, which is run; nothing is written beside it."""
    name = f"netwright_exported_{abs(hash(path.absolute())):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where the sources of its classes are looked for
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def _of_program(path: Path, signature: Signature) -> tuple[nn.Module | None, Forward]:
    program = torch.export.load(path).module()
    dtypes = [spec.torch_dtype for spec in signature.inputs]

    def forward(*inputs: Tensor) -> tuple[Tensor, ...]:
        given = (x.to(dtype) for x, dtype in zip(inputs, dtypes, strict=True))
        return each_of(program(*given))

    return None, forward


def _of_graph(path: Path, signature: Signature) -> tuple[nn.Module | None, Forward]:
    runtime = require("onnxruntime", extra="onnx", purpose="Reading model.onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def forward(*inputs: Tensor) -> tuple[Tensor, ...]:
        given = {
            spec.name: x.to(spec.torch_dtype).numpy()
            for spec, x in zip(signature.inputs, inputs, strict=True)
        }
        return tuple(map(torch.from_numpy, session.run(None, given)))

    return None, forward


def column_names(book: Mapping[str, Any]) -> list[str]:
    """The columns that a network takes of a table."""
    return [each if isinstance(each, str) else each["name"] for each in book["columns"]]


def missing_columns(network: ExportedNetwork, columns: list[str], where: object) -> None:
    """Refuse a table that lacks a column.

    Raises:
        DataError: Names those that are missing.
    """
    wanted = column_names(network.book)
    missing = [f"'{name}'" for name in wanted if name not in columns]
    if missing:
        shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
        raise DataError(
            f"{where} has no column {shown}, which the network takes; it has: "
            f"{', '.join(columns[:20])}{', ...' * (len(columns) > 20)}."
        )

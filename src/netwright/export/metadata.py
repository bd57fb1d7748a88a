"""What the forms say of themselves beside the numbers: what they take, and what outputs mean.

It is JSON under five names, in every form alike: `signature` (the tensors by name), `task`,
`decoding` (how outputs become answers, with the names of classes), `encoding` (how rows become
the tensors: columns, categories) and `inputs` (what each place of the tensors holds).
model.safetensors has them in its header, model.onnx in `metadata_props`, model.pt2 in its extra
files, the card as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netwright.errors import require
from netwright.export.inputs import explain_inputs
from netwright.network.normalised import Encoder
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks import Task

_ONNX_TYPES = {
    "float32": "FLOAT", "float64": "DOUBLE", "float16": "FLOAT16", "bfloat16": "BFLOAT16",
    "uint8": "UINT8", "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64",
    "bool": "BOOL",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Meaning:
    """What a network takes and gives, what that means to a task, and how rows are encoded."""

    signature: Signature
    task: Task | None = None
    encoder: Encoder | None = None

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """JSON by name."""
        found: dict[str, Any] = {"signature": self.signature.to_json()}
        if self.task is not None:
            found |= {"task": self.task.to_json(), "decoding": self.task.decoding}
        if self.encoder is not None:
            found["encoding"] = dict(self.encoder.book)
            if self.inputs is not None:
                found["inputs"] = self.inputs
        return {name: json.dumps(value) for name, value in found.items()}

    @cached_property
    def inputs(self) -> list[dict[str, Any]] | None:
        """What each place of the raw tensors holds; None where that is not known."""
        return explain_inputs(self.signature, self.encoder.book if self.encoder else None)

    @property
    def on_card(self) -> dict[str, Any]:
        """What the card has of it."""
        found = {name: json.loads(text) for name, text in self.texts.items()}
        return {name: found[name] for name in ("decoding", "encoding", "inputs") if name in found}


def with_meaning(graph: bytes, meaning: Meaning) -> bytes:
    """An ONNX graph with what it means, and with the inputs that have no effect put back.

    Raises:
        MissingExtra: onnx is not installed.
    """
    onnx = require("onnx", extra="onnx", purpose="The ONNX form of the network")
    model = onnx.load_model_from_string(graph)
    for key, text in meaning.texts.items():
        model.metadata_props.add(key=key, value=text)
    there = {node.name for node in model.graph.input}
    for spec in meaning.signature.inputs:
        if spec.name not in there:
            model.graph.input.append(_input(onnx, spec))
    made: bytes = model.SerializeToString()
    return made


def _input(onnx: Any, spec: TensorSpec) -> Any:
    kind = getattr(onnx.TensorProto, _ONNX_TYPES[spec.dtype])
    sizes = [f"{spec.name}_{i}" if n is None else n for i, n in enumerate(spec.shape, 1)]
    return onnx.helper.make_tensor_value_info(spec.name, kind, ["batch", *sizes])

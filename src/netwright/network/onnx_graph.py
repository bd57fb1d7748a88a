"""A network as an ONNX graph: for measuring its latency, and for handing it over."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from netwright.network.signature import Signature, TensorSpec

_LOUD = ("onnx", "export", "fx.experimental.symbolic_shapes")


class NoGraph(Exception):
    """Neither of torch's exporters takes the network; the message is both their reasons."""


def onnx_bytes(model: nn.Module, signature: Signature, *, any_batch: bool = False) -> bytes:
    """The graph of `model`, in eval mode, from tensors of the signature's names to such.

    For a batch of one, or with `any_batch` for any, and then for any size of an open dimension.
    By torch's tracing exporter, which needs no more than onnx and 20 ms where the newer one takes
    700; by the newer one where that fails.

    Raises:
        NoGraph: It cannot be made.
    """
    inputs, outputs = ([t.name for t in each] for each in (signature.inputs, signature.outputs))
    names: dict[str, Any] = {"input_names": inputs, "output_names": outputs}
    examples = signature.zeros(2 if any_batch else 1)
    with quiet_exporters(), torch.no_grad():
        try:
            file = io.BytesIO()
            export: Any = torch.onnx.export  # takes a file too, whatever its annotation says
            axes = _axes(signature) if any_batch else None
            export(model, examples, file, dynamo=False, dynamic_axes=axes, **names)
            return file.getvalue()
        except Exception as error:
            reason = first_line(error)
        try:
            shapes = open_shapes(signature) if any_batch else None
            made = torch.onnx.export(
                model, examples, dynamo=True, verbose=False, dynamic_shapes=shapes, **names
            )
            assert made is not None
            graph: bytes = made.model_proto.SerializeToString()
            return graph
        except Exception as error:
            raise NoGraph(
                f"{reason}; nor by torch's newer exporter: {first_line(error)}"
            ) from error


def _axes(signature: Signature) -> dict[str, dict[int, str]]:
    """The names of the open dimensions, by tensor and axis."""
    open_axes = {spec.name: {0: "batch"} for spec in signature.outputs}
    for spec in signature.inputs:
        open_axes[spec.name] = {0: "batch", **{i: f"{spec.name}_{i}" for i in _open(spec)}}
    return open_axes


def open_shapes(signature: Signature) -> tuple[dict[int, Any], ...]:
    """The open dimensions of each input as `torch.export` has them, the batch with them."""
    batch = torch.export.Dim("batch", min=1)
    return tuple(
        {0: batch, **dict.fromkeys(_open(spec), torch.export.Dim.DYNAMIC)}
        for spec in signature.inputs
    )


def _open(spec: TensorSpec) -> list[int]:
    return [i for i, size in enumerate(spec.shape, 1) if size is None]


@contextmanager
def quiet_exporters() -> Iterator[None]:
    """torch's exporters tell of their own deprecations and detours, which are not the user's.

    One prints the whole graph to the standard output before it raises, and switches that on by
    itself; what prints it is therefore taken away meanwhile.
    """
    loggers = [logging.getLogger(f"torch.{name}") for name in _LOUD]
    levels = [logger.level for logger in loggers]
    printer = getattr(torch._C, "_jit_onnx_log", None)
    try:
        setattr(torch._C, "_jit_onnx_log", lambda *_: None)  # noqa: B010
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if printer is not None:
            setattr(torch._C, "_jit_onnx_log", printer)  # noqa: B010
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def first_line(error: Exception) -> str:
    """An exception's class and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"

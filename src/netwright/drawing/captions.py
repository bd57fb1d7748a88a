"""What a person calls a layer or a function of a network."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn


@dataclass(frozen=True)
class Title:
    """A layer's label, the same without widths, and its kind, which colours it.

    Two layers with equal `short` do the same at another width.
    """

    label: str
    short: str
    kind: str


_NORMS = {"BatchNorm1d": "BN", "BatchNorm2d": "BN", "BatchNorm3d": "BN", "GroupNorm": "GN"}
_NORMS |= {"LayerNorm": "LN"}
_ACTIVATIONS = {"relu", "gelu", "silu", "sigmoid", "tanh", "hardswish", "leaky relu", "relu6"}
_MERGES = {
    operator.add: "Add",
    operator.iadd: "Add",
    torch.add: "Add",
    "add": "Add",
    "add_": "Add",
    operator.mul: "Multiply",
    operator.imul: "Multiply",
    torch.mul: "Multiply",
    "mul": "Multiply",
    "mul_": "Multiply",
    operator.truediv: "Divide",
    torch.div: "Divide",
    torch.cat: "Concatenate",
    torch.stack: "Stack",
    operator.matmul: "Matmul",
}
_VIEWS = {
    *("reshape", "view", "permute", "transpose", "swapaxes", "contiguous", "unsqueeze"),
    *("squeeze", "expand", "movedim", "getitem", "chunk", "split", "unbind", "unflatten"),
    *("clone", "to", "float", "long", "int", "expand as", "t", "mT", "tensor split", "type as"),
}


def name_layer(module: nn.Module) -> Title:
    """What a layer is called."""
    name = type(module).__name__
    if isinstance(module, nn.modules.conv._ConvNd):
        return _convolution(module)
    if isinstance(module, nn.Linear):
        return Title(f"Linear {module.out_features}", "Linear", "linear")
    if isinstance(module, nn.Embedding):
        return Title(f"Embedding {module.num_embeddings} x {module.embedding_dim}", name, "linear")
    if isinstance(module, nn.MultiheadAttention):
        heads = f"Attention, {module.num_heads} head{'s' if module.num_heads > 1 else ''}"
        return Title(heads, heads, "attention")
    if isinstance(module, nn.RNNBase):
        return Title(f"{name} {module.hidden_size}", name, "attention")
    if "Norm" in name:
        return _same(_NORMS.get(name, name), "norm")
    if "Pool" in name:
        return _same(_pooling(module), "pool")
    if "Dropout" in name:
        return _same(f"Dropout {module.p:g}", "dropout")
    if type(module).__module__ == "torch.nn.modules.activation":
        return _same(name, "activation")
    return _same(name, "other")


def _convolution(module: nn.modules.conv._ConvNd) -> Title:
    size = "x".join(map(str, module.kernel_size))
    depthwise = module.groups == module.in_channels and module.groups > 1
    transposed = "Transpose" in type(module).__name__
    word = "Depthwise" if depthwise else "Upconv" if transposed else "Conv"
    groups = f", {module.groups} groups" if module.groups > 1 and not depthwise else ""
    stride = f", stride {module.stride[0]}" if max(module.stride) > 1 else ""
    holes = f", dilation {module.dilation[0]}" if max(module.dilation) > 1 else ""
    ways = f"{groups}{stride}{holes}"
    return Title(f"{word} {size}, {module.out_channels}{ways}", f"{word} {size}{ways}", "conv")


def _pooling(module: nn.Module) -> str:
    name = type(module).__name__
    word = "max" if "Max" in name else "average"
    if "Adaptive" in name:
        size = getattr(module, "output_size", 1)
        single = size == 1 or (isinstance(size, tuple) and set(size) == {1})
        cells = "x".join(map(str, size)) if isinstance(size, tuple) else str(size)
        return f"Global {word} pool" if single else f"{word.capitalize()} pool to {cells}"
    size = getattr(module, "kernel_size", "")
    shown = "x".join(map(str, size)) if isinstance(size, tuple) else size
    return f"{word.capitalize()} pool {shown}"


def name_function(node: fx.Node, tensors: int) -> Title:
    """What a call of a function or a method that reads so many tensors is called."""
    label = _word(node)
    number = _number(node)
    if (label == "Multiply" and number == 0) or label in ("Zeros like", "New zeros"):
        return _same("Zero", "zero")
    if number is not None and label in ("Multiply", "Divide", "Add"):
        word = "Scale" if label == "Multiply" else label
        return _same(f"{word} {number:.4g}", "other")
    if label.lower() in _ACTIVATIONS:
        return _same(label, "activation")
    if label == "Dropout":
        return _same(label, "dropout")
    if label.endswith("norm"):
        return _same(label, "norm")
    if label == "Scaled dot product attention":
        return _same("Attention", "attention")
    if label in ("Mean", "Amax") or "pool" in label:
        return _same(label, "pool")
    return _same(label, "merge" if tensors > 1 else "other")


def is_view(node: fx.Node) -> bool:
    """Whether a call only arranges numbers anew, or adds nothing, so that nobody draws it."""
    label = _word(node)
    if label == "Flatten":  # of an image in front of a classifier it is a step that people draw
        given: Any = node.args[1] if len(node.args) > 1 else node.kwargs.get("start_dim", 0)
        return bool(given != 1)
    return label.lower() in _VIEWS or (label == "Add" and _number(node) == 0)


def _word(node: fx.Node) -> str:
    target: Any = node.target
    if target in _MERGES:
        return _MERGES[target]
    name = target if isinstance(target, str) else getattr(target, "__name__", "?")
    return str(name).strip("_").replace("_", " ").capitalize()


def _number(node: fx.Node) -> float | None:
    """The plain number among the two arguments of an operator."""
    numbers = [a for a in node.args[:2] if isinstance(a, int | float)]
    return float(numbers[0]) if len(numbers) == 1 and len(node.args) == 2 else None


def _same(label: str, kind: str) -> Title:
    return Title(label, label, kind)

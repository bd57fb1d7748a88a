"""What each operation does to the axes of its inputs: the table by which `couple.py` goes.

A rule is given a `Call` and returns the dimensions of its output, or those of several outputs. An
operation without a rule keeps the numbers of all channels that reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from netwright.conversion import weightless
from netwright.conversion.axes import Dimension, Part, block, join, keep, mix, repeated, resolved
from netwright.conversion.traced import DATA, Call, Shaped, broadcast

Rule = Callable[[Call], list[Dimension]]


def _conv(call: Call) -> list[Dimension]:
    x, weight, bias = (call.given[n] for n in ("input", "weight", "bias"))
    groups = call.given["groups"]
    if groups == 1:
        join(x.dims[1], weight.dims[1])
        weight.summed.add(1)
    elif groups == x.sizes[1]:
        join(weight.dims[0], repeated(x.dims[1], weight.sizes[0] // groups))
    elif block(x.dims[1], groups) and block(weight.dims[0], groups):
        axis = resolved(x.dims[1])[0].axis
        join(weight.dims[1], (Part(axis, local=groups),))
        weight.summed.add(1)
    else:
        for dim in (x.dims[1], *weight.dims):
            keep(dim, "a grouped convolution reads channels of several layers")
    if bias is not None:
        join(bias.dims[0], weight.dims[0])
    return [x.dims[0], weight.dims[0], *map(call.free, range(2, len(call.sizes)))]


def _conv_transpose(call: Call) -> list[Dimension]:
    x, weight, bias = (call.given[n] for n in ("input", "weight", "bias"))
    join(x.dims[1], weight.dims[0])
    weight.summed.add(0)
    if call.given["groups"] > 1:
        keep(x.dims[1], "a grouped transposed convolution reads it")
        return list(map(call.free, range(len(call.sizes))))
    if bias is not None:
        join(bias.dims[0], weight.dims[1])
    return [x.dims[0], weight.dims[1], *map(call.free, range(2, len(call.sizes)))]


def _linear(call: Call) -> list[Dimension]:
    x, weight, bias = (call.given[n] for n in ("input", "weight", "bias"))
    join(x.dims[-1], weight.dims[1])
    weight.summed.add(1)
    if bias is not None:
        join(bias.dims[0], weight.dims[0])
    return [*x.dims[:-1], weight.dims[0]]


def _matmul(call: Call) -> list[Dimension]:
    *added, a, b = call.tensors()
    if min(len(a.dims), len(b.dims)) < 2:
        return unknown(call)
    join(a.dims[-1], b.dims[-2])
    for tensor, dim in ((a, len(a.dims) - 1), (b, len(b.dims) - 2)):
        if tensor.name is not None:
            tensor.summed.add(dim)
    if a.name is None and b.name is None:
        mix(a.dims[-1], call.op)
    outer = broadcast([Shaped(t.dims[:-2], t.sizes[:-2]) for t in (a, b)], call.sizes[:-2])
    product = Shaped([*outer, a.dims[-2], b.dims[-1]], call.sizes)
    return broadcast([product, *added], call.sizes)


def _attention(call: Call) -> list[Dimension]:
    query, key, value = (call.given[n] for n in ("query", "key", "value"))
    join(query.dims[-1], key.dims[-1])
    mix(query.dims[-1], call.op)
    for tensor in call.tensors():
        for dim in tensor.dims[:-1]:
            keep(dim, DATA)
    return [*query.dims[:-1], value.dims[-1]]


def _channel_norm(call: Call) -> list[Dimension]:
    for tensor in call.tensors()[1:]:
        join(call.x.dims[1], tensor.dims[0])
    return list(call.x.dims)


def _group_norm(call: Call) -> list[Dimension]:
    channels, groups = call.x.dims[1], call.given["num_groups"]
    mix(channels, "norm")
    if groups > 1 and not block(channels, groups):
        keep(channels, "a GroupNorm reads channels of several layers")
    return _channel_norm(call)


def _layer_norm(call: Call) -> list[Dimension]:
    first = len(call.x.dims) - len(call.given["normalized_shape"])
    for dim in call.x.dims[first:]:
        mix(dim, "norm")
    for tensor in call.tensors()[1:]:
        for own, dim in zip(tensor.dims, call.x.dims[first:], strict=True):
            join(dim, own)
    return list(call.x.dims)


def _prelu(call: Call) -> list[Dimension]:
    weight = call.given["weight"]
    if weight.sizes[0] > 1:
        join(call.x.dims[1], weight.dims[0])
    return list(call.x.dims)


def _embedding(call: Call) -> list[Dimension]:
    weight, ids = call.given["weight"], call.given["indices"]
    keep(weight.dims[0], "the ids of an Embedding")
    return [*ids.dims, weight.dims[1]]


def unknown(call: Call) -> list[Dimension]:
    """Nothing is known: all that reaches it keeps its channels."""
    for tensor in call.tensors():
        tensor.kept(f"`{call.op}` is not followed")
    return list(map(call.free, range(len(call.sizes))))


_SPATIAL = (
    *("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "lp_pool"),
    *("upsample_nearest", "upsample_bilinear", "upsample_bicubic", "upsample_linear"),
    "feature_dropout",
)
_NAMED: list[tuple[Rule, str]] = [
    (weightless.same, "contiguous clone alias detach to _to_copy type_as lift_fresh_copy"),
    (weightless.same, "dropout alpha_dropout feature_dropout feature_alpha_dropout"),
    (weightless.pointwise, "hardswish log_sigmoid rsub masked_fill"),  # without a tag
    (weightless.pointwise, "celu elu hardsigmoid hardtanh ldexp leaky_relu selu"),  # in torch 2.6
    (weightless.mixing, "softmax log_softmax _softmax cumsum flip"),
    (_conv, "conv1d conv2d conv3d"),
    (_conv_transpose, "conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_linear, "linear"),
    (_matmul, "mm bmm matmul addmm baddbmm"),
    (_attention, "scaled_dot_product_attention"),
    (_channel_norm, "batch_norm instance_norm"),
    (_group_norm, "group_norm"),
    (_layer_norm, "layer_norm rms_norm"),
    (_prelu, "prelu"),
    (_embedding, "embedding"),
    (weightless.spatial, " ".join(f"{op}{n}d" for op in _SPATIAL for n in (1, 2, 3))),
    (weightless.resized, "pad constant_pad_nd expand expand_as broadcast_to slice narrow"),
    (weightless.reshape, "view reshape flatten unflatten squeeze unsqueeze _unsafe_view"),
    (weightless.permuted, "permute transpose swapaxes t"),
    (weightless.cat, "cat concat concatenate"),
    (weightless.stack, "stack"),
    (weightless.reduced, "mean sum amax amin std var logsumexp linalg_vector_norm argmax"),
    (weightless.select, "select"),
]
RULES: dict[str, Rule] = {name: rule for rule, names in _NAMED for name in names.split()}
_DRAWN = {"bernoulli", "exponential", "normal", "uniform"}  # randomness in place of a tensor


def rule_of(op: str, tags: Sequence[Any]) -> Rule:
    """The rule of an operation, by its name without a final underscore and its tags."""
    if op in RULES:
        return RULES[op]
    if op.startswith("new_"):
        return weightless.fresh
    if op.endswith("_like") or op in _DRAWN:
        return weightless.same
    return weightless.pointwise if torch.Tag.pointwise in tags else unknown

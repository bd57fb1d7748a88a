"""Which part of a layer's tensors a smaller layer of the same kind uses.

A smaller width uses the first channels, features or heads; a smaller kernel the centre of the
larger one, as once-for-all does (Cai et al., arXiv:1908.09791). Where a tensor holds several blocks
one after the other (queries, keys and values; the gates of a recurrent layer), it is the first of
each block. The table below says it for every elastic layer of `torch.nn`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

Cut = tuple[slice | Tensor, ...]
"""What is taken along each dimension: a slice, or the places of the rows."""


class Blocks:
    """A dimension of several equal blocks, of each of which the first `each` are taken."""

    def __init__(self, count: int, each: int) -> None:
        self.count, self.each = count, each

    def cut(self, whole: int) -> slice | Tensor:
        """The places in a dimension of size `whole`."""
        size = whole // self.count
        if size == self.each:
            return slice(None)
        starts = torch.arange(self.count) * size
        return (starts[:, None] + torch.arange(self.each)).flatten()


class Centre:
    """A dimension of a kernel, of which the middle is taken."""

    def __init__(self, size: int) -> None:
        self.size = size

    def cut(self, whole: int) -> slice:
        """The places in a dimension of size `whole`."""
        start = (whole - self.size) // 2
        return slice(start, start + self.size)


Size = int | Blocks | Centre
Sizes = dict[str, tuple[Size, ...]]
"""The sizes that a layer's tensors have, by name."""


def _conv(layer: _ConvNd) -> Sizes:
    kernel: tuple[Size, ...] = tuple(map(Centre, layer.kernel_size))
    inner, outer = layer.in_channels, layer.out_channels
    first, second = (inner, outer) if isinstance(layer, _ConvTransposeNd) else (outer, inner)
    weight: tuple[Size, ...] = (first, second // layer.groups, *kernel)
    return {"weight": weight, "bias": (outer,)}


def _linear(layer: nn.Linear) -> Sizes:
    return {"weight": (layer.out_features, layer.in_features), "bias": (layer.out_features,)}


def _bilinear(layer: nn.Bilinear) -> Sizes:
    sizes = (layer.out_features, layer.in1_features, layer.in2_features)
    return {"weight": sizes, "bias": sizes[:1]}


def _features(layer: _NormBase) -> Sizes:
    names = ("weight", "bias", "running_mean", "running_var")
    return dict.fromkeys(names, (layer.num_features,))


def _group_norm(layer: nn.GroupNorm) -> Sizes:
    return dict.fromkeys(("weight", "bias"), (layer.num_channels,))


def _normalized(layer: nn.LayerNorm) -> Sizes:
    return dict.fromkeys(("weight", "bias"), tuple(layer.normalized_shape))


def _embedding(layer: nn.Embedding) -> Sizes:
    return {"weight": (layer.num_embeddings, layer.embedding_dim)}


def _attention(layer: nn.MultiheadAttention) -> Sizes:
    width = layer.embed_dim
    return {
        "in_proj_weight": (Blocks(3, width), width),
        "in_proj_bias": (Blocks(3, width),),
        "q_proj_weight": (width, width),
        "k_proj_weight": (width, layer.kdim),
        "v_proj_weight": (width, layer.vdim),
        "bias_k": (1, 1, width),
        "bias_v": (1, 1, width),
    }


def _recurrent(layer: nn.RNNBase) -> Sizes:
    gates = {"LSTM": 4, "GRU": 3}.get(layer.mode, 1)
    ways = 2 if layer.bidirectional else 1
    hidden, given = layer.hidden_size, layer.proj_size or layer.hidden_size
    found: Sizes = {}
    for depth in range(layer.num_layers):
        below: Size = Blocks(ways, given) if depth else layer.input_size
        for way in ("", "_reverse")[:ways]:
            end = f"_l{depth}{way}"
            found[f"weight_ih{end}"] = (Blocks(gates, hidden), below)
            found[f"weight_hh{end}"] = (Blocks(gates, hidden), given)
            found[f"bias_ih{end}"] = found[f"bias_hh{end}"] = (Blocks(gates, hidden),)
            found[f"weight_hr{end}"] = (given, hidden)
    return found


LAYERS: dict[type[nn.Module], Callable[[Any], Sizes]] = {
    _ConvNd: _conv,
    nn.Linear: _linear,
    nn.Bilinear: _bilinear,
    _NormBase: _features,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _normalized,
    nn.RMSNorm: _normalized,
    nn.Embedding: _embedding,
    nn.EmbeddingBag: _embedding,
    nn.PReLU: lambda layer: {"weight": (layer.num_parameters,)},
    nn.MultiheadAttention: _attention,
    nn.RNNBase: _recurrent,
}
"""Layer to the sizes of its tensors, by its present attributes."""


def is_known(layer: nn.Module) -> bool:
    """Whether the table has this kind of layer, or the layer says its sizes itself."""
    return isinstance(layer, tuple(LAYERS)) or hasattr(layer, "tensor_sizes")


def sizes_of(layer: nn.Module) -> Sizes | None:
    """The sizes of a layer's tensors, by its present attributes; None for a class not known.

    A class with tensors of its own says them by a method `tensor_sizes()` that gives a mapping of
    names to sizes, made of its attributes.
    """
    own: Callable[[], Sizes] | None = getattr(layer, "tensor_sizes", None)
    if own is not None:
        return own()
    for kind, sizes in LAYERS.items():
        if isinstance(layer, kind):
            return sizes(layer)
    return None


def cuts(layer: nn.Module, sizes: Mapping[str, Sequence[Size]]) -> dict[str, Cut]:
    """What to take of each tensor; a tensor that is taken whole is left out.

    A tensor of the layer that `sizes` does not name is not used by the smaller layer.
    """
    found: dict[str, Cut] = {}
    for name, tensor in _tensors(layer):
        wanted = sizes.get(name)
        if wanted is None or len(wanted) != tensor.ndim:
            continue
        cut = tuple(
            slice(0, size) if isinstance(size, int) else size.cut(whole)
            for size, whole in zip(wanted, tensor.shape, strict=True)
        )
        whole_cut = all(
            isinstance(part, slice) and part.indices(n) == (0, n, 1)
            for part, n in zip(cut, tensor.shape, strict=True)
        )
        if not whole_cut:
            found[name] = cut
    return found


def taken(tensor: Tensor, cut: Cut) -> Tensor:
    """The part of a tensor: a view where every dimension is cut by a slice."""
    for dimension, part in enumerate(cut):
        if isinstance(part, slice):
            start, stop, _ = part.indices(tensor.shape[dimension])
            tensor = tensor.narrow(dimension, start, stop - start)
        else:
            tensor = tensor.index_select(dimension, part.to(tensor.device))
    return tensor


def _tensors(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for home in (layer._parameters, layer._buffers):
        for name, tensor in home.items():
            if tensor is not None:
                yield name, tensor

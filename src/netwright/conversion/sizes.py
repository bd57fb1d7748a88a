"""The attributes of torch's layers that say how large their tensors are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
RESIZED = (_ConvNd, nn.Linear, *NORMS, nn.PReLU, nn.Embedding)
"""The layers that `resize` knows."""


def resize(layer: nn.Module, sizes: Sequence[Any]) -> None:
    """Write the sizes of a layer's first tensor, plain or elastic, into its attributes."""
    if isinstance(layer, _ConvTransposeNd):
        layer.in_channels, layer.out_channels = sizes[0], sizes[1] * layer.groups
    elif isinstance(layer, _ConvNd):
        if layer.groups > 1 and layer.groups == layer.in_channels:
            layer.groups = sizes[0] // (layer.out_channels // layer.in_channels)
        layer.out_channels, layer.in_channels = sizes[0], sizes[1] * layer.groups
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = sizes[0], sizes[1]
    elif isinstance(layer, _NormBase):
        layer.num_features = sizes[0]
    elif isinstance(layer, nn.GroupNorm):
        layer.num_channels = sizes[0]
    elif isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        layer.normalized_shape = tuple(sizes)
    elif isinstance(layer, nn.PReLU):
        layer.num_parameters = sizes[0]
    elif isinstance(layer, nn.Embedding):
        layer.num_embeddings, layer.embedding_dim = sizes[0], sizes[1]

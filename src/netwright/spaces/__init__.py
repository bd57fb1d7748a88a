"""Ready spaces."""

from netwright.spaces.convnet import convnet
from netwright.spaces.mlp import mlp

__all__ = ["convnet", "mlp"]

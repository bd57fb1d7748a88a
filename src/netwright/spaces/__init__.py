"""Ready spaces, each from its paper.

What a space is does not belong here but in `space`.
"""

from netwright.spaces.audio import audio
from netwright.spaces.conv1d import conv1d
from netwright.spaces.convnet import convnet
from netwright.spaces.convnext import convnext
from netwright.spaces.darts import darts
from netwright.spaces.enas import enas_macro
from netwright.spaces.forest import forest
from netwright.spaces.ft_transformer import ft_transformer
from netwright.spaces.language_model import language_model
from netwright.spaces.mlp import mlp
from netwright.spaces.mobilenet import mobilenet_v3
from netwright.spaces.nasbench101 import nasbench101
from netwright.spaces.nasbench201 import nasbench201, nats_size
from netwright.spaces.nasnet import enas_micro, nasnet, pnas
from netwright.spaces.resnet import regnet, resnet
from netwright.spaces.tabular import tabular
from netwright.spaces.text import text
from netwright.spaces.vit import vit

__all__ = [
    "audio",
    "conv1d",
    "convnet",
    "convnext",
    "darts",
    "enas_macro",
    "enas_micro",
    "forest",
    "ft_transformer",
    "language_model",
    "mlp",
    "mobilenet_v3",
    "nasbench101",
    "nasbench201",
    "nasnet",
    "nats_size",
    "pnas",
    "regnet",
    "resnet",
    "tabular",
    "text",
    "vit",
]

"""A model.py for a network whose forward cannot be written as source: it loads model.pt2."""

from __future__ import annotations

from netwright.network.signature import Signature, TensorSpec

_HEAD = '''"""{docstring}
"""

import warnings
from pathlib import Path

import torch
from torch import nn

PROGRAM = Path(__file__).with_name("model.pt2")


class Network(nn.Module):
    """The program of model.pt2. Takes {takes}; gives {gives}."""

    def __init__(self, program):
        super().__init__()
        self.program = program

    def forward(self, {names}):
        return self.program({given})

    def train(self, mode=True):
        """Set the mode, which changes nothing else: a program stays as it is in eval mode."""
        if mode:
            warnings.warn(
                "this network is a program (model.pt2): trained further, its dropout and its batch "
                "statistics stay as in eval mode",
                stacklevel=2,
            )
        self.training = mode
        return self


def load(path=PROGRAM):
    """The trained network in eval mode."""
    return Network(torch.export.load(path).module()).eval()
'''

_WHOLE = '''

def whole(x, dtype):
    """Whole numbers as the dtype that the program takes."""
    numbers = x.to(dtype)
    if not torch.equal(numbers.to(x.dtype), x):
        raise ValueError(f"the inputs must be whole numbers that {dtype} holds")
    return numbers
'''


def program_source(signature: Signature, *, docstring: str) -> str:
    """The text of a `model.py` around model.pt2, with `load`.

    A program takes tensors of one dtype; its module here takes the same values of any other.
    """
    names = [
        spec.name if spec.name.isidentifier() else f"x{i}"
        for i, spec in enumerate(signature.inputs)
    ]
    given = [_cast(name, spec) for name, spec in zip(names, signature.inputs, strict=True)]
    told = docstring.replace("model.safetensors", "model.pt2")
    text = _HEAD.format(
        docstring=told.replace("\\", "\\\\").replace('"', "'"),
        takes=", ".join(spec.text for spec in signature.inputs),
        gives=", ".join(spec.text for spec in signature.outputs),
        names=", ".join(names),
        given=", ".join(given),
    )
    whole = any(not spec.torch_dtype.is_floating_point for spec in signature.inputs)
    return text + (_WHOLE if whole else "")


def _cast(name: str, spec: TensorSpec) -> str:
    if spec.torch_dtype.is_floating_point:
        return f"{name}.to({spec.torch_dtype})"
    return f"whole({name}, {spec.torch_dtype})"

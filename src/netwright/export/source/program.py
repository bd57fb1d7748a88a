"""A model.py for a network whose forward cannot be written as source: it loads model.pt2."""

from __future__ import annotations

from torch import nn

from netwright.export.source.answers import Answers
from netwright.export.source.classes import classes_of
from netwright.export.source.parts import part_of
from netwright.export.source.source import signature_docstring
from netwright.export.source.writer import Writer
from netwright.export.source.writer import text as constant
from netwright.network.normalised import arguments_of
from netwright.network.signature import Signature, TensorSpec

_HEAD = '''"""{docstring}
"""

import warnings
from pathlib import Path

import torch
from torch import nn

PROGRAM = Path(__file__).with_name("model.pt2")


{classes}class Network(nn.Module):
{about}

    def __init__(self, program):
        super().__init__()
        self.program = program{decoder}

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
{methods}

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


def program_source(signature: Signature, *, docstring: str, answers: Answers | None = None) -> str:
    """The text of a `model.py` around model.pt2, with `load`.

    A program takes tensors of one dtype; its module here takes the same values of any other. A
    decoder that has tensors of its own is left out, since no file of this one has them.
    """
    if answers is not None and answers.decoder.state_dict():
        answers = None
    classes, decoder = _decoder(answers.decoder) if answers is not None else ("", "")
    names = arguments_of([spec.name for spec in signature.inputs])
    given = [_cast(name, spec) for name, spec in zip(names, signature.inputs, strict=True)]
    told = docstring.replace("model.safetensors", "model.pt2")
    text = _HEAD.format(
        docstring=told.replace("\\", "\\\\").replace('"', "'"),
        about=_indented(signature_docstring(signature, "The program of model.pt2. ")),
        classes=classes,
        decoder=decoder,
        methods="" if answers is None else f"\n{_indented(answers.methods)}\n",
        names=", ".join(names),
        given=", ".join(given),
    )
    whole = any(not spec.torch_dtype.is_floating_point for spec in signature.inputs)
    text += _WHOLE if whole else ""
    text += "" if answers is None else answers.below
    if "F." in classes:
        text = text.replace("import nn\n", "import nn\nfrom torch.nn import functional as F\n", 1)
    return text


def _decoder(module: nn.Module) -> tuple[str, str]:
    """The classes that a decoder needs, and the line that makes it."""
    root = part_of(_Holder(module).eval())
    classes = classes_of(root)
    writer = Writer(classes)
    blocks = ["\n".join(writer.block(made)) for made in classes[:-1]]
    _, line = writer.constructor(root, [constant(number.value) for number in root.numbers])
    return "".join(f"{block}\n\n\n" for block in blocks), f"\n        {line}"


class _Holder(nn.Module):
    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines)


def _cast(name: str, spec: TensorSpec) -> str:
    if spec.torch_dtype.is_floating_point:
        return f"{name}.to({spec.torch_dtype})"
    return f"whole({name}, {spec.torch_dtype})"

"""The parts that a declaration's options give, and what can be said of one without its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from netwright.network.structure import structure

_SHAPES = ((2, 8, 6, 6), (2, 8, 6), (2, 8))  # of inputs that modules are tried with
_PLAIN = ("kernel_size", "stride", "dilation")

Effect = Literal["works", "passes", "kills"]


@dataclass(frozen=True)
class Part:
    """One part of a network.

    `label` is what it is but for its sizes, `exact` with them; `weighted` is whether it has
    matrices or kernels to learn. It `passes` what it is given unchanged, `kills` it (gives zeros),
    or `works`.
    """

    label: str
    exact: str
    weighted: bool
    effect: Effect


def describe(module: nn.Module) -> Part:
    """The part that a module is."""
    weighted = any(p.ndim > 1 for p in module.parameters())
    return Part(_label(module), structure(module), weighted, _effect(module))


def _label(module: nn.Module) -> str:
    children = [text for child in module.children() if (text := _label(child))]
    kind = type(module)
    if kind is nn.Identity:
        return ""
    if isinstance(module, nn.Sequential | nn.ModuleList):
        return " ".join(children)
    said = [f"{value}" for name in _PLAIN if (value := getattr(module, name, None)) is not None]
    groups = getattr(module, "groups", 1)
    if groups != 1:
        said.append("depthwise" if groups == getattr(module, "in_channels", 0) else "grouped")
    if not kind.__module__.startswith("torch.nn"):
        said += [
            f"{name}={value}"
            for name, value in vars(module).items()
            if not name.startswith("_") and name != "training" and type(value) in (str, float, bool)
        ]
    inner = f"[{' '.join(children)}]" if children else ""
    return f"{kind.__qualname__}({','.join(said)}){inner}"


def _effect(module: nn.Module) -> Effect:
    """Found out by trying, where there are no parameters."""
    if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
        return "works"
    training = module.training
    module.eval()
    generator = torch.Generator().manual_seed(0)
    try:
        for shape in _SHAPES:
            with torch.device("cpu"), torch.no_grad():
                given = torch.randn(shape, generator=generator)
                try:
                    made = module(given.clone())
                except Exception:  # it takes inputs of another shape
                    continue
            if isinstance(made, Tensor) and made.device.type == "cpu":
                if made.shape == given.shape and torch.equal(made, given):
                    return "passes"
                return "works" if bool(made.any()) else "kills"
    finally:
        module.train(training)
    return "works"

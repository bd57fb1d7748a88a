"""Tensors of a network that are neither its parameters nor its buffers, found and named.

They stay on the device on which they were made, and are in no file of weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getclosurevars
from typing import Any

from torch import Tensor, nn

from netwright.network.outside import held_outside

_ELSEWHERE = (
    "is not on the expected device",
    "expected all tensors to be on the same device",
    "meta tensor",
    "unhandled fakedevice",
    "cannot copy out of meta",
)


def hint(model: nn.Module | None, error: BaseException) -> str:
    """What is said after an error of a pass on meta: the first stray tensor, or the use of NumPy.

    It is empty where the error has another cause.
    """
    text = str(error).lower()
    if "numpy" in text:
        return " Keep to tensors in `forward`: gradients do not go through NumPy."
    if model is None or not any(part in text for part in _ELSEWHERE):
        return ""
    name = next(strays(model), None)
    if name is None:  # such as layers in a list, which are no tensors themselves
        name = next((f"{held.text}." for held in held_outside(model).values()), None)
    return "" if name is None else f" {name[0].upper()}{name[1:]}"


def strays(model: nn.Module) -> Iterator[str]:
    """A sentence on each stray tensor: its name, where it is held, and the remedy."""
    modules = list(model.named_modules())
    for path, module in modules:
        where = f"the module {path!r} ({type(module).__name__})" if path else type(module).__name__
        for name, value in vars(module).items():
            if name not in ("_parameters", "_buffers", "_modules") and _holds_tensor(value):
                within = "" if isinstance(value, Tensor) else f"in a {type(value).__name__} "
                yield (
                    f"`{name}` of {where} holds a tensor {within}that is neither parameter nor "
                    f"buffer; write `self.register_buffer({name!r}, ...)`."
                )
    for path, module in modules:
        for name in _read_from_outside(module):
            yield (
                f"`{name}`, a tensor outside of the network, is read by the `forward` of "
                f"{type(module).__name__}{f' ({path!r})' if path else ''}; hold it in the module "
                f"by `self.register_buffer({name!r}, ...)`."
            )


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(isinstance(each, Tensor) for each in value)
    return isinstance(value, Tensor)


def _read_from_outside(module: nn.Module) -> list[str]:
    """The names of tensors among the globals and closures that own functions of a module read."""
    if type(module).__module__.startswith("torch."):
        return []
    calls = [type(module).forward, *vars(module).values()]
    found: list[str] = []
    for call in calls:
        try:
            read = getclosurevars(call)
        except (TypeError, ValueError):  # no function of Python
            continue
        outside = {**read.globals, **read.nonlocals}
        found += [name for name, value in outside.items() if _holds_tensor(value)]
    return found

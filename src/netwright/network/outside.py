"""What a network computes with and is not in its `state_dict`: where it is, and its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getclosurevars
from typing import Any

import torch
from torch import Tensor, nn

_OWN = frozenset(vars(nn.Module()))  # what every module has
_DEPTH = 4  # containers within containers that are looked into
_LISTS = (list, tuple, set, frozenset)


@dataclass(frozen=True)
class Held:
    """Tensors that stand in no `state_dict`: a sentence on where and the remedy, and the values."""

    text: str
    tensors: tuple[Tensor, ...]

    def equals(self, other: Held | None) -> bool:
        """Whether there are as many, and all are equal."""
        if other is None or len(self.tensors) != len(other.tensors):
            return False
        return all(map(_equal, self.tensors, other.tensors))

    def copy(self) -> Held:
        """The same with values of its own."""
        return Held(self.text, tuple(tensor.detach().clone() for tensor in self.tensors))


def held_outside(model: nn.Module) -> dict[str, Held]:
    """All such tensors of a network, by the place that holds them."""
    known = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    found: dict[str, Held] = {}
    for path, module in model.named_modules():
        where = type(module).__name__ + (f" ({path!r})" if path else "")
        for name, buffer in module._buffers.items():
            if name in module._non_persistent_buffers_set and buffer is not None:
                text = (
                    f"the buffer `{name}` of {where} has `persistent=False`; leave that out, or "
                    "make it of what the network is built with"
                )
                found[f"{path}.{name}"] = Held(text, (buffer,))
        for name, value in vars(module).items():
            if name not in _OWN and (tensors := _unknown(value, known)):
                text = f"`{name}` of {where} {_remedy(name, value)}"
                found[f"{path}.{name}"] = Held(text, tensors)
        for name, value in _read_from_outside(module):
            if tensors := _unknown(value, known):
                text = (
                    f"`{name}`, which {where} reads, is outside of the network; hold it in the "
                    f"module, as `self.{name}`"
                )
                found.setdefault(f"outside {name}", Held(text, tensors))
    return found


def _unknown(value: Any, known: set[int]) -> tuple[Tensor, ...]:
    """The tensors in a value that no `state_dict` has."""
    return tuple(tensor for tensor in _tensors(value, _DEPTH) if id(tensor) not in known)


def _tensors(value: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()
        yield from value.buffers()
    elif depth and isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each, depth - 1)
    elif depth and isinstance(value, _LISTS):
        for each in value:
            yield from _tensors(each, depth - 1)
    elif depth and type(value).__module__.partition(".")[0] not in ("torch", "builtins", "numpy"):
        for each in vars(value).values() if _is_plain(value) else ():
            yield from _tensors(each, depth - 1)


def _is_plain(value: Any) -> bool:
    """Whether it is an object of a user's class, which may hold tensors."""
    return hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value)


def _remedy(name: str, value: Any) -> str:
    """What is wrong with how something is held, and what to write."""
    holder = "" if isinstance(value, Tensor) else f"is a plain {type(value).__name__}: "
    kind = "nn.ModuleList" if isinstance(value, _LISTS) else ""
    kind = "nn.ModuleDict" if isinstance(value, Mapping) else kind
    if _holds_modules(value):
        remedy = f"use `{kind}`" if kind else f"hold its modules in `self.{name}` itself"
        return f"{holder}its modules are not in the state_dict; {remedy}"
    what = "is a plain tensor that is" if isinstance(value, Tensor) else f"{holder}its tensors are"
    return (
        f"{what} not in the state_dict; use `nn.Parameter`, or "
        f"`self.register_buffer({name!r}, ...)`"
    )


def _holds_modules(value: Any, depth: int = _DEPTH) -> bool:
    if isinstance(value, nn.Module):
        return True
    if isinstance(value, Mapping):
        value = list(value.values())
    if depth and isinstance(value, _LISTS):
        return any(_holds_modules(each, depth - 1) for each in value)
    return bool(depth) and _is_plain(value) and _holds_modules(vars(value), depth - 1)


def _read_from_outside(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """What the own functions of a module read of globals and closures, by name."""
    if type(module).__module__.startswith("torch."):
        return
    functions = [each for each in vars(type(module)).values() if callable(each)]
    for function in [type(module).forward, *functions, *vars(module).values()]:
        try:
            read = getclosurevars(function)
        except (TypeError, ValueError):  # no function of Python, or one that is not filled in yet
            continue
        yield from {**read.globals, **read.nonlocals}.items()


def _equal(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    a, b = a.detach().cpu(), b.detach().cpu()
    return a is b or bool(torch.equal(a, b.to(a.dtype)))

"""The constructor call of a module of `torch.nn`, recovered from the module itself."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netwright.errors import ExportError


@dataclass(frozen=True)
class Argument:
    """One argument of a constructor; `required` ones are written without their name."""

    name: str
    value: Any
    default: Any
    required: bool

    @property
    def told(self) -> bool:
        """Whether it has to be written."""
        return self.required or self.value != self.default


def is_torch(module: nn.Module) -> bool:
    """Whether a module's class is torch's own, so that a reader can construct it too."""
    return type(module).__module__.startswith("torch.nn.")


def arguments(module: nn.Module, path: str) -> list[Argument]:
    """All arguments of the constructor that makes an equal module, in order.

    Each is read from the attribute of its name; the result is checked by constructing from it.

    Raises:
        ExportError: An equal module cannot be constructed from what the module tells of itself.
    """
    found: list[Argument] = []
    for parameter in list(inspect.signature(type(module).__init__).parameters.values())[1:]:
        name, default = parameter.name, parameter.default
        if name in ("device", "dtype") or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            if name == "args" and isinstance(module, nn.RNNBase):
                found += _recurrent(module)
            continue
        value = _read(module, name, default)
        required = default is parameter.empty
        found.append(Argument(name, _scalar(value), None if required else default, required))
    if "Pool" in type(module).__name__:  # a pool's stride is its kernel's size unless told
        size = next((a.value for a in found if a.name == "kernel_size"), None)
        found = [
            Argument(a.name, a.value, size, False) if a.name == "stride" else a for a in found
        ]
    _check(module, found, path)
    return found


def _read(module: nn.Module, name: str, default: Any) -> Any:
    """A constructor's argument, from the attribute of its name or from what it became."""
    if name == "bias" and not isinstance(getattr(module, "bias", None), bool):
        if isinstance(module, nn.MultiheadAttention):
            return module.in_proj_bias is not None
        return getattr(module, "bias", None) is not None
    if name == "add_bias_kv":
        return getattr(module, "bias_k", None) is not None
    if name.startswith("_") or not hasattr(module, name):
        return default
    return getattr(module, name)


def _recurrent(module: nn.RNNBase) -> list[Argument]:
    """LSTM and GRU take their arguments as `*args, **kwargs`."""
    options = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
    options |= {"bidirectional": False}
    return [
        Argument("input_size", module.input_size, None, True),
        Argument("hidden_size", module.hidden_size, None, True),
        *(Argument(name, getattr(module, name), value, False) for name, value in options.items()),
    ]


def _scalar(value: Any) -> Any:
    """A tuple of equal numbers as that number: (3, 3) is 3."""
    several = isinstance(value, tuple) and len(value) > 1
    return value[0] if several and all(v == value[0] for v in value) else value


def _check(module: nn.Module, found: list[Argument], path: str) -> None:
    given = [a.value for a in found if a.required]
    named = {a.name: a.value for a in found if a.told and not a.required}
    try:
        with torch.device("meta"):
            twin = type(module)(*given, **named)
    except Exception as error:
        raise _cannot(module, path, f"{type(error).__name__}: {error}") from error
    shapes = [
        {key: tuple(value.shape) for key, value in m.state_dict().items()} for m in (module, twin)
    ]
    if shapes[0] != shapes[1] or _told(twin) != _told(module):
        raise _cannot(module, path, f"`{type(module).__name__}` does not tell all its arguments")


def _told(module: nn.Module) -> str:
    return re.sub(r",? ?inplace(=True|=False)?", "", module.extra_repr())


def _cannot(module: nn.Module, path: str, reason: str) -> ExportError:
    return ExportError(
        f"The layer {path!r} of class {type(module).__qualname__} cannot be written as source: "
        f"{reason}. Build it from plain torch.nn layers, or wrap it in a module of your own."
    )

"""The constructor call of a module of `torch.nn`, recovered from the module itself."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
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
        return self.required or bool(self.value != self.default)


def is_torch(module: nn.Module) -> bool:
    """Whether a module's class is torch's own, so that a reader can construct it too."""
    return getattr(nn, type(module).__name__, None) is type(module)


def arguments(module: nn.Module, path: str) -> list[Argument]:
    """All arguments of the constructor that makes an equal module, in order.

    Each is read from the attribute of its name; the result is checked by constructing from it.

    Raises:
        ExportError: An equal module cannot be constructed from what the module tells of itself.
    """
    if type(module) is nn.TransformerEncoderLayer:
        found = _encoder_layer(module)
    else:
        found = _arguments(module)
    short = [replace(a, value=_scalar(a.value)) for a in found]
    if _difference(module, short) is None:
        return short
    reason = _difference(module, found)
    if reason is not None:
        raise ExportError(
            f"The layer {path!r} of class {type(module).__qualname__} cannot be written as "
            f"source: {reason}. Build it from plain torch.nn layers, or wrap it in a module of "
            "your own."
        )
    return found


def _arguments(module: nn.Module) -> list[Argument]:
    """The constructor's arguments by its signature."""
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
        if name == "stride" and "Pool" in type(module).__name__:
            default = module.kernel_size  # a pool's stride is its kernel's size unless told
            value = default if _scalar(value) == _scalar(default) else value
        found.append(Argument(name, value, None if required else default, required))
    return found


def _read(module: nn.Module, name: str, default: Any) -> Any:
    """A constructor's argument, from the attribute of its name or from what it became."""
    if name == "bias" and not isinstance(getattr(module, "bias", None), bool):
        if isinstance(module, nn.MultiheadAttention):
            return module.in_proj_bias is not None
        if not getattr(module, "affine", getattr(module, "elementwise_affine", True)):
            return default  # a norm without weights has no say on its bias
        return getattr(module, "bias", None) is not None
    if name in ("kdim", "vdim") and getattr(module, name, None) == getattr(module, "embed_dim", 0):
        return None
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
    several = isinstance(value, tuple) and len(value) > 0
    return value[0] if several and all(v == value[0] for v in value) else value


def _encoder_layer(module: nn.TransformerEncoderLayer) -> list[Argument]:
    """The encoder layer tells its sizes through its children alone."""
    attention = module.self_attn
    return [
        Argument("d_model", attention.embed_dim, None, True),
        Argument("nhead", attention.num_heads, None, True),
        Argument("dim_feedforward", module.linear1.out_features, 2048, False),
        Argument("dropout", module.dropout.p, 0.1, False),
        Argument("activation", getattr(module.activation, "__name__", "?"), "relu", False),
        Argument("layer_norm_eps", module.norm1.eps, 1e-5, False),
        Argument("batch_first", attention.batch_first, False, False),
        Argument("norm_first", module.norm_first, False, False),
        Argument("bias", module.linear1.bias is not None, True, False),
    ]


def _difference(module: nn.Module, found: list[Argument]) -> str | None:
    """Why a module constructed from these arguments is another one, None if it is equal."""
    given = [a.value for a in found if a.required]
    named = {a.name: a.value for a in found if a.told and not a.required}
    try:
        with torch.device("meta"):
            twin = type(module)(*given, **named)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    shapes = [
        {key: tuple(value.shape) for key, value in m.state_dict().items()} for m in (module, twin)
    ]
    if shapes[0] != shapes[1] or _told(twin) != _told(module):
        return f"`{type(module).__name__}` does not tell all its arguments"
    return None


def _told(module: nn.Module) -> str:
    """What a module says of itself, but for `inplace` and for 3 in place of (3, 3)."""
    text = re.sub(r",? ?inplace(=True|=False)?", "", module.extra_repr())
    return re.sub(r"\((\d+)(?:, \1)*,?\)", r"\1", text)

"""What a module is made of, as a text that is equal for equal networks."""

from __future__ import annotations

from torch import nn


def structure(module: nn.Module) -> str:
    """A text that is equal for modules of equal layers and settings, whatever their nesting."""
    if type(module) is nn.Identity:
        return ""
    children = "".join(structure(child) for child in module.children())
    if type(module) is nn.Sequential:
        return children
    plain = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_") and isinstance(value, str | int | float | bool | tuple)
    }
    return f"{type(module).__qualname__}({module.extra_repr()};{plain};{children})"

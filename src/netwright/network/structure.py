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


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """How two networks differ in their layers, None if they do not: "4 modules and 5".

    What own modules hold besides parameters and other modules is not looked at, since they may
    count or name themselves.
    """
    layers, others = (dict(each.named_modules()) for each in (one, other))
    for path in (path for path in layers if path in others):
        texts = [_layer(layers[path]), _layer(others[path])]
        if texts[0] != texts[1]:
            return f"{path or 'the network'!r} is {texts[0]} in one and {texts[1]} in the other"
    if layers.keys() == others.keys():
        return None
    path = next(path for path in (*others, *layers) if path not in layers or path not in others)
    here = layers.get(path) or others[path]
    return f"one has {len(layers)} modules and the other {len(others)}: {path!r}, {_layer(here)}"


def _layer(module: nn.Module) -> str:
    """Its kind, its settings, and the shapes of its parameters where these do not say them."""
    shapes = [(name, tuple(p.shape)) for name, p in module.named_parameters(recurse=False)]
    told = module.extra_repr() or ", ".join(f"{name} {shape}" for name, shape in shapes)
    return f"{type(module).__name__}({told})"

"""What a network gives, in words, and whether it is what its signature says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from netwright.network.signature import TensorSpec

_NAMED = 4  # keys that are named


def unlike(outputs: object, specs: Sequence[TensorSpec], count: int) -> str | None:
    """What is wrong with outputs for `count` examples, as "gives ...", None if nothing is."""
    given = tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
    alone = isinstance(outputs, Tensor) == (len(specs) == 1)
    fits = all(_fits(each, spec, count) for each, spec in zip(given, specs, strict=False))
    if alone and len(given) == len(specs) and fits:
        return None
    wants = " and ".join(str((count, *spec.shape)).replace("None", "any") for spec in specs)
    one = len(specs) == 1
    kind = "one tensor of shape" if one else "a tuple of tensors of shapes"
    remedy = f" {_remedy(outputs, specs[0])}" if one else ""
    return f"must give {kind} {wants} for {count} examples, got {described(outputs)}.{remedy}"


def described(outputs: object) -> str:
    """What a network gave, in words."""
    kind = type(outputs).__name__
    match outputs:
        case Tensor():
            dtype = str(outputs.dtype).removeprefix("torch.")
            told = "" if dtype == "float32" else f" of {dtype}"
            return f"{tuple(outputs.shape)}{told}"
        case None:
            return "None"
        case np.ndarray():
            return f"a NumPy array of shape {outputs.shape}"
        case _ if keys := _keys(outputs):
            more = ", ..." if len(keys) > _NAMED else ""
            what = f"{_article(kind)} with" + (" the keys" if isinstance(outputs, Mapping) else "")
            return f"{what} {', '.join(map(repr, keys[:_NAMED]))}{more}"
        case tuple() | list():
            several = ", ".join(described(each) for each in outputs[:_NAMED])
            return f"{_article(kind)} of {len(outputs)}: {several}"
    return f"{_article(kind)}"


def _article(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _keys(outputs: object) -> list[str]:
    """The names of what a mapping or an object with tensors holds."""
    if isinstance(outputs, Mapping):
        return [str(key) for key in outputs]
    if isinstance(outputs, tuple) and hasattr(outputs, "_fields"):
        return [str(name) for name in outputs._fields]
    held = getattr(outputs, "__dict__", {})
    if any(isinstance(value, Tensor) for value in held.values()):
        return [name for name in held if not name.startswith("_")]
    return []


def _remedy(outputs: object, spec: TensorSpec) -> str:
    if isinstance(outputs, Tensor):
        if outputs.is_complex():
            return "Give real numbers, such as `.abs()` or `.real`."
        if spec.floating and not outputs.is_floating_point():
            return "Give scores to learn by, not what was chosen of them (`argmax`, `>`)."
        return "Let its last layer have this size, and keep the dimension of the batch first."
    if outputs is None:
        return "Let its `forward` end in `return`."
    if isinstance(outputs, np.ndarray):
        return "Keep to tensors in `forward`, through which gradients go."
    if keys := _keys(outputs):
        name = next((key for key in ("logits", "out", "output") if key in keys), keys[0])
        of = f"[{name!r}]" if isinstance(outputs, Mapping) else f".{name}"
        return f"Wrap it in a module whose `forward` returns the tensor meant, as `model(x){of}`."
    if isinstance(outputs, tuple | list) and outputs:
        return "Wrap it in a module whose `forward` returns the one meant, as `model(x)[0]`."
    return "Let its `forward` return a tensor."


def _fits(given: object, spec: TensorSpec, count: int) -> bool:
    """Whether something is a tensor for so many examples of the specification."""
    return (
        isinstance(given, Tensor)
        and given.ndim == 1 + len(spec.shape)
        and (given.is_floating_point() or not spec.floating)
        and all(
            w in (None, size) for size, w in zip(given.shape, (count, *spec.shape), strict=True)
        )
    )

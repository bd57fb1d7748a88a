"""What operations give on the meta device, found once for each combination of shapes.

There nothing is computed, but torch finds many a shape by Python code that takes up to 5 ms, as for
normalisations and activations. Networks, and the networks of a space still more, do the same to the
same shapes over and over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

_MOST = 50_000  # operations that are remembered
_known: dict[Any, Any] = {}


class Shapes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it operations on the meta device take some microseconds."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return result_of(func, args, kwargs or {})


def result_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation gives; on meta from what it gave before for the same shapes and settings.

    One that gives a view or changes more than its first argument is run each time.
    """
    effect = _effect(func)
    if effect == "other" or not _is_plain(args, kwargs):
        return func(*args, **kwargs)
    try:
        key = (func, _key((args, kwargs)))
        found = _known.get(key)
    except TypeError:  # a setting that is no key
        return func(*args, **kwargs)
    if found is None:
        result = func(*args, **kwargs)
        form = "first" if effect == "changes the first" else _form(result)
        if form is not None:
            if len(_known) >= _MOST:
                _known.clear()
            _known[key] = form
        return result
    if found == "first":
        return args[0]
    kind, shapes = found
    made = [
        None if s is None else torch.empty_strided(s[0], s[1], dtype=s[2], device="meta")
        for s in shapes
    ]
    return made[0] if kind is None else kind(made)


@cache
def _effect(func: Any) -> Literal["new", "changes the first", "other"]:
    """Whether an operation makes new tensors alone, or changes the values of its first argument."""
    schema = func._schema
    if not schema.is_mutable and not any(r.alias_info is not None for r in schema.returns):
        return "new"
    name = schema.name.removeprefix("aten::")
    changes = name.endswith("_") and len(schema.returns) == 1 and name not in ("resize_", "set_")
    written = [a.name for a in schema.arguments if a.alias_info and a.alias_info.is_write]
    changes = changes and written == [schema.arguments[0].name]
    return "changes the first" if changes and torch.Tag.inplace_view not in func.tags else "other"


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among values and in their lists."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def _is_plain(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether there are tensors, all of them torch's own and on meta."""
    given = list(tensors_in((*args, *kwargs.values())))
    return bool(given) and all(t.is_meta and type(t) in (Tensor, nn.Parameter) for t in given)


def _form(result: Any) -> tuple[type | None, list[Any]] | None:
    """What makes the like of a result; None for what is not only tensors on meta."""
    several = isinstance(result, tuple | list)
    results = tuple(result) if several else (result,)
    if not all(r is None or (type(r) is Tensor and r.is_meta) for r in results):
        return None
    shapes = [None if r is None else (r.shape, r.stride(), r.dtype) for r in results]
    return type(result) if several else None, shapes


def _key(value: Any) -> Any:
    """What an operation's result depends on, but for values."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    if isinstance(value, dict):
        return tuple((key, _key(each)) for key, each in value.items())
    return type(value), value

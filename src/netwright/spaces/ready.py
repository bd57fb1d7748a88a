"""What ready spaces have in common: each says how it is made again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from netwright.space import Space

P = ParamSpec("P")
_GIVEN = 2  # arguments that are what networks take and give


def ready(make: Callable[P, Space]) -> Callable[P, Space]:
    """Let the spaces that a function makes have its name and their settings as their origin."""
    signature = inspect.signature(make)
    after = list(signature.parameters)[_GIVEN:]

    @wraps(make)
    def made(*given: P.args, **settings: P.kwargs) -> Space:
        space = make(*given, **settings)
        bound = signature.bind(*given, **settings).arguments
        told = ", ".join(f"{name}={bound[name]!r}" for name in after if name in bound)
        space.origin = f"{make.__name__}({told})" if told else make.__name__
        return space

    return made

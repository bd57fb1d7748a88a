"""Plug-ins as their room exports them: the names they have on the command line follow from it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple


class Named(NamedTuple):
    """A class under one of its names, and the settings that the name presets."""

    made_by: type[Any]
    preset: Mapping[str, Any]

    def make(self, **settings: Any) -> Any:
        """An instance with these settings, or what the name presets, or their defaults."""
        return self.made_by(**{**self.preset, **settings})


def exported(room: ModuleType, seam: type[Any]) -> list[type[Any]]:
    """The concrete classes of a seam in a room's `__all__`, in that order."""
    found = []
    for name in room.__all__:
        value = getattr(room, name)
        if inspect.isclass(value) and issubclass(value, seam) and not inspect.isabstract(value):
            found.append(value)
    return found


def by_names(classes: Iterable[type[Any]]) -> dict[str, Named]:
    """The classes by `cli_name`, and by the `cli_aliases` of each; sorted.

    Both are read from the class itself: a subclass does not inherit the name of its base.

    Raises:
        TypeError: A class has no name, or a name belongs to two of them.
    """
    found: dict[str, Named] = {}
    for made_by in classes:
        own = vars(made_by)
        name = own.get("cli_name")
        if not name:
            raise TypeError(f"{made_by.__name__} is exported and must have its own `cli_name`.")
        names: dict[str, Mapping[str, Any]] = {name: {}, **own.get("cli_aliases", {})}
        for each, preset in names.items():
            if each in found:
                other = found[each].made_by.__name__
                raise TypeError(f"{made_by.__name__} and {other} have the same name {each!r}.")
            found[each] = Named(made_by, preset)
    return dict(sorted(found.items()))

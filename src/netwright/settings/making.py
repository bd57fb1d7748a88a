"""From a name and literal settings to an instance: unknown names and wrong kinds are refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from netwright.errors import NetwrightError, SettingError
from netwright.settings.literal import Call
from netwright.settings.rules import check_size

Resolve = Callable[[str, str], Any]
"""Gives, for what a setting is called in errors and for a text, an instance of a plug-in."""


def made(
    option: str,
    call: Call,
    maker: Callable[..., Any],
    *,
    given: Sequence[Any] = (),
    preset: Mapping[str, Any] | None = None,
    plugins: Mapping[type[Any], Resolve] | None = None,
) -> Any:
    """What a class or function makes of the settings of a call.

    `given` are arguments that it is given by position, before its settings; `preset` are settings
    that those of the call go before. A text for a setting that is of one of the classes `plugins`
    is resolved as a name. `option` is what an error says the text was given to.

    Raises:
        SettingError: A setting is unknown or of another kind, or the maker refuses it.
    """
    settings = checked(option, call, maker, len(given), plugins)
    try:
        return maker(*given, **{**(preset or {}), **settings})
    except SettingError as error:
        said = str(error)
        if call.name:
            said = said.replace(f"`{_name_of(maker)}(", f"`{call.name}(")
        raise SettingError(f"`{option}`: {said}") from error
    except NetwrightError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        name = call.name or _name_of(maker)
        raise SettingError(f"`{option}`: {name} cannot be made: {error}.") from error


def checked(
    option: str,
    call: Call,
    maker: Callable[..., Any],
    by_position: int = 0,
    plugins: Mapping[type[Any], Resolve] | None = None,
) -> dict[str, Any]:
    """The settings of a call as `maker` takes them after so many arguments by position.

    Raises:
        SettingError: A setting is unknown or of another kind.
    """
    known = known_settings(maker, by_position)
    found = {}
    for key, value in call.settings.items():
        if key not in known:
            raise _unknown_setting(option, call.name or _name_of(maker), key, known)
        word = f"{option}: {call.name}({key}=...)" if call.name else f"{option}: {key}"
        check_size(word, value)
        found[key] = _fitted(word, value, known[key].annotation, plugins or {})
    return found


def _name_of(maker: Callable[..., Any]) -> str:
    return str(getattr(maker, "__name__", "it"))


def known_settings(maker: Callable[..., Any], by_position: int = 0) -> dict[str, inspect.Parameter]:
    """What can be set of a class or function, with kinds and defaults, after its first arguments.

    A parameter whose kind is not known has the annotation `Any`.
    """
    parameters = list(inspect.signature(maker).parameters.values())[by_position:]
    whole = is_dataclass(maker) or not isinstance(maker, type)
    try:
        hints = get_type_hints(maker if whole else maker.__init__)
    except (NameError, TypeError, AttributeError):
        hints = {}
    return {
        each.name: each.replace(annotation=hints.get(each.name, Any))
        for each in parameters
        if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)
    }


def unknown_name(option: str, name: str, names: Iterable[str], more: str = "") -> SettingError:
    """The error for a name that is none of those there are; `more` is what else there may be."""
    known = sorted(names)
    near = get_close_matches(name, known, 1)
    return SettingError(
        f"`{option}` must be one of {', '.join(known)}{more}, got {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else ".")
    )


def _unknown_setting(
    option: str, name: str, key: str, known: Mapping[str, inspect.Parameter]
) -> SettingError:
    near = get_close_matches(key, known, 1)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    listed = ", ".join(map(_shown, known.values()))
    return SettingError(
        f"`{option}`: {name} has no setting {key!r}{meant} "
        + (f"Its settings are {listed}." if listed else "It has no settings.")
    )


def _shown(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if default is parameter.empty or repr(default) == "<factory>":
        return parameter.name
    return parameter.name if default is None else f"{parameter.name}={default!r}"


def _fitted(word: str, value: Any, hint: Any, plugins: Mapping[type[Any], Resolve]) -> Any:
    """The value as a setting of this kind takes it.

    Raises:
        SettingError: The value is of another kind.
    """
    if _fits(value, hint):
        return tuple(value) if isinstance(value, list) and _has_tuple(hint) else value
    if isinstance(value, str):
        for each in (hint, *get_args(hint)):
            for seam, resolve in plugins.items():
                if inspect.isclass(each) and issubclass(each, seam):
                    return resolve(word, value)
    raise SettingError(f"`{word}` must be {_kind(hint)}, got {value!r}.")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a literal is of a kind, as far as that can be told."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return any(type(part) is type(value) and part == value for part in parts)
    if hint in (None, NoneType):
        return value is None
    if hint in (bool, int, str):
        return type(value) is hint
    if hint is float:
        return type(value) in (int, float)
    kind = origin or hint
    if not inspect.isclass(kind):
        return True  # such as Any
    if kind in (tuple, list) or kind is Sequence:
        return isinstance(value, tuple | list) and _items_fit(value, kind, parts)
    if kind in (dict, object) or kind is Mapping:
        return kind is object or isinstance(value, dict)
    return False  # a class, or a function, is no literal


def _items_fit(value: Sequence[Any], kind: type[Any], parts: Sequence[Any]) -> bool:
    if not parts:
        return True
    if kind is not tuple or parts[-1] is Ellipsis:
        return all(_fits(item, parts[0]) for item in value)
    return len(parts) == len(value) and all(map(_fits, value, parts))


def _has_tuple(hint: Any) -> bool:
    return any((get_origin(each) or each) is tuple for each in (hint, *get_args(hint)))


_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text in quotes"}


def _kind(hint: Any) -> str:
    """A kind in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_kind(part) for part in parts)
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if hint in (None, NoneType):
        return "None"
    if hint in _KINDS:
        return _KINDS[hint]
    kind = origin or hint
    if kind in (tuple, list) or kind is Sequence:
        inner = f" of {_kind(parts[0])} each" if parts else ""
        return f"a tuple or list{inner}"
    if kind is dict or kind is Mapping:
        return "a dict"
    return f"the name of a {hint.__name__}" if inspect.isclass(hint) else str(hint)

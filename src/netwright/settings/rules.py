"""What a value must be, as a test and in words, so that it is written once and refused alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netwright.errors import SettingError

LARGEST = 2**63 - 1
"""The largest whole number that fits 64 bits."""


@dataclass(frozen=True)
class Rule:
    """A value must be what `words` say, which is where `holds` is true."""

    words: str
    holds: Callable[[Any], bool]

    def check(self, word: str, value: Any) -> None:
        """Refuse a value; `word` is what was set to it, such as `search(seed=...)`.

        Raises:
            SettingError: The rule does not hold for the value.
        """
        if not self.holds(value):
            raise SettingError(f"`{word}` must be {self.words}, got {value!r}.")
        check_size(word, value)


def check_size(word: str, value: Any) -> None:
    """Refuse a whole number that no machine counts to; `word` is what was set to it.

    Raises:
        SettingError: It does not fit 64 bits.
    """
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        shown = f"{float(value):.3g}" if abs(value) < 10**300 else "more than 1e+300"
        raise SettingError(f"`{word}` must fit 64 bits, at most {LARGEST}, got {shown}.")


def check_counts(settings: object, **least: int) -> None:
    """Refuse fields of settings that are no whole numbers from their least on.

    Raises:
        SettingError: One is not.
    """
    for name, low in least.items():
        value = getattr(settings, name)
        if type(value) is not int or value < low:
            raise SettingError(
                f"`{type(settings).__name__}({name}=...)` must be a whole number, at least {low}, "
                f"got {value!r}."
            )


def whole(least: int = 0, *, none: bool = False) -> Rule:
    """A whole number, at least `least`; or None, with `none`."""
    words = "a whole number above 0" if least == 1 else f"a whole number, at least {least}"
    return Rule(words, lambda value: (none and value is None) or _is_whole(value, least))


def whole_or(word: str, least: int = 0) -> Rule:
    """A whole number, at least `least`, or a word."""
    return Rule(
        f'a whole number, at least {least} or "{word}"',
        lambda value: value == word or _is_whole(value, least),
    )


def positive(*, none: bool = False) -> Rule:
    """A finite number above 0; or None, with `none`."""
    return Rule("a number above 0", lambda value: (none and value is None) or _is_positive(value))


def switch(*, none: bool = False) -> Rule:
    """True or False; or None, with `none`."""
    return Rule("True or False", lambda value: (none and value is None) or type(value) is bool)


def instance(words: str, *kinds: type[Any], none: bool = False) -> Rule:
    """Of one of some kinds, which `words` name; or None, with `none`."""
    return Rule(words, lambda value: (none and value is None) or isinstance(value, kinds))


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf

"""Equal things in a row, to be shown once with their number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

_LONGEST = 40  # things in a unit that is looked for


@dataclass(frozen=True)
class Fold:
    """From place `first` on, a unit of `size` things stands `copies` times.

    `items` are the places of the first unit, with what is folded within it.
    """

    first: int
    size: int
    copies: int
    items: tuple[int | Fold, ...]

    @property
    def end(self) -> int:
        """The place after the last copy."""
        return self.first + self.size * self.copies


@dataclass(frozen=True)
class _Item:
    key: Hashable
    item: int | Fold
    first: int
    size: int


def fold_runs(
    keys: Sequence[Hashable], fits: Callable[[Fold], bool] = lambda fold: True
) -> list[int | Fold]:
    """All places in order, with those of equal keys that repeat folded.

    Short units are folded first, so that a longer unit may hold folds. `fits` may refuse a fold.
    """
    items = [_Item((key,), i, i, 1) for i, key in enumerate(keys)]
    for period in range(1, _LONGEST + 1):
        place = 0
        while place + 2 * period <= len(items):
            copies = _copies(items, place, period)
            unit = items[place : place + period]
            size = sum(item.size for item in unit)
            fold = Fold(unit[0].first, size, copies, tuple(item.item for item in unit))
            if copies > 1 and fits(fold):
                key = (copies, *(item.key for item in unit))
                items[place : place + period * copies] = [
                    _Item(key, fold, fold.first, size * copies)
                ]
            place += 1
    return [item.item for item in items]


def _copies(items: Sequence[_Item], first: int, period: int) -> int:
    place = first
    while place + period < len(items) and items[place].key == items[place + period].key:
        place += 1
    return 1 + (place - first) // period

"""The choices of a space as rows of a tree, with equal ones folded."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from netwright.drawing.runs import Fold, fold_runs
from netwright.space.architecture import Answer
from netwright.space.choose import Ask, Choice

_DIGITS = re.compile(r"\d+")
_SPREAD = 4  # whole numbers in equal steps from which on they are a range


@dataclass(frozen=True)
class ChoiceRow:
    """One choice, or `copies` that differ in their names only; `depth` counts from 0.

    `shared` is whether it is asked in several of the places that are shown as one, and answered
    once for all.
    """

    depth: int
    name: str
    choice: Choice
    copies: int
    shared: bool


@dataclass(frozen=True)
class ConditionRow:
    """What must hold for the rows below it that are deeper."""

    depth: int
    text: str


SpaceRow = ChoiceRow | ConditionRow


@dataclass(frozen=True)
class _Tree:
    """An `Ask` without what is asked again; equal `key` means equal up to digits in names."""

    choice: Choice
    branches: tuple[tuple[_Tree, ...], ...]
    key: Hashable = field(init=False, compare=False)

    def __post_init__(self) -> None:
        c = self.choice
        inner = tuple(tuple(tree.key for tree in branch) for branch in self.branches)
        options = tuple((type(o).__name__, o) for o in c.options)
        key = (_DIGITS.sub("#", c.name), c.kind, options, c.late, inner)
        object.__setattr__(self, "key", key)


def space_rows(root: Sequence[Ask]) -> list[SpaceRow]:
    """The rows of a space, a choice above what depends on it.

    Choices that follow on each other and are equal up to the numbers in their names are one row, as
    are the steps of a `repeat` and the options of a `one_of` that ask the same.
    """
    return list(_rows([_cleaned(root, frozenset())], 0))


def _cleaned(scope: Sequence[Ask], known: frozenset[str]) -> tuple[_Tree, ...]:
    """The asks of a scope, each choice once; one that is answered above only for what it opens."""
    first: dict[str, Ask] = {}
    for ask in scope:
        name = ask.choice.name
        if name not in first or not _opens(first[name]):
            first[name] = ask
    inside = known | set(first)
    return tuple(
        _Tree(ask.choice, tuple(_cleaned(branch, inside) for branch in ask.branches))
        for name, ask in first.items()
        if name not in known or _opens(ask)
    )


def _opens(ask: Ask) -> bool:
    return any(ask.branches)


def _rows(scopes: Sequence[Sequence[_Tree]], depth: int) -> Iterator[SpaceRow]:
    """The rows of scopes that have equal keys, place by place."""
    if scopes and scopes[0]:
        items = fold_runs([tree.key for tree in scopes[0]])
        yield from _item_rows(scopes, items, [0], 1, depth)


def _item_rows(
    scopes: Sequence[Sequence[_Tree]],
    items: Sequence[int | Fold],
    shifts: Sequence[int],
    copies: int,
    depth: int,
) -> Iterator[SpaceRow]:
    """Rows of items that stand at these shifts; `copies` of them in each scope."""
    for item in items:
        if isinstance(item, Fold):
            further = [s + item.size * c for s in shifts for c in range(item.copies)]
            yield from _item_rows(scopes, item.items, further, copies * item.copies, depth)
        else:
            yield from _tree_rows([s[item + shift] for s in scopes for shift in shifts], depth)


def _tree_rows(trees: Sequence[_Tree], depth: int) -> Iterator[SpaceRow]:
    first = trees[0]
    names = list(dict.fromkeys(tree.choice.name for tree in trees))
    shared = len(names) == 1 and len(trees) > 1
    yield ChoiceRow(depth, pattern(names), first.choice, len(names), shared)
    for text, places in _conditions(first):
        yield ConditionRow(depth + 1, text)
        inner = places[:1] if first.choice.kind == "one_of" else places
        yield from _rows([tree.branches[i] for tree in trees for i in inner], depth + 2)


def _conditions(tree: _Tree) -> list[tuple[str, list[int]]]:
    """What its branches depend on, and their places; branches that ask the same are together."""
    by_name = tree.choice.kind == "one_of"
    groups: dict[Hashable, list[int]] = {}
    for i, branch in enumerate(tree.branches):
        if branch:
            key: Hashable = branch if by_name else tuple(inner.key for inner in branch)
            groups.setdefault(key, []).append(i)
    return [(_condition(tree, places), places) for places in groups.values()]


def _condition(tree: _Tree, places: Sequence[int]) -> str:
    choice, every = tree.choice, len(places) == len(tree.branches)
    if choice.kind == "one_of":
        if every and len(places) > 1:
            return "with every option"
        return f"if {' or '.join(str(choice.options[i]) for i in places)}"
    if choice.kind == "repeat":
        if every:
            return "in each step" if len(places) > 1 else "in the step"
        least = choice.options[0]
        assert isinstance(least, int)
        few = ", if there are so many" if places[-1] >= least else ""
        return f"in step{'s' if len(places) > 1 else ''} {numbers(places, 1)}{few}"
    if every:
        return "on each edge that is picked"
    return f"on the edge{'s' if len(places) > 1 else ''} from {numbers(places, 0)}, if picked"


def numbers(places: Sequence[int], first: int) -> str:
    """Places as a range or a list, counted from `first`."""
    low, high = places[0] + first, places[-1] + first
    if len(places) > 2 and list(places) == list(range(places[0], places[-1] + 1)):
        return f"{low}..{high}"
    return ", ".join(str(place + first) for place in places)


def pattern(names: Sequence[str]) -> str:
    """One name for names that differ in numbers only: block{0..3}.width."""
    if len(names) == 1:
        return names[0]
    texts = _DIGITS.split(names[0])
    columns = list(zip(*([int(d) for d in _DIGITS.findall(name)] for name in names), strict=True))
    parts = [texts[0]]
    for text, column in zip(texts[1:], columns, strict=True):
        values = sorted(set(column))
        if len(values) == 1:
            parts.append(str(values[0]))
        elif values == list(range(values[0], values[-1] + 1)):
            parts.append(f"{{{values[0]}..{values[-1]}}}")
        else:
            parts.append("{" + ",".join(map(str, values)) + "}")
        parts.append(text)
    return "".join(parts)


def option_texts(choice: Choice, most: int = 12) -> tuple[list[str], str]:
    """What to write for the options, and a remark on how many there are."""
    options = choice.options
    many = f"{len(options):,} option{'s' if len(options) > 1 else ''}"
    if choice.kind == "inputs":
        sizes = sorted({len(o) for o in options if isinstance(o, tuple)})
        count = 1 + max((i for o in options if isinstance(o, tuple) for i in o), default=0)
        few = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]}..{sizes[-1]}"
        return [f"{few} of {count} inputs"], many
    step = _step(options)
    if step is not None and (choice.kind != "value" or len(options) >= _SPREAD):
        by = f" by {step}" if step != 1 else ""
        steps = " steps" if choice.kind == "repeat" else ""
        return [f"{options[0]}..{options[-1]}{by}{steps}"], many
    texts = [option_text(option) for option in options]
    if len(texts) > most:
        return [*texts[: most - 2], "…", texts[-1]], many
    return texts, ""


def _step(options: Sequence[Answer]) -> int | None:
    """The step of an arithmetic series of at least three whole numbers."""
    if len(options) < 3 or not all(type(o) is int for o in options):
        return None
    whole = [o for o in options if isinstance(o, int)]
    steps = {b - a for a, b in pairwise(whole)}
    return steps.pop() if len(steps) == 1 and min(steps) > 0 else None


def option_text(option: Answer) -> str:
    """An option as a person writes it."""
    if isinstance(option, tuple):
        return ", ".join(map(str, option)) or "no inputs"
    if isinstance(option, bool):
        return "yes" if option else "no"
    if isinstance(option, float):
        return f"{option:g}"
    return "none" if option is None else str(option)

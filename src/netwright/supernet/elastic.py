"""Values that depend on choices: numbers that carry the expression they were computed by.

While a declaration is run for a supernet, `choose.width` gives an int that is the largest it can be
and remembers what it is made of. Arithmetic keeps the expression, PyTorch's layers keep the very
object they are given, so that later each attribute can be computed for any architecture.

A comparison whose outcome depends on the architecture is `Undecided`: `if`, `and` and `max` ask it
for its truth, which is then decided by whoever runs the declaration (see `sharing.py`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from netwright.errors import SpaceError
from netwright.space.architecture import Answer

Answers = Mapping[str, Answer]
_JOINT = 20_000  # combinations of answers that are tried one by one for all values,
_TRIED = 5_000  # and for the truth of a condition

deciding: ContextVar[Callable[[Expression], bool] | None] = ContextVar("deciding", default=None)
"""Who says which way an undecided branch is taken while a declaration is run."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A value computed from answers. Equal texts are equal expressions.

    `choices` are what it depends on, with their options; `of(answers)` computes it.
    """

    text: str
    choices: Mapping[str, tuple[Answer, ...]]
    of: Callable[[Answers], Any]
    parts: tuple[Expression, ...] = ()
    combine: Callable[..., Any] | None = None

    @cached_property
    def possible(self) -> tuple[Any, ...]:
        """Every value it can take; perhaps some more where answers are too many to be tried."""
        apart = sum(len(part.choices) for part in self.parts) == len(self.choices)
        answers = math.prod(len(options) for options in self.choices.values())
        if self.combine is None or (answers <= _JOINT and not apart):
            names = list(self.choices)
            answered = product(*self.choices.values())
            given = (dict(zip(names, each, strict=True)) for each in answered)
            found = _values(self.of, ((answers,) for answers in given))
        else:
            each_part = [part.possible for part in self.parts]
            if math.prod(map(len, each_part)) > _JOINT:  # the corners, which bound what is monotone
                each_part = [(min(values), max(values)) for values in each_part]
            found = _values(self.combine, product(*each_part))
        return _different(found)

    @property
    def depends_on(self) -> str:
        """The names of its choices, for a message."""
        names = [repr(name) for name in self.choices]
        return f"the choice {names[0]}" if len(names) == 1 else f"the choices {', '.join(names)}"


def chosen(name: str, options: tuple[Answer, ...]) -> Expression:
    """The answer to a choice itself."""
    return Expression(name, {name: options}, operator.itemgetter(name))


def computed(text: str, combine: Callable[..., Any], *parts: Expression) -> Expression:
    """What `combine` makes of the values of the parts."""
    return Expression(
        text,
        _union(part.choices for part in parts),
        lambda answers: combine(*(part.of(answers) for part in parts)),
        parts,
        combine,
    )


class _Selected(Expression):
    """One of several expressions; what the others depend on needs no answers."""

    @cached_property
    def possible(self) -> tuple[Any, ...]:
        """What any of them can be."""
        return _different([value for part in self.parts for value in part.possible])


def selected(selector: Expression, ways: Mapping[Any, Expression]) -> Expression:
    """The value of the way whose key the selector gives; the other ways need no answers."""
    text = ", ".join(f"{key}: {way.text}" for key, way in ways.items())
    return _Selected(
        f"{selector.text}{{{text}}}",
        _union([selector.choices, *(way.choices for way in ways.values())]),
        lambda answers: ways[selector.of(answers)].of(answers),
        tuple(ways.values()),
    )


class _Known(Expression):
    """An expression whose values were told."""

    values: tuple[Any, ...] = ()

    @cached_property
    def possible(self) -> tuple[Any, ...]:
        """What was told."""
        return self.values


def known(expression: Expression, possible: Sequence[Any]) -> Expression:
    """The expression, whose values are among `possible`."""
    made = _Known(expression.text, expression.choices, expression.of)
    object.__setattr__(made, "values", tuple(possible))
    return made


def constant(value: Any) -> Expression:
    """A value that depends on nothing."""
    return Expression(repr(value), {}, lambda answers: value)


def expression_of(value: Any) -> Expression:
    """The expression of an elastic value, or the constant of a plain one."""
    return value.expression if isinstance(value, ELASTIC) else constant(value)


def elastic(expression: Expression) -> Any:
    """A value that carries the expression; a plain one if it is the same for all architectures."""
    possible = expression.possible
    if len(possible) == 1:
        return possible[0]
    if all(type(value) is int for value in possible):
        return ElasticInt(expression)
    if all(type(value) in (int, float) for value in possible):
        return ElasticFloat(expression)
    return Undecided(expression)


class ElasticInt(int):
    """The largest int that an expression can be, with the expression."""

    expression: Expression

    def __new__(cls, expression: Expression) -> ElasticInt:
        """The value for an expression whose values are numbers."""
        made = super().__new__(cls, max(expression.possible))
        made.expression = expression
        return made


class ElasticFloat(float):
    """The largest float that an expression can be, with the expression."""

    expression: Expression

    def __new__(cls, expression: Expression) -> ElasticFloat:
        """The value for an expression whose values are numbers."""
        made = super().__new__(cls, max(expression.possible))
        made.expression = expression
        return made


class Undecided:
    """A value without a largest one: a truth value, a string, None."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def __bool__(self) -> bool:
        decide = deciding.get()
        if decide is None:
            raise SpaceError(
                f"`{self.expression.text}` depends on {self.expression.depends_on} and is used "
                "where no architecture is known; a module of a supernet must keep such a value "
                "as an attribute of its own, not in a closure."
            )
        return decide(self.expression)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SpaceError(f"`{self.expression.text}` {_UNSHARED.format(self.expression.depends_on)}")


_UNSHARED = (
    "depends on {}, which cannot be shared as it is used here; ask it as `choose.one_of` with one "
    "option for each value, fix it, or search it by trials."
)
ELASTIC = (ElasticInt, ElasticFloat, Undecided)


def _values(call: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """What a call gives; where it divides by zero no network is meant, since a branch avoids it."""
    found = []
    for each in arguments:
        with suppress(ZeroDivisionError):
            found.append(call(*each))
    return found


def truths(
    expression: Expression, conditions: Sequence[tuple[Expression, bool]]
) -> set[bool] | None:
    """What a condition can be where others hold; None if there are too many answers to try."""
    choices = _union([expression.choices, *(each.choices for each, _ in conditions)])
    if math.prod(len(options) for options in choices.values()) > _TRIED:
        return None
    found = set()
    for answered in product(*choices.values()):
        answers = dict(zip(choices, answered, strict=True))
        with suppress(ZeroDivisionError):
            if all(bool(each.of(answers)) is way for each, way in conditions):
                found.add(bool(expression.of(answers)))
    return found


def _different(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple({(type(value), value): value for value in values}.values())


def _union(maps: Iterable[Mapping[str, tuple[Answer, ...]]]) -> dict[str, tuple[Answer, ...]]:
    return {name: options for each in maps for name, options in each.items()}


def _binary(symbol: str, combine: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float | str | type(None) | Undecided):
            return NotImplemented
        a, b = expression_of(self), expression_of(other)
        if swapped:
            a, b = b, a
        if symbol in ("==", "!=") and a.text == b.text:
            return symbol == "=="
        return elastic(computed(f"({a.text} {symbol} {b.text})", combine, a, b))

    return method


def _unary(name: str, combine: Callable[..., Any]) -> Any:
    def method(self: Any, *rest: Any) -> Any:
        own = expression_of(self)
        text = f"{name}({', '.join([own.text, *map(repr, rest)])})"
        return elastic(computed(text, lambda value: combine(value, *rest), own))

    return method


def _unhashable(self: Any) -> int:
    own = expression_of(self)
    raise SpaceError(
        f"`{own.text}` depends on {own.depends_on} and is used as a key or in a set, which cannot "
        "be shared; ask it as `choose.one_of` with one option for each value, fix it, or search it "
        "by trials."
    )


_COMPARED = {
    "eq": ("==", operator.eq),
    "ne": ("!=", operator.ne),
    "lt": ("<", operator.lt),
    "le": ("<=", operator.le),
    "gt": (">", operator.gt),
    "ge": (">=", operator.ge),
}
_ARITHMETIC = {
    "add": ("+", operator.add),
    "sub": ("-", operator.sub),
    "mul": ("*", operator.mul),
    "floordiv": ("//", operator.floordiv),
    "truediv": ("/", operator.truediv),
    "mod": ("%", operator.mod),
    "pow": ("**", operator.pow),
}
_LOGIC = {"and": ("&", operator.and_), "or": ("|", operator.or_), "xor": ("^", operator.xor)}
_ROUNDED: dict[str, Callable[..., Any]] = {
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
}


def _itself(self: Any, *memo: Any) -> Any:
    return self


def _furnish() -> None:
    """Give the elastic classes their operators."""
    for cls in ELASTIC:
        for name, (symbol, function) in {**_COMPARED, **_LOGIC}.items():
            setattr(cls, f"__{name}__", _binary(symbol, function))
        for name, (symbol, function) in _LOGIC.items():
            setattr(cls, f"__r{name}__", _binary(symbol, function, swapped=True))
        for name in ("copy", "deepcopy"):
            setattr(cls, f"__{name}__", _itself)
        cls.__hash__ = _unhashable  # type: ignore[method-assign]
    for cls in (ElasticInt, ElasticFloat):
        for name, (symbol, function) in _ARITHMETIC.items():
            setattr(cls, f"__{name}__", _binary(symbol, function))
            setattr(cls, f"__r{name}__", _binary(symbol, function, swapped=True))
        for name, call in _ROUNDED.items():
            setattr(cls, f"__{name}__", _unary(name, call))
        for name in ("neg", "pos", "abs"):
            setattr(cls, f"__{name}__", _unary(name, getattr(operator, name)))
    setattr(Undecided, "__invert__", _unary("not", operator.not_))  # noqa: B010


_furnish()


def is_elastic(value: Any) -> bool:
    """Whether a value is elastic, or has an elastic one in it."""
    if isinstance(value, list | tuple):
        return any(map(is_elastic, value))
    if isinstance(value, dict):
        return any(map(is_elastic, value.values()))
    return isinstance(value, ELASTIC)


def expressions(value: Any) -> Iterator[Expression]:
    """The expressions of the elastic values in a value."""
    if isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from expressions(each)
    elif isinstance(value, ELASTIC):
        yield value.expression


def concrete(value: Any, answers: Answers) -> Any:
    """A value with the elastic ones in it replaced by what they are for some answers."""
    if isinstance(value, list | tuple):
        return type(value)(concrete(each, answers) for each in value)
    if isinstance(value, dict):
        return {key: concrete(each, answers) for key, each in value.items()}
    return expression_of(value).of(answers) if isinstance(value, ELASTIC) else value

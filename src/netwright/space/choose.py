"""`choose`: the questions a declaration asks, and two of the three ways it is answered.

A declaration is an ordinary function that is given `choose`. *Listing* runs it once, every branch,
and writes down the questions and what they depend on. *Building* runs it with the answers of one
architecture and builds only what they pick. The third way, sharing, is in `sharing.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any, Literal

from torch import nn

from netwright.errors import SpaceError
from netwright.space.architecture import Answer
from netwright.space.modules import Gathered, Pass

Kind = Literal["one_of", "width", "value", "repeat", "inputs"]


@dataclass(frozen=True)
class Choice:
    """One named question: its kind and its options in order; `late` as in `Choose.value`."""

    name: str
    kind: Kind
    options: tuple[Answer, ...]
    late: bool = False


@dataclass
class Ask:
    """A place where a declaration asks a choice, and what is asked within each of its branches.

    `branches` has one scope an option for `one_of`, a step for `repeat`, an edge for `inputs`.
    `empty` are the options of a `one_of` that add no layer at all (the class `nn.Identity`).
    """

    choice: Choice
    branches: list[list[Ask]] = field(default_factory=list)
    empty: frozenset[str] = frozenset()

    def active(self, answer: Answer) -> list[list[Ask]]:
        """The scopes that are reached when the choice has this answer."""
        if self.choice.kind == "one_of":
            return [self.branches[self.choice.options.index(answer)]]
        if self.choice.kind == "repeat":
            assert isinstance(answer, int)
            return self.branches[:answer]
        if self.choice.kind == "inputs" and self.branches:
            assert isinstance(answer, tuple)
            return [self.branches[i] for i in answer]
        return []


def once(scope: list[Ask]) -> list[Ask]:
    """The asks of a scope without those that ask again, all the same way, what was asked before."""
    kept: dict[str, Ask] = {}
    for ask in scope:
        ask.branches = [once(branch) for branch in ask.branches]
        kept.setdefault(_asked(ask), ask)
    return list(kept.values())


def _asked(ask: Ask) -> str:
    inner = ";".join(",".join(map(_asked, branch)) for branch in ask.branches)
    return f"{ask.choice.name!r}[{inner}]"


class Choose(ABC):
    """The questions a declaration may ask. The same name asked twice is the same choice."""

    def one_of(self, name: str, /, **options: Callable[[], Any]) -> Any:
        """One of the named options; each is called without arguments when it is picked.

        Raises:
            SpaceError: No option, or an option that cannot be called.
        """
        if not options:
            raise SpaceError(
                f"`choose.one_of({name!r}, ...)` must have at least one option, got none."
            )
        for option, make in options.items():
            if not callable(make) or isinstance(make, nn.Module):
                raise SpaceError(
                    f"`choose.one_of({name!r}, {option}=...)` must be a callable that builds the "
                    f"option, got {make!r}; write `{option}=lambda: ...`."
                )
        return self._one_of(Choice(_named(name), "one_of", tuple(options)), options)

    def width(self, name: str, low: int, high: int, step: int = 1) -> int:
        """A number of channels or features from `low` to `high`, both included, by `step`.

        Raises:
            SpaceError: The range is empty or does not start at 1 or more.
        """
        _check_range("width", name, low, high, 1)
        if type(step) is not int or step < 1:
            raise SpaceError(
                f"`choose.width({name!r}, step=...)` must be at least 1, got {step!r}."
            )
        answer: int = self._scalar(Choice(_named(name), "width", tuple(range(low, high + 1, step))))
        return answer

    def value(self, name: str, options: Sequence[Any], /, *, late: bool = False) -> Any:
        """One of several plain values (str, int, float, bool or None).

        `late` is for settings that show their worth in a full schedule only, such as strong
        augmentation, and is allowed in a recipe: the search holds the first option, and the last
        final trains every finalist once with each, or with each combination of several. In a
        search without finals the first option stays.

        Raises:
            SpaceError: No option, equal options, or an option that JSON has no scalar for.
        """
        made = tuple(options)
        if not made:
            raise SpaceError(
                f"`choose.value({name!r}, options)` must have at least one option, got none."
            )
        for option in made:
            plain = option is None or isinstance(option, str | int | float)
            if not plain or option != option or option in (float("inf"), float("-inf")):
                raise SpaceError(
                    f"`choose.value({name!r}, options)` must hold finite numbers, strings, "
                    f"booleans or None, got {option!r}; for modules use `choose.one_of`."
                )
        if len({(type(option), option) for option in made}) < len(made):
            raise SpaceError(
                f"`choose.value({name!r}, options)` must hold different options, got {made!r}."
            )
        return self._scalar(Choice(_named(name), "value", made, late))

    def repeat(
        self, name: str, low: int, high: int, body: Callable[[int], nn.Module], /
    ) -> nn.Sequential:
        """From `low` to `high` modules in a row; module i is `body(i)`.

        Raises:
            SpaceError: The range is empty or negative.
        """
        _check_range("repeat", name, low, high, 0)
        return self._repeat(Choice(_named(name), "repeat", tuple(range(low, high + 1))), body)

    def inputs(
        self,
        name: str,
        count: int,
        at_least: int = 1,
        at_most: int = 1,
        edge: Callable[[int], nn.Module] | None = None,
    ) -> Any:
        """Which of `count` earlier tensors feed a node: a sorted tuple of their indexes.

        With `edge` it is a module instead: called with the list of the earlier tensors it gives a
        list of those that are picked, tensor i through the module `edge(i)`, which may ask choices
        of its own.

        Raises:
            SpaceError: `at_least`..`at_most` is no range within 0..count.
        """
        if not (0 <= at_least <= at_most <= count and count >= 1):
            raise SpaceError(
                f"`choose.inputs({name!r}, count, at_least, at_most)` must keep 0 <= at_least <= "
                f"at_most <= count, got count={count}, at_least={at_least}, at_most={at_most}."
            )
        sizes = range(at_least, at_most + 1)
        options = tuple(pick for size in sizes for pick in combinations(range(count), size))
        choice = Choice(_named(name), "inputs", options)
        return self._scalar(choice) if edge is None else self._edges(choice, count, edge)

    def when(
        self, condition: bool, make: Callable[[], Any], otherwise: Callable[[], Any] = Pass
    ) -> Any:
        """What `make` gives if a condition on answers holds, else what `otherwise` gives.

        Without `otherwise` that is a module that gives back its input. It is what `if` is to
        ordinary code, and can be shared. Neither may ask a choice.
        """
        return make() if condition else otherwise()

    def computed(self, function: Callable[..., Any], *values: Any, possible: Sequence[Any]) -> Any:
        """What `function` gives for these values, which may depend on answers.

        It is for arithmetic that a supernet cannot follow by itself, such as an algorithm over many
        answers. `possible` are all values that it may give.
        """
        return function(*values)

    @abstractmethod
    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any: ...

    @abstractmethod
    def _scalar(self, choice: Choice) -> Any: ...

    @abstractmethod
    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential: ...

    @abstractmethod
    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> nn.Module: ...


class Listing(Choose):
    """Runs every branch once and writes down what is asked, as a tree of `Ask`."""

    def __init__(self) -> None:
        self.root: list[Ask] = []
        self.choices: dict[str, Choice] = {}
        self._scope = self.root

    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any:
        ask = self._ask(choice)
        built = []
        for make in options.values():
            built.append(self._within(ask, make))
        ask.empty = frozenset(name for name, make in options.items() if make is nn.Identity)
        return built[0]

    def _scalar(self, choice: Choice) -> Answer:
        self._ask(choice)
        return choice.options[0]

    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential:
        ask = self._ask(choice)
        high = choice.options[-1]
        assert isinstance(high, int)
        steps = [self._within(ask, partial(body, i)) for i in range(high)]
        return nn.Sequential(*(_module(choice.name, i, step) for i, step in enumerate(steps)))

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> nn.Module:
        ask = self._ask(choice)
        made = [self._within(ask, partial(edge, i)) for i in range(count)]
        first = choice.options[0]
        assert isinstance(first, tuple)
        return Gathered(first, [made[i] for i in first])

    def _ask(self, choice: Choice) -> Ask:
        known = self.choices.setdefault(choice.name, choice)
        if known != choice:
            raise SpaceError(
                f"The choice {choice.name!r} is declared twice with different options: "
                f"{_shown(known)} and {_shown(choice)}; "
                "give one of them another name."
            )
        ask = Ask(choice)
        self._scope.append(ask)
        return ask

    def _within(self, ask: Ask, make: Callable[[], Any]) -> Any:
        outer, self._scope = self._scope, []
        try:
            return make()
        finally:
            ask.branches.append(self._scope)
            self._scope = outer


class Building(Choose):
    """Answers every question from one architecture and builds only what it picks."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.asked: set[str] = set()
        self.made: dict[str, list[Any]] = {}  # what options and repeats gave, by choice

    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any:
        answer = self._scalar(choice)
        assert isinstance(answer, str)
        made = options[answer]()
        self.made.setdefault(choice.name, []).append(made)
        return made

    def _scalar(self, choice: Choice) -> Answer:
        if choice.name not in self._answers:
            raise SpaceError(
                f"The choice {choice.name!r} is asked while building but was not found while "
                "listing: Python code branches on the answer of another choice and hides it. "
                "Ask it inside an option of `choose.one_of`, or before the branch."
            )
        answer = self._answers[choice.name]
        if answer not in choice.options:
            raise SpaceError(
                f"The choice {choice.name!r} has no option {answer!r}; its options are "
                f"{_short(choice.options)}."
            )
        self.asked.add(choice.name)
        return answer

    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential:
        steps = self._scalar(choice)
        assert isinstance(steps, int)
        made = nn.Sequential(*(_module(choice.name, i, body(i)) for i in range(steps)))
        self.made.setdefault(choice.name, []).append(made)
        return made

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> nn.Module:
        picks = self._scalar(choice)
        assert isinstance(picks, tuple)
        return Gathered(picks, [edge(i) for i in picks])


def _named(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise SpaceError(f"A choice's name must be a non-empty string, got {name!r}.")
    return name


def _check_range(call: str, name: str, low: object, high: object, least: int) -> None:
    if type(low) is not int or type(high) is not int or not least <= low <= high:
        raise SpaceError(
            f"`choose.{call}({name!r}, low, high)` must be ints with {least} <= low <= high, "
            f"got low={low!r}, high={high!r}."
        )


def _module(name: str, step: int, made: object) -> nn.Module:
    if not isinstance(made, nn.Module):
        raise SpaceError(
            f"`choose.repeat({name!r}, ..., body)` must return an nn.Module at each step, "
            f"got {type(made).__name__} at step {step}."
        )
    return made


def _shown(choice: Choice) -> str:
    return f"{'late ' if choice.late else ''}{choice.kind} {_short(choice.options)}"


def _short(options: tuple[Answer, ...]) -> str:
    text = ", ".join(repr(option) for option in options[:6])
    return f"({text}, ... {len(options)} in all)" if len(options) > 6 else f"({text})"

"""The third way to run a declaration: once, for a supernet that holds every network of the space.

All options of `one_of` are built and stand in one `Switched`; all steps of `repeat` are, each of
which may be passed by; numbers are elastic. What options return is joined: modules and lists of
modules are switched, numbers become one elastic number, functions one function that joins what they
give.

A branch of ordinary Python code (`if`, `and`, `max`) on an elastic value is taken both ways where
it stands inside an option or a step: that option is built once for each way, and the ways are
switched. Elsewhere it is refused, since everything after it would be built twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn

from netwright.errors import SpaceError
from netwright.space.architecture import Answer
from netwright.space.choose import Choice, Choose
from netwright.space.modules import Pass
from netwright.supernet.elastic import (
    ELASTIC,
    Expression,
    chosen,
    computed,
    deciding,
    elastic,
    expression_of,
    known,
    selected,
    truths,
)
from netwright.supernet.switches import Factory, Picked, Switched, SwitchedEdges

_WAYS = 16  # that one option or step may be built in


class Sharing(Choose):
    """Answers every question with all of its answers at once."""

    def __init__(self) -> None:
        self.picked: list[Picked] = []
        self._paths: list[_Path] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within it, branches on elastic values are decided by this run of the declaration."""
        token = deciding.set(self._decide)
        try:
            yield
        finally:
            deciding.reset(token)

    def when(
        self, condition: Any, make: Callable[[], Any], otherwise: Callable[[], Any] = Pass
    ) -> Any:
        """Both, switched, where the condition depends on the architecture."""
        if not isinstance(condition, ELASTIC):
            return super().when(condition, make, otherwise)
        ways = {True: self._explored(make), False: self._explored(otherwise)}
        truth = computed(f"bool({condition.expression.text})", bool, condition.expression)
        return self._joined(truth, ways)

    def computed(self, function: Callable[..., Any], *values: Any, possible: Sequence[Any]) -> Any:
        """An elastic value that is computed for each architecture."""
        parts = [v.expression if isinstance(v, Picked) else expression_of(v) for v in values]
        text = f"{getattr(function, '__name__', 'function')}({', '.join(p.text for p in parts)})"
        return elastic(known(computed(text, function, *parts), possible))

    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any:
        ways = {name: self._explored(make) for name, make in options.items()}
        return self._joined(_answer(choice), ways)

    def _scalar(self, choice: Choice) -> Any:
        if len(choice.options) == 1 or choice.late:
            return choice.options[0]
        if choice.kind == "inputs":
            self.picked.append(Picked(_answer(choice)))
            return self.picked[-1]
        return elastic(_answer(choice))

    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential:
        depth, low, high = _answer(choice), choice.options[0], choice.options[-1]
        assert isinstance(low, int) and isinstance(high, int)
        made = []
        for i in range(high):
            step = self._explored(partial(body, i))
            if i >= low:
                there = computed(f"({depth.text} > {i})", lambda n, i=i: n > i, depth)
                step = Switched(there, {False: Pass(), True: step})
            made.append(step)
        return nn.Sequential(*made)

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> nn.Module:
        edges = [self._explored(partial(edge, i)) for i in range(count)]
        first = choice.options[0]
        assert isinstance(first, tuple)
        return SwitchedEdges(first, edges, _answer(choice))

    # -- branches ---------------------------------------------------------------------------------

    def _decide(self, expression: Expression) -> bool:
        taken = {text: each for path in self._paths for text, each in path.taken.items()}
        if expression.text in taken:
            return taken[expression.text][1]
        found = truths(expression, list(taken.values()))
        if found is not None and len(found) == 1:
            return found.pop()
        if not self._paths:
            raise SpaceError(
                f"The declaration branches on `{expression.text}`, which depends on "
                f"{expression.depends_on}, outside of any option or step, so that the whole "
                "network after it would be built twice. Put the branch inside an option of "
                "`choose.one_of` or a step of `choose.repeat`, write it as `choose.when`, fix the "
                "choice, or search it by trials."
            )
        self._paths[-1].taken[expression.text] = (expression, True)
        return True

    def _explored(self, make: Callable[[], Any]) -> Any:
        """What `make` gives, once for each way its branches can go, joined."""
        found: list[tuple[_Path, Any]] = []
        todo = [_Path()]
        while todo:
            path = todo.pop()
            known = len(path.taken)
            self._paths.append(path)
            try:
                made = make()
            finally:
                self._paths.pop()
            found.append((path, made))
            if len(found) > _WAYS:
                raise SpaceError(
                    f"An option or step branches on {', '.join(list(path.taken)[:4])} and would be "
                    f"built in more than {_WAYS} ways; fix some of the choices, or search them by "
                    "trials."
                )
            todo += [path.turned(place) for place in range(known, len(path.taken))]
        if len(found) == 1:
            return found[0][1]
        return self._joined(
            _which([path for path, _ in found]), dict(enumerate(m for _, m in found))
        )

    # -- joining ----------------------------------------------------------------------------------

    def _joined(self, selector: Expression, ways: Mapping[Any, Any]) -> Any:
        """One value for what the ways give."""
        made = list(ways.values())
        first = made[0]
        if all(value is first for value in made):
            return first
        if all(isinstance(value, nn.Module) for value in made):
            return Switched(selector, ways)
        if all(isinstance(value, list) and _modules(value) for value in made):
            lists = {key: nn.Sequential(*value) for key, value in ways.items()}
            return [Switched(selector, lists)]
        for kind in (tuple, list):
            if all(isinstance(value, kind) and len(value) == len(first) for value in made):
                return kind(
                    self._joined(selector, {key: value[i] for key, value in ways.items()})
                    for i in range(len(first))
                )
        if all(_scalar(value) for value in made):
            return elastic(selected(selector, {k: expression_of(v) for k, v in ways.items()}))
        if all(callable(value) and not isinstance(value, nn.Module) for value in made):
            return Factory(
                lambda *inputs, **named: self._joined(
                    selector,
                    {k: self._explored(partial(v, *inputs, **named)) for k, v in ways.items()},
                )
            )
        kinds = ", ".join(f"{key!r}: {type(value).__name__}" for key, value in ways.items())
        raise SpaceError(
            f"The options of {selector.depends_on} give values that cannot be shared together "
            f"({kinds}); let all of them give a module, a list of modules, a number or a function."
        )


class _Path:
    """One way through the branches of an option: what was decided, in order."""

    def __init__(self, taken: Mapping[str, tuple[Expression, bool]] | None = None) -> None:
        self.taken = dict(taken or {})

    def turned(self, place: int) -> _Path:
        """The path that goes the other way at this branch, and is open after it."""
        kept = dict(list(self.taken.items())[: place + 1])
        text = list(kept)[-1]
        expression, way = kept[text]
        return _Path({**kept, text: (expression, not way)})

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        """Whether these answers lead along this path."""
        return all(bool(each.of(answers)) is way for each, way in self.taken.values())


def _which(paths: list[_Path]) -> Expression:
    """The place of the path that holds."""
    conditions = {text: each for path in paths for text, (each, _) in path.taken.items()}
    choices = {n: o for each in conditions.values() for n, o in each.choices.items()}
    text = f"branch[{', '.join(conditions)}]"
    return Expression(text, choices, partial(_holding, paths))


def _holding(paths: list[_Path], answers: Mapping[str, Answer]) -> int:
    return next(place for place, path in enumerate(paths) if path.holds(answers))


def _answer(choice: Choice) -> Expression:
    return chosen(choice.name, choice.options)


def _modules(values: list[Any]) -> bool:
    return all(isinstance(value, nn.Module) for value in values)


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, *ELASTIC))

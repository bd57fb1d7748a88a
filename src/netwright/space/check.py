"""What is refused when a space is made: a declaration that fails, hides choices or fits no data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import NetwrightError, SpaceError, raised_at
from netwright.network.meta_results import Shapes
from netwright.network.outputs import unlike
from netwright.network.signature import Signature
from netwright.network.stray_tensors import hint
from netwright.network.structure import difference
from netwright.space.architecture import Answer
from netwright.space.choose import Building, Choose

_REBUILT = 4  # members that are built again and compared


@contextmanager
def listing_of(call: str) -> Iterator[None]:
    """Run a declaration or a recipe on the meta device; `call` is how a message names it.

    Raises:
        SpaceError: It raised something of its own.
    """
    try:
        with torch.device("meta"):
            yield
    except NetwrightError:
        raise
    except (Exception, SystemExit) as error:
        raise SpaceError(
            f"`{call}` failed while its choices were listed: "
            f"{type(error).__name__}: {str(error).rstrip('.')}{raised_at(error)}."
        ) from error


@dataclass
class Checker:
    """Builds members of a space and runs them on the meta device, where nothing is computed.

    `build` runs the declaration; `completed(answers)` gives the answers of a member that has these.
    """

    build: Callable[[Building], nn.Module]
    completed: Callable[[Mapping[str, Answer]], dict[str, Answer]]
    recipe: Callable[[Choose], Mapping[str, Any]] | None
    name: str
    signature: Signature

    def check(self, members: Sequence[Mapping[str, Answer]]) -> None:
        """Refuse the space if one of these members fails.

        Raises:
            SpaceError: One cannot be built or run, gives another shape, its recipe gives other than
                plain values, or a choice it has an answer to is not asked. Says which choice
                it depends on, where another member does not fail.
        """
        works: Mapping[str, Answer] | None = None
        failed: tuple[Mapping[str, Answer], str] | None = None
        rebuilt = 0
        for answers in members:
            choose = Building(answers)
            wrong = self._fault(choose)
            if wrong is None:
                works = works or answers
                self._check_asked(answers, choose)
                if rebuilt < _REBUILT:
                    rebuilt += 1
                    self._check_same(answers)
            elif wrong:
                failed = failed or (answers, wrong)
            if works is not None and failed is not None:
                raise SpaceError(self._blamed(works, *failed))
        if failed is not None:
            answers, wrong = failed
            raise SpaceError(f"The network {dict(answers)!r} of `{self.name}` {wrong}")

    def _check_asked(self, answers: Mapping[str, Answer], choose: Building) -> None:
        if self.recipe is not None:
            _check_plain(self.recipe(choose))
        hidden = sorted(answers.keys() - choose.asked)
        if hidden:
            raise SpaceError(
                f"The choice {hidden[0]!r} of `{self.name}` was found while listing but is not "
                f"asked when {dict(answers)!r} is built: Python code branches on the answer of "
                "another choice and hides it. Ask it inside an option of `choose.one_of`, or "
                "before the branch."
            )

    def _check_same(self, answers: Mapping[str, Answer]) -> None:
        """Refuse a declaration that builds other networks from the same answers."""
        with torch.device("meta"):
            differs = difference(*(self.build(Building(answers)) for _ in range(2)))
        if differs:
            raise unequal_builds(answers, self.name, differs)

    def _fault(self, choose: Building, seen: _Shapes | None = None) -> str | None:
        """What is wrong with a member, None if nothing is, empty if that cannot be told.

        `seen` notes what options give.
        """
        model: nn.Module | None = None
        try:
            with torch.device("meta"):
                model = self.build(choose).eval()
                if seen is not None:
                    seen.watch(choose)
                with Shapes():  # type: ignore[no-untyped-call]
                    outputs = model(*self.signature.zeros(2))
        except NetwrightError:
            raise
        except (Exception, SystemExit) as error:
            told = hint(model, error)
            lacking = isinstance(error, NotImplementedError) or "meta tensor" in str(error)
            if lacking and not told:
                return ""  # an operation that the meta device lacks: found when it is trained
            text = f"{type(error).__name__}: {str(error).rstrip('.')}{raised_at(error)}"
            shapes = ", ".join(str((2, *spec.sizes)) for spec in self.signature.inputs)
            return f"cannot be built and run on inputs of shape {shapes}: {text}.{told}"
        return unlike(outputs, self.signature.outputs, 2)

    def _blamed(self, works: Mapping[str, Answer], failed: Mapping[str, Answer], wrong: str) -> str:
        """What to say of a member that fails where another works: the answer that makes it so."""
        here = works
        for name, answer in failed.items():
            there = self.completed({**here, name: answer})
            after = _Shapes(name)
            fault = self._fault(Building(there), after)
            if not fault:
                here = there
                continue
            text = (
                f"The answer {answer!r} to the choice {name!r} of `{self.name}` makes a network "
                f"that {fault}"
            )
            if name not in here:
                return text
            before = _Shapes(name)
            self._fault(Building(here), before)
            if before.found and after.found and before.found != after.found:
                return (
                    f"{text} It gives shape {after.found[0]}, where {here[name]!r} gives "
                    f"{before.found[0]}; let all options give the same shape, or what follows "
                    "depend on the answer."
                )
            return f"{text} With {here[name]!r} it works."
        return f"The network {dict(failed)!r} of `{self.name}` {wrong}"


def unequal_builds(answers: Mapping[str, Answer], name: str, differs: str) -> SpaceError:
    """What is said of an architecture that is not one network: what differs, and the remedy."""
    return SpaceError(
        f"The network {dict(answers)!r} of `{name}` is another one each time it is built: "
        f"{differs}. Something beside its choices decides it, such as `random`, a global generator "
        "or a counter; ask for it with `choose`, or fix it."
    )


class _Shapes:
    """The shapes that the modules of one choice give, in the order they run."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[tuple[int, ...]] = []

    def watch(self, choose: Building) -> None:
        """Note what the modules give that were built for the choice."""
        for module in choose.made.get(self.name, ()):
            if isinstance(module, nn.Module):
                module.register_forward_hook(self._note)

    def _note(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        if isinstance(outputs, Tensor):
            self.found.append(tuple(outputs.shape))


def _check_plain(made: object) -> None:
    """Refuse what a recipe returned if it is no mapping of values that JSON has."""
    try:
        json.dumps(made)
        plain = isinstance(made, Mapping)
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise SpaceError(
            "`Space(recipe=...)` must return a mapping of names to plain values, such as "
            f'{{"learning_rate": 0.1}}, got {made!r}; give functions and objects by a name that '
            "your training looks up."
        )

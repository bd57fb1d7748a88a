"""A plain function in place of an evaluator, so that own training code works from the first day."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netwright.errors import SettingError
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.tasks import Task
from netwright.trial import Budget

Train = Callable[..., Mapping[str, float]]


@dataclass(frozen=True)
class Function(Evaluator):
    """Evaluates by calling `train(model, epochs) -> metrics`, which trains `model` in place.

    `score(model) -> metrics`, if given, is called once, at the end, on what the test part is for.
    torch's global generator is seeded before each call and restored after it. A function with a
    third parameter also gets the settings that the space's recipe answers. Metrics that are
    measured before training, such as params, stay as they were measured. A function may return one
    number: the first metric of `task`. With None for a task, metrics are read as those of a
    classification.

    Raises:
        SettingError: `train` or `score` cannot be called with these arguments, or a budget is
            below 1.
    """

    train: Train
    epochs: int = 1
    full_epochs: int = 1
    score: Callable[[nn.Module], Mapping[str, float]] | None = None
    task: Task | None = None

    def __post_init__(self) -> None:
        for name, call in (("train", self.train), ("score", self.score)):
            if call is not None and not callable(call):
                raise SettingError(f"`Function({name}=...)` must be a callable, got {call!r}.")
        _check_takes(self.train, "train", ("model", "epochs"), most=3)
        if self.score is not None:
            _check_takes(self.score, "score", ("model",), most=1)
        if not isinstance(self.task, Task | None):
            raise SettingError(f"`Function(task=...)` must be a Task, got {self.task!r}.")
        for name, value in (("epochs", self.epochs), ("full_epochs", self.full_epochs)):
            if type(value) is not int or value < 1:
                raise SettingError(
                    f"`Function({name}=...)` must be a whole number, at least 1, got {value!r}."
                )

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        """Build, call the function, check what it returns."""
        model = candidate.build()
        arguments: list[Any] = [model, budget.amount]
        if _parameters(self.train) > 2:
            arguments.append(candidate.recipe)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(context.seed)
            metrics = self._checked(self.train(*arguments), "train")
        bad = [name for name, value in metrics.items() if math.isnan(value)]
        if bad:
            return Result(metrics, status="failed", reason=f"{', '.join(bad)} is NaN")
        return Result(metrics, model=model.eval())

    def test(self, model: nn.Module) -> dict[str, float]:
        """What `score` says of a finished network."""
        return self._checked(self.score(model), "score") if self.score else {}

    def _checked(self, metrics: object, name: str) -> dict[str, float]:
        if isinstance(metrics, int | float):
            metrics = {self.metric.name: metrics}
        if not isinstance(metrics, Mapping) or not metrics:
            raise SettingError(
                f"`{name}(model, ...)` must return a mapping of metrics such as "
                f"{{{self.metric.name!r}: 0.9}}, got {metrics!r}."
            )
        try:
            return {str(key): float(value) for key, value in metrics.items()}
        except (TypeError, ValueError) as error:
            raise SettingError(
                f"`{name}(model, ...)` must return numbers as metrics, got {metrics!r}."
            ) from error

    @property
    def settings(self) -> dict[str, Any]:
        """The function's name and the budgets."""
        name = getattr(self.train, "__qualname__", type(self.train).__name__)
        return {"train": name, "epochs": self.epochs, "full_epochs": self.full_epochs}


def _check_takes(call: Callable[..., Any], name: str, given: tuple[str, ...], *, most: int) -> None:
    """Refuse a function that cannot be called with what it will be given."""
    signature = _signature(call)
    if signature is None:
        return
    try:
        signature.bind(*range(max(len(given), min(_parameters(call), most))))
    except TypeError as error:
        raise SettingError(
            f"`{name}({', '.join(given)})` must take these arguments by position, got "
            f"{getattr(call, '__name__', type(call).__name__)}{signature}."
        ) from error


def _parameters(call: Callable[..., Any]) -> int:
    """How many arguments a call must be given by position; 2 if it does not say."""
    signature = _signature(call)
    if signature is None:
        return 2
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in signature.parameters.values())


def _signature(call: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(call)
    except (TypeError, ValueError):  # one written in C need not say what it takes
        return None

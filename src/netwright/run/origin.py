"""How another process rebuilds a run: the call of the command line that would begin it, if any.

What a run was begun with in Python is said as the options of `netwright search` say it, so that a
run of either kind is rebuilt in one way. Functions are named as `FILE.py:FUNCTION`. Nothing here
imports anything; that is done for whoever names the run and its store.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import Any

from netwright.errors import NetwrightError, SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.function import Function
from netwright.evaluate.training import Training
from netwright.objective import Objective
from netwright.oneshot.names import ONE_SHOT, search_named
from netwright.proxies.names import PROXIES, proxy_named
from netwright.run.plan import Plan
from netwright.settings.exports import Named
from netwright.settings.literal import parse_call
from netwright.space import Space
from netwright.space.ensembles import Ensembled
from netwright.stopping.names import STOPPERS, stopper_named
from netwright.strategies.names import NAMED
from netwright.targets.asked import target_named
from netwright.targets.base import Target

_PLAIN = ("trials", "minutes", "epochs", "refit", "baseline", "deterministic", "seed")
_ALSO = ("trial_minutes", "rehearse", "warm_start")
_IMPORTING: ContextVar[str | None] = ContextVar("importing", default=None)


class NotRebuilt(Exception):
    """Something of a run cannot be made again in another process; says what, and why."""


def origin_of(plan: Plan) -> tuple[dict[str, Any] | None, str | None]:
    """The call that would begin a run, or None and why there is none, in words."""
    if plan.call is not None:
        return dict(plan.call), None
    try:
        call = {
            **_space(plan.space),
            **_evaluator(plan.evaluator),
            "strategy": _named("strategy", plan.strategy, {**NAMED, **ONE_SHOT}, search_named),
            "stopper": _stopper(plan),
            "objectives": [_objective(each) for each in plan.objectives],
            "limits": [f"{each.metric}{'>' * each.least}={each.bound!r}" for each in plan.limits],
            "targets": [_target(each) for each in plan.targets],
            "proxies": [_named("proxy", p, PROXIES, proxy_named) for p in plan.proxies],
            "finals": None if plan.has_usual_finals else [list(each) for each in plan.finals],
            "workers": plan.workers if plan.executor is None else plan.executor.slots,
            **{name: getattr(plan, name) for name in (*_PLAIN, *_ALSO)},
        }
    except NotRebuilt as error:
        return None, str(error)
    return call, None


def cannot_go_on(run: str, why: str | None) -> str:
    """Say that a run cannot be rebuilt from its log, and what to do."""
    return (
        f"The run {run!r} was begun from Python, and its log cannot do that again: "
        f"{why or 'it does not say how'}. Call `netwright.search` with the same arguments, "
        f"also for the run's name {run!r}, in the program that began it."
    )


@contextmanager
def importing(file: str) -> Iterator[None]:
    """Within it a file is run for a function of it: a search that it begins then is refused."""
    token = _IMPORTING.set(file)
    try:
        yield
    finally:
        _IMPORTING.reset(token)


def check_not_importing() -> None:
    """Refuse to begin a search while a file is run for a function of it.

    Raises:
        SettingError: One is.
    """
    file = _IMPORTING.get()
    if file is not None:
        raise SettingError(
            f"`search(...)` must not be called while {file!r} is run for a function of it: put "
            'the call under `if __name__ == "__main__":`.'
        )


def _space(space: Space) -> dict[str, Any]:
    own: dict[str, Any] = {"signature": space.signature.to_json()}
    network = space.network
    if isinstance(network, Ensembled):
        own |= {"ensemble": network.count}
        network = network.declared
    if space.origin is not None:
        _check_literal("space", space.origin)
        return own | {"space": space.origin}
    members = space.members
    odd = {
        "a recipe": space.declared_recipe,
        "cells": space.cells,
        "a normal form": members.normal_form,
        "members by number": members.numbered,
    }
    for what, given in odd.items():
        if given is not None:
            raise NotRebuilt(f"its space {space.name!r} has {what} beside its function")
    return own | {"space": _function("its space", network), "space_name": space.name}


def _evaluator(evaluator: Evaluator) -> dict[str, Any]:
    if type(evaluator) is Training:
        return _training(evaluator)
    if type(evaluator) is Function:
        if evaluator.task is not None:
            raise NotRebuilt("its evaluator has a task of its own")
        score = evaluator.score
        return {
            "data": None,
            "evaluator": {
                "train": _function("its training", evaluator.train),
                "score": None if score is None else _function("its score", score),
                "epochs": evaluator.epochs,
                "full_epochs": evaluator.full_epochs,
            },
        }
    raise NotRebuilt(f"its evaluator is of the class {type(evaluator).__name__}")


_ASIDE = ("source", "label", "size", "task")
"""What `load` was given that is told apart; the rest says how rows are split."""


def _training(training: Training) -> dict[str, Any]:
    loaded = training.data.loaded
    if loaded is None:
        raise NotRebuilt(f"its data {training.data.name!r} were in memory, or read by other code")
    settings = {
        f.name: value
        for f in fields(training)
        if f.name != "data"
        and (value := getattr(training, f.name)) != (None if f.default is MISSING else f.default)
    }
    size, task = loaded["size"], loaded.get("task")
    if not isinstance(task, str | None):
        raise NotRebuilt(f"the task of its data, {task!r}, was given as an object")
    return {
        "data": loaded["source"],
        "label": loaded["label"],
        "task": task,
        "size": None if size is None else _pixels(size),
        "split": {name: value for name, value in loaded.items() if name not in _ASIDE},
        "training": ", ".join(f"{name}={value!r}" for name, value in settings.items()),
    }


def _pixels(size: int | tuple[int, int]) -> str:
    """A size as `--size` has it: `HxW`, or one number for both."""
    return str(size) if isinstance(size, int) else f"{size[0]}x{size[1]}"


def _stopper(plan: Plan) -> str | None:
    if plan.stopper is None:
        return None
    return _named("stopper", plan.stopper, STOPPERS, stopper_named)


def _named(
    what: str, plugin: Any, known: Mapping[str, Named], read: Callable[[str, str], Any]
) -> str:
    """A plug-in of ours by its name, with settings; what is read of that must be equal."""
    for name, named in known.items():
        if named.made_by is not type(plugin) or named.preset:
            continue
        told = [
            f"{f.name}={value!r}"
            for f in fields(plugin)
            if f.init and (value := getattr(plugin, f.name)) != f.default
        ]
        text = f"{name}({', '.join(told)})" if told else name
        try:
            if read(what, text) == plugin:
                return text
        except NetwrightError:
            break
        break
    raise NotRebuilt(f"its {what} {plugin!r} cannot be written as a name with settings")


def _objective(objective: Objective) -> str:
    return str(objective.metric) if objective.direction == "maximize" else f"-{objective.metric}"


def _target(target: Target) -> str:
    try:
        again = target_named(target.name)
    except NetwrightError:
        again = None
    if type(again) is not type(target) or again != target:
        raise NotRebuilt(f"its target {target.name!r} is none that its name stands for")
    return target.name


def _function(what: str, function: Any) -> str:
    """A function as `FILE.py:FUNCTION`, with settings where they are bound by name."""
    settings: dict[str, Any] = {}
    if isinstance(function, partial) and not function.args:
        settings, function = dict(function.keywords), function.func
    name, module = getattr(function, "__qualname__", ""), getattr(function, "__module__", None)
    if not inspect.isfunction(function) and not inspect.isclass(function):
        raise NotRebuilt(f"{what} is no function of a file, but a {type(function).__name__}")
    if name.endswith("<lambda>"):
        raise NotRebuilt(f"{what} is a lambda")
    if "." in name:
        raise NotRebuilt(f"{what}, `{name}`, is made inside of another function or class")
    home = sys.modules.get(str(module))
    file = getattr(home, "__file__", None)
    if file is None or Path(file).suffix != ".py" or not Path(file).is_file():
        raise NotRebuilt(f"{what}, `{name}`, is of no file, as in a notebook")
    if getattr(home, name, None) is not function:
        raise NotRebuilt(f"{what}, `{name}`, is not what its file calls so")
    told = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    text = f"{name}({told})" if told else name
    _check_literal(what, text)
    return f"{Path(file).absolute()}:{text}"


def _check_literal(what: str, text: str) -> None:
    """Refuse settings that cannot be read again from their text."""
    try:
        parse_call(what, text)
    except SettingError:
        raise NotRebuilt(f"{what} has settings that are no literals: {text}") from None

"""Strategies by their names: on the command line, in settings files, and as `strategy="auto"`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from functools import partial

from netwright.errors import SettingError
from netwright.strategies.auto import Auto
from netwright.strategies.bananas import Bananas
from netwright.strategies.base import Strategy
from netwright.strategies.bayesian import BayesianOptimization
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.hyperband import Hyperband, SuccessiveHalving
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.npenas import Npenas
from netwright.strategies.nsga2 import NSGA2
from netwright.strategies.optuna_sampler import Optuna
from netwright.strategies.pnas import Pnas
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.reinforce import Reinforce

NAMED: dict[str, Callable[[], Strategy]] = {
    "auto": Auto,
    "bananas": Bananas,
    "bayesian-optimization": BayesianOptimization,
    "evolution": RegularizedEvolution,
    "local-search": LocalSearch,
    "npenas": Npenas,
    "nsga2": NSGA2,
    "pnas": Pnas,
    "random": RandomSearch,
    "random-search": RandomSearch,
    "regularized-evolution": RegularizedEvolution,
    "reinforce": Reinforce,
    **{f"optuna-{name}": partial(Optuna, name) for name in ("tpe", "gp", "nsga2", "random")},
}
"""The short names are for what is meant by a shorter word."""

HALVING: dict[str, type[Hyperband]] = {
    "hyperband": Hyperband,
    "successive-halving": SuccessiveHalving,
}
"""Of several budgets; `hyperband-NAME` lets another strategy choose who enters."""

NAMES = tuple(sorted([*NAMED, *HALVING]))


def by_name(
    option: str,
    name: str,
    budgets: Sequence[int] | None = None,
    also: Collection[str] = (),
) -> Strategy:
    """The strategy of a name, with its own settings.

    `option` is what an error says the name was given to; `budgets` are the epochs that a strategy
    of several may choose from, None to leave it its own. `also` are names that are known elsewhere,
    for the message of an error.

    Raises:
        SettingError: There is none, or it needs several budgets and has not.
    """
    for prefix, made in HALVING.items():
        if name == prefix or name.startswith(f"{prefix}-"):
            inner = by_name(option, name.removeprefix(prefix).removeprefix("-") or "random")
            if budgets is None:
                return made(inner)
            return made(inner, budgets=_ladder(option, name, budgets))
    if name not in NAMED:
        names = sorted([*NAMES, *also])
        near = get_close_matches(name, names, 1)
        raise SettingError(
            f"`{option}` must be one of {', '.join(names)}, got {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else ".")
        )
    return NAMED[name]()


def _ladder(option: str, name: str, budgets: Sequence[int]) -> tuple[int, ...]:
    """Of some budgets, from the largest down, those of at most a third of the one before."""
    if len(budgets) < 2:
        raise SettingError(
            f"`{option} {name}` needs a signal of several budgets, in columns such as accuracy_1 "
            "and accuracy_3 for `--signal accuracy`."
        )
    chosen: list[int] = []
    for epochs in sorted(budgets, reverse=True):
        if not chosen or 3 * epochs <= chosen[-1]:
            chosen.append(epochs)
    return tuple(reversed(chosen))

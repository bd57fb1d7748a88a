"""Every exported strategy passes every check; a new one gets its tests by being exported."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from netwright.strategies import (
    BANANAS,
    PNAS,
    Auto,
    BayesianOptimization,
    RegularizedEvolution,
    Strategy,
)
from netwright.testing.exports import STRATEGIES
from netwright.testing.strategies import STRATEGY_CHECKS

COMPARED = (Auto, RegularizedEvolution)
ALIKE = (BANANAS, PNAS, BayesianOptimization)
"""What they do beside choosing is done by NPENAS, or by Auto, which are checked each time."""


def small(strategy: type[Strategy]) -> Callable[[], Strategy]:
    """With two networks in an ensemble, where there is one; more learn alike and take longer."""
    members = {"members": 2} if "members" in strategy.__dataclass_fields__ else {}
    return partial(strategy, **members)


def cases() -> list[object]:
    """Each strategy with each check; what takes long and is checked of another, when thorough."""
    return [
        pytest.param(
            strategy,
            check,
            id=f"{strategy.__name__}-{check.__name__}",
            marks=[pytest.mark.thorough] if is_left(strategy, check) else [],
        )
        for strategy in STRATEGIES
        for check in STRATEGY_CHECKS
    ]


def is_left(strategy: type[Strategy], check: Callable[..., None]) -> bool:
    """Whether a check is left to `make thorough`."""
    return strategy in ALIKE or (compared(check) and strategy not in COMPARED)


def compared(check: Callable[..., None]) -> bool:
    """Whether a check compares with random search, by many runs."""
    return "random" in check.__name__


@pytest.mark.parametrize(("strategy", "check"), cases())
def test_conformance(strategy: type[Strategy], check) -> None:
    check(strategy if compared(check) else small(strategy))


@pytest.fixture(scope="module")
def other_processes(printed_twice) -> list[dict[str, list[str]]]:
    """What each strategy proposes in two processes with other hash seeds."""
    code = (
        "import json; from netwright import strategies; from netwright.testing.strategies import *;"
        "space = SPACES['conditional']();"
        f"names = {[s.__name__ for s in STRATEGIES]};"
        "made = {n: drive(getattr(strategies, n)().start(space, ONE), space, SOME) for n in names};"
        "print(json.dumps({n: [t.architecture.id for t in made[n]] for n in names}))"
    )
    return [json.loads(text) for text in printed_twice(code)]


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.__name__)
def test_another_process_with_another_hash_seed_proposes_the_same(
    strategy: type[Strategy], other_processes: list[dict[str, list[str]]]
) -> None:
    first, second = (found[strategy.__name__] for found in other_processes)
    assert first == second
    assert len(first) > 20

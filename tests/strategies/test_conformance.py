"""Every exported strategy passes every check; a new one gets its tests by being exported."""

import inspect
import os
import subprocess
import sys

import pytest

from netwright import strategies
from netwright.strategies import Strategy
from netwright.testing import STRATEGY_CHECKS

EXPORTED = [
    made
    for name in strategies.__all__
    if inspect.isclass(made := getattr(strategies, name))
    and issubclass(made, Strategy)
    and not inspect.isabstract(made)
]


@pytest.mark.parametrize("check", STRATEGY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("strategy", EXPORTED, ids=lambda s: s.__name__)
def test_conformance(strategy: type[Strategy], check) -> None:
    check(strategy)


@pytest.mark.parametrize("strategy", EXPORTED, ids=lambda s: s.__name__)
def test_another_process_with_another_hash_seed_proposes_the_same(strategy: type[Strategy]) -> None:
    code = (
        "from netwright import strategies; from netwright.testing.strategies import *;"
        f"space = SPACES['conditional'](); made = strategies.{strategy.__name__}();"
        "print([t.architecture.id for t in drive(made.start(space, ONE), space)])"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1
    assert len(prints.pop()) > 100

"""Conformance suites, for who writes a strategy, an evaluator, a target, an executor or a store.

Each suite is a tuple of functions that take a factory and raise `AssertionError`::

    import pytest
    from netwright.testing import STRATEGY_CHECKS

    @pytest.mark.parametrize("check", STRATEGY_CHECKS, ids=lambda check: check.__name__)
    def test_my_strategy(check):
        check(MyStrategy)
"""

from netwright.testing.data import DATA_CHECKS
from netwright.testing.evaluators import EVALUATOR_CHECKS
from netwright.testing.executors import EXECUTOR_CHECKS
from netwright.testing.exports import ONE_SHOTS, STOPPERS, STRATEGIES
from netwright.testing.oneshot import ONE_SHOT_CHECKS
from netwright.testing.spaces import READY, SPACES
from netwright.testing.stoppers import STOPPER_CHECKS
from netwright.testing.stores import STORE_CHECKS
from netwright.testing.strategies import STRATEGY_CHECKS
from netwright.testing.targets import TARGET_CHECKS
from netwright.testing.tasks import TASK_CHECKS

__all__ = [
    "DATA_CHECKS",
    "EVALUATOR_CHECKS",
    "EXECUTOR_CHECKS",
    "ONE_SHOTS",
    "ONE_SHOT_CHECKS",
    "READY",
    "SPACES",
    "STOPPERS",
    "STOPPER_CHECKS",
    "STORE_CHECKS",
    "STRATEGIES",
    "STRATEGY_CHECKS",
    "TARGET_CHECKS",
    "TASK_CHECKS",
]

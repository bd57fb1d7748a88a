"""Conformance suites, for who writes a strategy, an evaluator, a proxy, a target or a store.

Each suite is a module of its own, so that who tests a store imports no search. It ends in a tuple
of functions that take a factory and raise `AssertionError`::

    import pytest
    from netwright.testing.strategies import STRATEGY_CHECKS

    @pytest.mark.parametrize("check", STRATEGY_CHECKS, ids=lambda check: check.__name__)
    def test_my_strategy(check):
        check(MyStrategy)

Those of `strategies`, `oneshot`, `stoppers`, `predictors`, `evaluators`, `proxies`, `targets`,
`tasks`, `data`, `executors` and `stores` are named so; `spaces` has the spaces that they are
checked on, and `exports` what of ours is checked.
"""

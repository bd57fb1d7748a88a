"""Strategies: what to try next."""

from netwright.strategies.auto import Auto
from netwright.strategies.base import Search, Strategy
from netwright.strategies.bayesian import BayesianOptimization
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.local import LocalSearch
from netwright.strategies.random import RandomSearch
from netwright.strategies.reinforce import Reinforce

__all__ = [
    "Auto",
    "BayesianOptimization",
    "LocalSearch",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "Search",
    "Strategy",
]

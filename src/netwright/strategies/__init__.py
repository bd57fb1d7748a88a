"""Strategies: what to try next."""

from netwright.strategies.base import Search, Strategy
from netwright.strategies.bayesian import BayesianOptimization
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.random import RandomSearch

__all__ = ["BayesianOptimization", "RandomSearch", "RegularizedEvolution", "Search", "Strategy"]

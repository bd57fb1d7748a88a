"""Strategies: what to try next."""

from netwright.strategies.base import Search, Strategy
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.random import RandomSearch

__all__ = ["RandomSearch", "RegularizedEvolution", "Search", "Strategy"]

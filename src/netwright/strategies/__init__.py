"""Strategies: what to try next.

What they learn with is in `surrogates`, and which trials go on is a matter of `stopping`.
"""

from netwright.strategies.auto import Auto
from netwright.strategies.bananas import BANANAS
from netwright.strategies.base import Search, Strategy
from netwright.strategies.bayesian import BayesianOptimization
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.npenas import NPENAS
from netwright.strategies.nsga2 import NSGA2
from netwright.strategies.optuna_sampler import Optuna
from netwright.strategies.pnas import PNAS
from netwright.strategies.proxy_first import ProxyFirst
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.reinforce import REINFORCE

__all__ = [
    "BANANAS",
    "NPENAS",
    "NSGA2",
    "PNAS",
    "REINFORCE",
    "Auto",
    "BayesianOptimization",
    "LocalSearch",
    "Optuna",
    "ProxyFirst",
    "RandomSearch",
    "RegularizedEvolution",
    "Search",
    "Strategy",
]

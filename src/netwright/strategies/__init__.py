"""Strategies: what to try next."""

from netwright.strategies.auto import Auto
from netwright.strategies.bananas import Bananas
from netwright.strategies.base import Search, Strategy
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

__all__ = [
    "NSGA2",
    "Auto",
    "Bananas",
    "BayesianOptimization",
    "Hyperband",
    "LocalSearch",
    "Npenas",
    "Optuna",
    "Pnas",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "Search",
    "Strategy",
    "SuccessiveHalving",
]

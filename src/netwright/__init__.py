"""Netwright finds neural networks.

You write one ordinary PyTorch function whose open questions are named; netwright answers them,
under the limits of the device that will run the network, and gives back a plain trained model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Names are imported when they are first used, so that the command line need not wait for torch.
# begin: exports (by scripts/generate_exports.py, from the `__all__` of the rooms)
if TYPE_CHECKING:
    from netwright import bench as bench
    from netwright import data as data
    from netwright import space as space
    from netwright import spaces as spaces
    from netwright.conversion import convert as convert
    from netwright.data import Data as Data
    from netwright.drawing import draw as draw
    from netwright.errors import NetwrightError as NetwrightError
    from netwright.estimators import NetClassifier as NetClassifier
    from netwright.estimators import NetRegressor as NetRegressor
    from netwright.estimators import load as load
    from netwright.evaluate.base import Evaluator as Evaluator
    from netwright.evaluate.function import Function as Function
    from netwright.evaluate.training import Training as Training
    from netwright.execute import Executor as Executor
    from netwright.execute import Inline as Inline
    from netwright.execute import Processes as Processes
    from netwright.objective import at_least as at_least
    from netwright.objective import at_most as at_most
    from netwright.objective import maximize as maximize
    from netwright.objective import minimize as minimize
    from netwright.oneshot import DARTS as DARTS
    from netwright.oneshot import ENAS as ENAS
    from netwright.oneshot import GDAS as GDAS
    from netwright.oneshot import PCDARTS as PCDARTS
    from netwright.oneshot import PDARTS as PDARTS
    from netwright.oneshot import SNAS as SNAS
    from netwright.oneshot import DARTSMinus as DARTSMinus
    from netwright.oneshot import DrNAS as DrNAS
    from netwright.oneshot import FairDARTS as FairDARTS
    from netwright.oneshot import FewShot as FewShot
    from netwright.oneshot import OnceForAll as OnceForAll
    from netwright.oneshot import OneShot as OneShot
    from netwright.oneshot import ProxylessNAS as ProxylessNAS
    from netwright.oneshot import RandomSharing as RandomSharing
    from netwright.oneshot import Relaxation as Relaxation
    from netwright.oneshot import RobustDARTS as RobustDARTS
    from netwright.oneshot import SinglePath as SinglePath
    from netwright.proxies import NASWOT as NASWOT
    from netwright.proxies import SNIP as SNIP
    from netwright.proxies import Fisher as Fisher
    from netwright.proxies import GradNorm as GradNorm
    from netwright.proxies import GraSP as GraSP
    from netwright.proxies import Jacov as Jacov
    from netwright.proxies import MACs as MACs
    from netwright.proxies import Params as Params
    from netwright.proxies import Proxy as Proxy
    from netwright.proxies import Synflow as Synflow
    from netwright.proxies import Zen as Zen
    from netwright.run.result import Run as Run
    from netwright.run.result import TrainedNetwork as TrainedNetwork
    from netwright.run.search import search as search
    from netwright.space import Architecture as Architecture
    from netwright.space import Choose as Choose
    from netwright.space import Space as Space
    from netwright.stopping import ASHA as ASHA
    from netwright.stopping import Hyperband as Hyperband
    from netwright.stopping import LearningCurve as LearningCurve
    from netwright.stopping import MedianStopping as MedianStopping
    from netwright.stopping import Stopper as Stopper
    from netwright.stopping import SuccessiveHalving as SuccessiveHalving
    from netwright.store import MemoryStore as MemoryStore
    from netwright.store import SQLiteStore as SQLiteStore
    from netwright.store import Store as Store
    from netwright.strategies import BANANAS as BANANAS
    from netwright.strategies import NPENAS as NPENAS
    from netwright.strategies import NSGA2 as NSGA2
    from netwright.strategies import PNAS as PNAS
    from netwright.strategies import REINFORCE as REINFORCE
    from netwright.strategies import Auto as Auto
    from netwright.strategies import BayesianOptimization as BayesianOptimization
    from netwright.strategies import LocalSearch as LocalSearch
    from netwright.strategies import Optuna as Optuna
    from netwright.strategies import ProxyFirst as ProxyFirst
    from netwright.strategies import RandomSearch as RandomSearch
    from netwright.strategies import RegularizedEvolution as RegularizedEvolution
    from netwright.strategies import Strategy as Strategy
    from netwright.supernet import Supernet as Supernet
    from netwright.surrogates import BoostedTrees as BoostedTrees
    from netwright.surrogates import GaussianProcess as GaussianProcess
    from netwright.surrogates import NetworkEnsemble as NetworkEnsemble
    from netwright.surrogates import ParametricCurves as ParametricCurves
    from netwright.surrogates import Predictor as Predictor
    from netwright.targets import OnnxRuntime as OnnxRuntime
    from netwright.targets import PyTorch as PyTorch
    from netwright.targets import Target as Target
    from netwright.tasks import Classification as Classification
    from netwright.tasks import MultiLabel as MultiLabel
    from netwright.tasks import NextToken as NextToken
    from netwright.tasks import Regression as Regression
    from netwright.tasks import Task as Task
    from netwright.trial import Budget as Budget

_HOMES = {
    "ASHA": "stopping",
    "Architecture": "space",
    "Auto": "strategies",
    "BANANAS": "strategies",
    "BayesianOptimization": "strategies",
    "BoostedTrees": "surrogates",
    "Budget": "trial",
    "Choose": "space",
    "Classification": "tasks",
    "DARTS": "oneshot",
    "DARTSMinus": "oneshot",
    "Data": "data",
    "DrNAS": "oneshot",
    "ENAS": "oneshot",
    "Evaluator": "evaluate.base",
    "Executor": "execute",
    "FairDARTS": "oneshot",
    "FewShot": "oneshot",
    "Fisher": "proxies",
    "Function": "evaluate.function",
    "GDAS": "oneshot",
    "GaussianProcess": "surrogates",
    "GraSP": "proxies",
    "GradNorm": "proxies",
    "Hyperband": "stopping",
    "Inline": "execute",
    "Jacov": "proxies",
    "LearningCurve": "stopping",
    "LocalSearch": "strategies",
    "MACs": "proxies",
    "MedianStopping": "stopping",
    "MemoryStore": "store",
    "MultiLabel": "tasks",
    "NASWOT": "proxies",
    "NPENAS": "strategies",
    "NSGA2": "strategies",
    "NetClassifier": "estimators",
    "NetRegressor": "estimators",
    "NetworkEnsemble": "surrogates",
    "NetwrightError": "errors",
    "NextToken": "tasks",
    "OnceForAll": "oneshot",
    "OneShot": "oneshot",
    "OnnxRuntime": "targets",
    "Optuna": "strategies",
    "PCDARTS": "oneshot",
    "PDARTS": "oneshot",
    "PNAS": "strategies",
    "ParametricCurves": "surrogates",
    "Params": "proxies",
    "Predictor": "surrogates",
    "Processes": "execute",
    "Proxy": "proxies",
    "ProxyFirst": "strategies",
    "ProxylessNAS": "oneshot",
    "PyTorch": "targets",
    "REINFORCE": "strategies",
    "RandomSearch": "strategies",
    "RandomSharing": "oneshot",
    "Regression": "tasks",
    "RegularizedEvolution": "strategies",
    "Relaxation": "oneshot",
    "RobustDARTS": "oneshot",
    "Run": "run.result",
    "SNAS": "oneshot",
    "SNIP": "proxies",
    "SQLiteStore": "store",
    "SinglePath": "oneshot",
    "Space": "space",
    "Stopper": "stopping",
    "Store": "store",
    "Strategy": "strategies",
    "SuccessiveHalving": "stopping",
    "Supernet": "supernet",
    "Synflow": "proxies",
    "Target": "targets",
    "Task": "tasks",
    "TrainedNetwork": "run.result",
    "Training": "evaluate.training",
    "Zen": "proxies",
    "at_least": "objective",
    "at_most": "objective",
    "convert": "conversion",
    "draw": "drawing",
    "load": "estimators",
    "maximize": "objective",
    "minimize": "objective",
    "search": "run.search",
}
_ROOMS = ("bench", "data", "space", "spaces")
# end: exports

__all__ = [*sorted(_HOMES), *_ROOMS, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(import_module(f"netwright.{_HOMES[name]}"), name)
        globals()[name] = found  # before a submodule of the same name can shadow it
        return found
    if name in _ROOMS:
        return import_module(f"netwright.{name}")
    raise AttributeError(f"module 'netwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

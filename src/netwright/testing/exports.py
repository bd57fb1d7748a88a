"""Everything of ours that the suites are run on: what the rooms export, and nothing by name."""

from __future__ import annotations

from netwright import (
    data,
    execute,
    oneshot,
    proxies,
    stopping,
    store,
    strategies,
    surrogates,
    targets,
    tasks,
)
from netwright.data import Data
from netwright.execute import Executor
from netwright.oneshot import OneShot
from netwright.proxies import Proxy
from netwright.settings.exports import exported
from netwright.stopping import Stopper
from netwright.store import Store
from netwright.strategies import Strategy
from netwright.surrogates import Predictor
from netwright.targets import Target
from netwright.tasks import Task

STRATEGIES: tuple[type[Strategy], ...] = tuple(exported(strategies, Strategy))
STOPPERS: tuple[type[Stopper], ...] = tuple(exported(stopping, Stopper))
PREDICTORS: tuple[type[Predictor], ...] = tuple(exported(surrogates, Predictor))
ONE_SHOTS: tuple[type[OneShot], ...] = tuple(exported(oneshot, OneShot))
PROXIES: tuple[type[Proxy], ...] = tuple(exported(proxies, Proxy))
DATA: tuple[type[Data], ...] = tuple(exported(data, Data))
EXECUTORS: tuple[type[Executor], ...] = tuple(exported(execute, Executor))
STORES: tuple[type[Store], ...] = tuple(exported(store, Store))
TARGETS: tuple[type[Target], ...] = tuple(exported(targets, Target))
TASKS: tuple[type[Task], ...] = tuple(exported(tasks, Task))

"""Everything of ours that the suites are run on: what the rooms export, and nothing by name."""

from __future__ import annotations

from netwright import oneshot, stopping, strategies
from netwright.oneshot import OneShot
from netwright.settings.exports import exported
from netwright.stopping import Stopper
from netwright.strategies import Strategy

STRATEGIES: tuple[type[Strategy], ...] = tuple(exported(strategies, Strategy))
STOPPERS: tuple[type[Stopper], ...] = tuple(exported(stopping, Stopper))
ONE_SHOTS: tuple[type[OneShot], ...] = tuple(exported(oneshot, OneShot))

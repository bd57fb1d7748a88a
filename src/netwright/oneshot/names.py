"""One-shot searches by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netwright.oneshot.base import OneShot
from netwright.oneshot.darts import DARTS
from netwright.oneshot.drnas import DrNAS
from netwright.oneshot.enas import ENAS
from netwright.oneshot.fairdarts import FairDARTS
from netwright.oneshot.gdas import GDAS
from netwright.oneshot.proxylessnas import ProxylessNAS
from netwright.oneshot.sampling import RandomSharing, SinglePath
from netwright.oneshot.snas import SNAS

ONE_SHOT: dict[str, Callable[[], OneShot]] = {
    "darts": DARTS,
    "darts-second-order": partial(DARTS, order=2),
    "drnas": DrNAS,
    "enas": ENAS,
    "fair-darts": FairDARTS,
    "gdas": GDAS,
    "proxylessnas": ProxylessNAS,
    "random-sharing": RandomSharing,
    "single-path": SinglePath,
    "snas": SNAS,
}

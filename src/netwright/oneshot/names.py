"""One-shot searches by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netwright.oneshot.base import OneShot
from netwright.oneshot.darts import DARTS
from netwright.oneshot.dartsminus import DARTSMinus
from netwright.oneshot.drnas import DrNAS
from netwright.oneshot.enas import ENAS
from netwright.oneshot.fairdarts import FairDARTS
from netwright.oneshot.fewshot import FewShot
from netwright.oneshot.gdas import GDAS
from netwright.oneshot.onceforall import OnceForAll
from netwright.oneshot.pcdarts import PCDARTS
from netwright.oneshot.pdarts import PDARTS
from netwright.oneshot.proxylessnas import ProxylessNAS
from netwright.oneshot.rdarts import RobustDARTS
from netwright.oneshot.sampling import RandomSharing, SinglePath
from netwright.oneshot.snas import SNAS

ONE_SHOT: dict[str, Callable[[], OneShot]] = {
    "darts": DARTS,
    "darts-second-order": partial(DARTS, order=2),
    "darts-minus": DARTSMinus,
    "drnas": DrNAS,
    "enas": ENAS,
    "fair-darts": FairDARTS,
    "few-shot": FewShot,
    "gdas": GDAS,
    "once-for-all": OnceForAll,
    "p-darts": PDARTS,
    "pc-darts": PCDARTS,
    "proxylessnas": ProxylessNAS,
    "r-darts": RobustDARTS,
    "random-sharing": RandomSharing,
    "single-path": SinglePath,
    "snas": SNAS,
}

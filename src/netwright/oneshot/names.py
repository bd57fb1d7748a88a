"""One-shot searches by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netwright.oneshot.base import OneShot
from netwright.oneshot.enas import ENAS
from netwright.oneshot.fewshot import FewShot
from netwright.oneshot.onceforall import OnceForAll
from netwright.oneshot.relaxations.darts import DARTS
from netwright.oneshot.relaxations.dartsminus import DARTSMinus
from netwright.oneshot.relaxations.drnas import DrNAS
from netwright.oneshot.relaxations.fairdarts import FairDARTS
from netwright.oneshot.relaxations.gdas import GDAS
from netwright.oneshot.relaxations.pcdarts import PCDARTS
from netwright.oneshot.relaxations.pdarts import PDARTS
from netwright.oneshot.relaxations.proxylessnas import ProxylessNAS
from netwright.oneshot.relaxations.rdarts import RobustDARTS
from netwright.oneshot.relaxations.snas import SNAS
from netwright.oneshot.sampling import RandomSharing, SinglePath

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

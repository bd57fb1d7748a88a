"""One-shot searches: all networks of a space are trained at once.

How one network holds the weights of all is a matter of `supernet`.
"""

from netwright.oneshot.base import OneShot, Setting, Shared
from netwright.oneshot.enas import ENAS
from netwright.oneshot.fewshot import FewShot
from netwright.oneshot.gradient import Bilevel, Relaxation, Weighed
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
from netwright.oneshot.shared_scores import shared_metrics, shared_score

__all__ = [
    "DARTS",
    "ENAS",
    "GDAS",
    "PCDARTS",
    "PDARTS",
    "SNAS",
    "Bilevel",
    "DARTSMinus",
    "DrNAS",
    "FairDARTS",
    "FewShot",
    "OnceForAll",
    "OneShot",
    "ProxylessNAS",
    "RandomSharing",
    "Relaxation",
    "RobustDARTS",
    "Setting",
    "Shared",
    "SinglePath",
    "Weighed",
    "shared_metrics",
    "shared_score",
]

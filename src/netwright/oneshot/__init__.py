"""One-shot searches: all networks of a space are trained at once."""

from netwright.oneshot.base import OneShot, Setting, Shared
from netwright.oneshot.darts import DARTS
from netwright.oneshot.dartsminus import DARTSMinus
from netwright.oneshot.drnas import DrNAS
from netwright.oneshot.enas import ENAS
from netwright.oneshot.fairdarts import FairDARTS
from netwright.oneshot.fewshot import FewShot
from netwright.oneshot.gdas import GDAS
from netwright.oneshot.gradient import Bilevel, Relaxation, Weighed
from netwright.oneshot.onceforall import OnceForAll
from netwright.oneshot.pcdarts import PCDARTS
from netwright.oneshot.pdarts import PDARTS
from netwright.oneshot.proxylessnas import ProxylessNAS
from netwright.oneshot.rdarts import RobustDARTS
from netwright.oneshot.sampling import RandomSharing, SinglePath
from netwright.oneshot.scoring import shared_accuracy
from netwright.oneshot.snas import SNAS

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
    "shared_accuracy",
]

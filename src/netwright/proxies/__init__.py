"""Proxies: scores of networks that were not trained.

What a network costs on a device is a matter of `targets`, and what is proposed by a score of
`strategies`.
"""

from netwright.proxies.base import Examples, Proxy
from netwright.proxies.fisher import Fisher
from netwright.proxies.grad_norm import GradNorm
from netwright.proxies.grasp import GraSP
from netwright.proxies.jacov import Jacov
from netwright.proxies.naswot import NASWOT
from netwright.proxies.sizes import MACs, Params
from netwright.proxies.snip import SNIP
from netwright.proxies.synflow import Synflow
from netwright.proxies.vote import Vote, scores_of
from netwright.proxies.zen import Zen

__all__ = [
    "NASWOT",
    "SNIP",
    "Examples",
    "Fisher",
    "GraSP",
    "GradNorm",
    "Jacov",
    "MACs",
    "Params",
    "Proxy",
    "Synflow",
    "Vote",
    "Zen",
    "scores_of",
]

"""What strategies learn with: networks as numbers, and what predicts scores from them.

Which network is proposed by a prediction is decided in `strategies`.
"""

from netwright.surrogates.ensemble import Ensemble
from netwright.surrogates.everywhere import Everywhere
from netwright.surrogates.features import Features, features_of
from netwright.surrogates.gaussian_process import GaussianProcess, Gram, Kernel, normal_scores

__all__ = [
    "Ensemble",
    "Everywhere",
    "Features",
    "GaussianProcess",
    "Gram",
    "Kernel",
    "features_of",
    "normal_scores",
]

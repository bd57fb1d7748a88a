"""What strategies learn with: networks as numbers, and what predicts scores from them."""

from netwright.surrogates.ensemble import Ensemble
from netwright.surrogates.features import Features, features_of
from netwright.surrogates.gaussian_process import GaussianProcess, Gram, Kernel, normal_scores

__all__ = [
    "Ensemble",
    "Features",
    "GaussianProcess",
    "Gram",
    "Kernel",
    "features_of",
    "normal_scores",
]

"""What strategies learn with: networks as numbers, and a Gaussian process on them."""

from netwright.surrogates.features import Features, features_of
from netwright.surrogates.process import GaussianProcess, Gram, Kernel, normal_scores

__all__ = ["Features", "GaussianProcess", "Gram", "Kernel", "features_of", "normal_scores"]

"""What learns from trials: networks as numbers, what predicts scores from them, and curves.

Which network is proposed by a prediction is decided in `strategies`, and which training is ended in
`stopping`.
"""

from netwright.surrogates.boosted_trees import BoostedTrees
from netwright.surrogates.curves import ExtrapolatedCurve, ParametricCurves
from netwright.surrogates.ensemble import Ensemble, NetworkEnsemble
from netwright.surrogates.everywhere import Everywhere
from netwright.surrogates.features import Features, features_of
from netwright.surrogates.gaussian_process import GaussianProcess, Gram, Kernel, Posterior
from netwright.surrogates.predictor import Fitted, Predictor
from netwright.surrogates.quantiles import normal_scores

__all__ = [
    "BoostedTrees",
    "Ensemble",
    "Everywhere",
    "ExtrapolatedCurve",
    "Features",
    "Fitted",
    "GaussianProcess",
    "Gram",
    "Kernel",
    "NetworkEnsemble",
    "ParametricCurves",
    "Posterior",
    "Predictor",
    "features_of",
    "normal_scores",
]

"""Estimators of scikit-learn: a whole search behind `fit`, for who wants no network of their own.

What a search does belongs in `run`; here its settings are chosen and its answers given back.
"""

from netwright.estimators.classifier import NetClassifier
from netwright.estimators.loading import load
from netwright.estimators.regressor import NetRegressor

__all__ = ["NetClassifier", "NetRegressor", "load"]

"""Stoppers: which trials go on, whatever strategy proposed them.

What is tried is a matter of `strategies`.
"""

from netwright.stopping.asha import ASHA
from netwright.stopping.base import Stopper, Stopping
from netwright.stopping.halving import Hyperband, SuccessiveHalving
from netwright.stopping.learning_curve import LearningCurve
from netwright.stopping.median import MedianStopping
from netwright.stopping.over import Stopped

__all__ = [
    "ASHA",
    "Hyperband",
    "LearningCurve",
    "MedianStopping",
    "Stopped",
    "Stopper",
    "Stopping",
    "SuccessiveHalving",
]

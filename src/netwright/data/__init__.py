"""Data sets in memory: embedded ones, the user's own, their split and their augmentation."""

from netwright.data.arrays import from_arrays, from_dataset
from netwright.data.augment import Augmentation
from netwright.data.dataset import Data, Part
from netwright.data.sources import load

__all__ = ["Augmentation", "Data", "Part", "from_arrays", "from_dataset", "load"]

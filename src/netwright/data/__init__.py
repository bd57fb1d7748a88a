"""Examples to learn from: raw, encoded, split in parts, and what normalises and augments them.

What their targets mean is a matter of `tasks`.
"""

from netwright.data.arrays import from_arrays, from_dataset
from netwright.data.augment import Augmentation
from netwright.data.base import Data, Part
from netwright.data.dataset import ArrayData, ArrayPart
from netwright.data.look import look
from netwright.data.named import NamedData, from_named
from netwright.data.sources import load

__all__ = [
    "ArrayData",
    "ArrayPart",
    "Augmentation",
    "Data",
    "NamedData",
    "Part",
    "from_arrays",
    "from_dataset",
    "from_named",
    "load",
    "look",
]

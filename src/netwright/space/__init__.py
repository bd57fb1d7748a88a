"""What can be built: choices, spaces and architectures."""

from netwright.space.architecture import Answer, Architecture
from netwright.space.cells import CellGraph, Cells, CellSize
from netwright.space.choose import Choice, Choose
from netwright.space.convert.morph import deepen, inherit, widen
from netwright.space.share.supernet import Supernet
from netwright.space.space import Space

__all__ = [
    "Answer",
    "Architecture",
    "CellGraph",
    "CellSize",
    "Cells",
    "Choice",
    "Choose",
    "Space",
    "Supernet",
    "deepen",
    "inherit",
    "widen",
]

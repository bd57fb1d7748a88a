"""What can be built: choices, spaces and architectures.

Ready spaces, pictures of spaces and networks that share weights do not belong here.
"""

from netwright.space.architecture import Answer, Architecture
from netwright.space.cells import CellGraph, Cells, CellSize
from netwright.space.choose import Choice, Choose
from netwright.space.derived import frozen, restricted, shrunk, widened
from netwright.space.designs import Design
from netwright.space.ensembles import ensembled
from netwright.space.joined import adopted, joined
from netwright.space.space import Space

__all__ = [
    "Answer",
    "Architecture",
    "CellGraph",
    "CellSize",
    "Cells",
    "Choice",
    "Choose",
    "Design",
    "Space",
    "adopted",
    "ensembled",
    "frozen",
    "joined",
    "restricted",
    "shrunk",
    "widened",
]

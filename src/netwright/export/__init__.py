"""The result of a run as files that need nothing of netwright.

Which network that is was decided before, in `run`.
"""

from netwright.export.card import Card
from netwright.export.folder import FILES, MARK, check_folder, is_export, place
from netwright.export.package import Exported, export
from netwright.export.source.source import model_source

__all__ = [
    "FILES",
    "MARK",
    "Card",
    "Exported",
    "check_folder",
    "export",
    "is_export",
    "model_source",
    "place",
]

"""The result of a run as files that need nothing of netwright."""

from netwright.export.card import Card
from netwright.export.package import Exported, export
from netwright.export.source import model_source

__all__ = ["Card", "Exported", "export", "model_source"]

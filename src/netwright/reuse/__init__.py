"""Networks that were exported: what they answer, and their training on other rows.

Their folder is all that is known of them: no run, no store, no space of the user's.
"""

from netwright.reuse.exported import ExportedNetwork, open_exported
from netwright.reuse.predictions import Predictions, predict
from netwright.reuse.retrain import Retrained, retrain

__all__ = ["ExportedNetwork", "Predictions", "Retrained", "open_exported", "predict", "retrain"]

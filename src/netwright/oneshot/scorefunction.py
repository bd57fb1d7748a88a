"""How logits of numbers learn, which cannot be mixed: they are drawn, and rewarded by the loss.

The score function (Williams, "Simple Statistical Gradient-Following Algorithms", 1992), with the
moving mean of the loss as baseline.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from netwright.oneshot.logits import Logits
from netwright.space import Answer

_DECAY = 0.9  # of the moving mean of the loss


class ScoreFunction:
    """The gradient of the mean loss in the logits of what is drawn."""

    def __init__(self, logits: Logits) -> None:
        self._logits = logits
        self._mean = torch.zeros(())
        self._losses = 0  # that the mean is of

    def gradients(self, drawn: Mapping[str, Answer], loss: float) -> dict[str, Tensor]:
        """By name, for the loss of what was drawn."""
        self._losses += 1
        decay = min(_DECAY, 1 - 1 / self._losses)
        advantage = loss - float(self._mean) if self._losses > 1 else 0.0
        self._mean = decay * self._mean + (1 - decay) * loss
        found = {}
        for name in self._logits.drawn:
            logits = self._logits.values[name].detach()
            taken = torch.zeros_like(logits)
            taken[self._logits.space.choices[name].options.index(drawn[name])] = 1.0
            found[name] = advantage * (taken - logits.softmax(0))
        return found

    def state(self) -> dict[str, Tensor]:
        """Everything as tensors by name."""
        return {"baseline": self._mean, "losses": torch.tensor(self._losses)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Be what `state` gave."""
        self._mean, self._losses = state["baseline"], int(state["losses"])

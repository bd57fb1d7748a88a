"""R-DARTS: DARTS that ends when the loss bends ever more in the logits.

Zela et al., "Understanding and Robustifying Differentiable Architecture Search", arXiv 1909.09656:
one of the stronger weight decays that it tries (27e-4), and the end by the largest eigenvalue,
after which the logits of `over` epochs before are taken. Departures: the eigenvalue is that of one
batch of the validation part, by power iteration; and it never goes back to logits of the first half
of the search, in which eigenvalues grow anyway and the logits of a short search say nothing yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netwright.oneshot.relaxations.darts import DARTS


@dataclass(frozen=True)
class RobustDARTS(DARTS):
    """DARTS that ends when the loss bends ever more in the logits.

    The eigenvalue's mean of `over` epochs may not grow by more than a third in as many.

    Raises:
        SettingError: `over` below 1.
    """

    cli_name: ClassVar = "r-darts"

    weight_decay: float = 2.7e-3
    over: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("over", 1)

    @property
    def window(self) -> int:
        """Epochs in which the eigenvalue may not grow too much."""
        return self.over

"""DARTS: a softmax over the options of each choice.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", arXiv 1806.09055; of second
order with the paper's difference of gradients. Departures:

- Logits learn on the validation part, the weights on all of the train part, not on half of it each.
- A space that has no option of nothing ("none") gets none for the search.
- Logits wait for the weights for a fifth of the epochs, and learn faster: a search here has some
  thousand steps, not ten thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.errors import SettingError
from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class DARTS(Relaxation):
    """All options run, weighed by a softmax of the logits.

    With `order` 2 the logits look through a step of the weights, which takes about four times as
    long.

    Raises:
        SettingError: `order` is neither 1 nor 2.
    """

    cli_name: ClassVar = "darts"
    cli_aliases: ClassVar = {"darts-second-order": {"order": 2}}

    order: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in (1, 2) or isinstance(self.order, bool):
            raise SettingError(f"`DARTS(order=...)` must be 1 or 2, got {self.order!r}.")

    @property
    def unrolled(self) -> bool:
        """Whether it is of second order."""
        return self.order == 2

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), which sum to 1."""
        return Weighed(logits.softmax(0))

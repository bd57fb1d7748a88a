"""PC-DARTS: options run on a part of the channels, and edges have weights of their own.

Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search", arXiv
1907.05737. The channels that an option does not get go by, and all are shuffled. What is scored
with shared weights is scored so too; the networks that are trained in the end have all channels.
Departures: as the official code it always takes the first channels, which the shuffling varies; and
edges have weights where a choice of inputs reads them, as in the cells of DARTS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed


@dataclass(frozen=True)
class PCDARTS(Relaxation):
    """Options get 1 / `channel_parts` of the channels, where they are convolutions and poolings.

    Raises:
        SettingError: `channel_parts` below 1.
    """

    cli_name: ClassVar = "pc-darts"

    waiting: float = 0.3
    channel_parts: int = 4
    edge_normalization: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("channel_parts", 1)

    @property
    def parts(self) -> int:
        """Options run on the first of so many parts of their channels."""
        return self.channel_parts

    @property
    def weighs_edges(self) -> bool:
        """Whether edges have weights of their own."""
        return self.edge_normalization

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), which sum to 1."""
        return Weighed(logits.softmax(0))

"""P-DARTS: options are taken away in stages, and skips are dropped out.

Chen, Xie, Wu and Tian, "Progressive Differentiable Architecture Search: Bridging the Depth Gap
between Search and Evaluation", arXiv 1904.12760. At the start of each later stage the least likely
options of each choice are taken away, and the logits of the others begin anew. Departures: the
supernet stays as deep as the space is, since it holds the networks that are trained in the end, and
the number of skips is not cut at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from netwright.oneshot.gradient import Relaxation, Weighed
from netwright.oneshot.logits import Logits

_GONE = -1e4  # the logit of an option that was taken away


@dataclass(frozen=True)
class PDARTS(Relaxation):
    """Takes options away in stages, and drops skips out.

    There are `stages` stages of as many epochs, the last of which has `left` of the options. A skip
    is dropped out with probability `dropped` in the first epoch, which falls to nothing.

    Raises:
        SettingError: A value outside its rule.
    """

    cli_name: ClassVar = "p-darts"

    stages: int = 3
    left: float = 0.4
    dropped: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("stages", 2)
        self._check_number("left", "above 0, at most 1", lambda v: 0 < v <= 1)
        self._check_number("dropped", "from 0 to below 1", lambda v: 0 <= v < 1)

    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """(o,) to (o,), which sum to 1 over the options that are left."""
        left = (logits.detach() > _GONE / 2).nonzero().flatten().tolist()
        return Weighed(logits.softmax(0), tuple(left))

    def with_skips(
        self, weights: Tensor, skips: Tensor, done: float, generator: torch.Generator
    ) -> Tensor:
        """The weights, those of skips nothing, or as much more as keeps their mean."""
        probability = self.dropped * (1 - done)
        kept = float(torch.rand((), generator=generator) >= probability) / (1 - probability)
        return weights * (1 + (kept - 1) * skips.to(weights))

    def before_epoch(self, logits: Logits, epoch: int) -> None:
        """Take options away at the start of a stage."""
        stage = epoch * self.stages // self.epochs
        if epoch == 0 or stage == (epoch - 1) * self.stages // self.epochs:
            return
        for name in logits.mixed:
            value = logits.values[name].data
            share = self.left ** (stage / (self.stages - 1))
            count = max(1, round(share * len(value)))
            best = value.topk(count).indices
            value.fill_(_GONE)
            value[best] = 0.0

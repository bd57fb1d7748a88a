"""Next token: at each place of a text, which token follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks.base import Batches, Classical, Metric, Outputs, Task, only
from netwright.tasks.ngrams import interpolated
from netwright.tasks.split import Rows, split_evenly

PERPLEXITY = Metric("perplexity", "minimize")
BITS = Metric("bits_per_byte", "minimize")
LOSS = Metric("loss", "minimize")
ACCURACY = Metric("accuracy", "maximize", fraction=True)
_METRICS = (PERPLEXITY, BITS, LOSS, ACCURACY)
_BYTES = 257  # ids of single bytes, with 0 for none


class Last(nn.Module):
    """The probabilities of what follows the last place."""

    def forward(self, outputs: Tensor) -> Tensor:
        """Logits (b, t, k) to probabilities (b, k)."""
        return outputs[:, -1].softmax(-1)


@dataclass(frozen=True)
class NextToken(Task):
    """One of `ids` tokens at each place, by logits (b, t, k).

    Targets are ids (b, t) of int64, 0 where nothing is to be said, or probabilities (b, t, k). The
    loss is the cross-entropy, the mean over all places that have a target. `lengths` are the bytes
    of the ids from 257 on; those before are one byte each. `places` is how many a row has at most,
    if that is known.

    Metrics: `perplexity`; `bits_per_byte`, which holds for other tokens too; `loss`, the
    cross-entropy of a token; and `accuracy`, how often the most probable token is the right one.

    Raises:
        SettingError: Fewer than 2 ids, or not a length for each that is no single byte.
    """

    ids: int = _BYTES
    lengths: Sequence[int] = ()
    places: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", tuple(self.lengths))
        if type(self.ids) is not int or self.ids < 2:
            raise SettingError(f"`NextToken(ids=...)` must be at least 2, got {self.ids!r}.")
        if len(self.lengths) != max(0, self.ids - _BYTES):
            raise SettingError(
                f"`NextToken(lengths=...)` must have the bytes of each of the "
                f"{max(0, self.ids - _BYTES):,} ids from {_BYTES} on, got {len(self.lengths):,}."
            )

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """A logit for each id, at each place."""
        return (TensorSpec("output", (None, self.ids), longest=self.places),)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Perplexity, bits a byte, cross-entropy, accuracy."""
        return _METRICS

    def loss(
        self,
        outputs: Outputs,
        targets: Tensor,
        weights: Tensor | None = None,
        *,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The cross-entropy of logits (b, t, k) with ids (b, t) or probabilities (b, t, k)."""
        logits = only(outputs).flatten(0, 1)
        places = targets.shape[1]
        soft = targets.is_floating_point()
        wanted = targets.flatten(0, 1)
        there = torch.ones(len(wanted), device=logits.device) if soft else (wanted > 0).float()
        losses = functional.cross_entropy(
            logits, wanted, reduction="none", label_smoothing=smoothing
        )
        if weights is not None:
            there = there * weights.repeat_interleave(places)
        return (losses * there).sum() / there.sum().clamp(min=1e-9)

    def measure(self, batches: Batches) -> dict[str, float]:
        """All metrics, over the places of all rows that have a target."""
        total, count, size, right = self._counted(batches).sum(0).tolist()
        loss = total / max(1.0, count)
        return {
            PERPLEXITY.name: math.exp(min(loss, 700.0)),
            BITS.name: total / math.log(2) / max(1.0, size),
            LOSS.name: loss,
            ACCURACY.name: right / max(1.0, count),
        }

    def _counted(self, batches: Batches) -> NDArray[np.float64]:
        """Of each row (n, 4): the loss of its places, how many they are, their bytes, the right."""
        bytes_of = torch.tensor([0, *[1] * (min(self.ids, _BYTES) - 1), *self.lengths])
        found = [np.zeros((0, 4))]
        for outputs, targets in batches:
            logits, wanted = only(outputs), targets
            there = wanted > 0
            losses = functional.cross_entropy(
                logits.flatten(0, 1).float(), wanted.flatten(), reduction="none"
            ).view_as(wanted)
            each = (
                torch.where(there, losses, 0.0),
                there,
                bytes_of.to(wanted.device)[wanted],
                (logits.argmax(-1) == wanted) & there,
            )
            found.append(torch.stack([x.double().sum(1) for x in each], 1).cpu().numpy())
        return np.concatenate(found)

    def row_values(self, metric: str, batches: Batches) -> NDArray[np.float64] | None:
        """Of each metric, a ratio of sums over rows, what a row adds to it (linearised)."""
        total, count, size, right = self._counted(batches).T
        sums = {LOSS.name: total, PERPLEXITY.name: total, ACCURACY.name: right}
        over = size * math.log(2) if metric == BITS.name else count
        mean = max(float(over.mean()), 1e-9)
        given = sums.get(metric, total)
        ratio = float(given.mean()) / mean
        away: NDArray[np.float64] = (given - ratio * over) / mean
        if metric == PERPLEXITY.name:
            ratio = math.exp(min(ratio, 700.0))
            away = ratio * away
        return ratio + away

    def soft_targets(self, outputs: Outputs) -> Tensor:
        """Probabilities (b, t, k)."""
        return only(outputs).detach().softmax(-1)

    def split(
        self,
        targets: NDArray[Any],
        *,
        validation: float | None,
        test: float | None,
        rng: np.random.Generator,
        source: str,
    ) -> tuple[Rows, Rows, Rows]:
        """The first rows, those after them and the last: rows are pieces of one text in its order.

        Raises:
            DataError: There are fewer rows than parts.
        """
        alike = np.zeros(len(targets), np.int64)
        parts = split_evenly(alike, validation=validation, test=test, rng=rng, source=source)
        ends = np.cumsum([len(parts[0]), len(parts[1])])
        train, held, last = np.split(np.arange(len(targets)), ends)
        return train, held, last

    def decoder(self) -> nn.Module:
        """Logits (b, t, k) to the probabilities of what follows, (b, k)."""
        return Last()

    @property
    def decoding(self) -> dict[str, Any]:
        """Probabilities of the next token; the encoding says what tokens are."""
        return {**super().decoding, "answer": "next"}

    @property
    def classical(self) -> tuple[Classical, ...]:
        """How often tokens followed the last few before them, with smoothing."""
        name = "n-grams with Kneser-Ney smoothing"
        return (Classical(name, interpolated(self.ids), features="tokens"),)

    @property
    def words(self) -> str:
        """Of how many."""
        return f"the next of {self.ids - 1:,} tokens"

    def to_json(self) -> dict[str, Any]:
        """How many ids there are, how long they are, and the metrics."""
        return {
            "kind": "next_token",
            "names": [],
            "ids": self.ids,
            "lengths": list(self.lengths),
            "places": self.places,
            "metrics": [metric.to_json() for metric in self.metrics],
        }

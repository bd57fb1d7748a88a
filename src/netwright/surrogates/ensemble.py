"""An ensemble of small networks that predict scores from the rows of `Features`.

White, Neiswanger and Savani, BANANAS, arXiv 1910.11858, section 4, has five feedforward networks on
the path encoding. Departures: two hidden layers instead of ten; squared error of normal scores
instead of relative error of accuracies; and it goes on learning from one trial to the next instead
of beginning anew, so that a trial costs the same however many there were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.surrogates.bagging import bootstrap, widening
from netwright.surrogates.features import Array, Features
from netwright.surrogates.known import FittedRows, Known
from netwright.surrogates.predictor import Fitted, Predictor
from netwright.surrogates.quantiles import normal_scores

_BUCKETS = 192  # that sequences fall into, by a hash that is the same in every process
_HIDDEN = 48
_BATCH = 32
_STEPS = 12  # after each trial
_RATE = 0.01
_DECAY = 1e-3
_LEAST_STEPS, _MOST_STEPS = 200, 1200  # where all trials are learnt from at once


@dataclass(frozen=True)
class NetworkEnsemble(Predictor):
    """Predicts by small networks, as BANANAS does, all trained on the same rows at once.

    `members` networks begin with weights that are drawn by `seed`; their mean is predicted, and
    their deviation. The scores are taken by their ranks (see `quantiles`).

    Raises:
        SettingError: `members` is no whole number, at least 2, or `seed` none, at least 0.
    """

    orderless: ClassVar = True

    members: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(self, members=2, seed=0)

    def fit(
        self, space: Space, architectures: Sequence[Architecture], scores: Sequence[float] | Array
    ) -> Fitted:
        """Learn from n networks: minus infinity is the score of one that did not end well.

        Raises:
            SettingError: As of `Predictor.fit`.
        """
        known = Known.of(self, space, architectures, scores)
        ensemble = Ensemble(known.features, self.members, self.seed)
        widened = ensemble.learn_all(known.rows, known.quantiles.normal)
        return FittedRows(known, ensemble.predict, widened)


class Ensemble:
    """Members with weights of their own, trained on the same trials from other beginnings."""

    def __init__(self, features: Features, members: int, seed: int = 0) -> None:
        self._features, self._members = features, members
        self._rng = np.random.default_rng(seed)
        widths = features.width(0) + features.width(2) + _BUCKETS
        sizes = [widths, _HIDDEN, _HIDDEN, 1]
        generator = torch.Generator().manual_seed(seed)
        self._weights = [
            (torch.randn(members, a, b, generator=generator) / math.sqrt(a)).requires_grad_()
            for a, b in pairwise(sizes)
        ]
        self._biases = [torch.zeros(members, 1, b, requires_grad=True) for b in sizes[1:]]
        self._optimizer = torch.optim.AdamW(
            [*self._weights, *self._biases], _RATE, weight_decay=_DECAY, foreach=False
        )
        self._inputs = torch.zeros(0, widths)
        self._gains: list[float] = []
        self._buckets: list[int] = []  # of the features' sequences

    def learn(self, row: int, gain: float) -> None:
        """One more trial; a gain of minus infinity is one that did not end well."""
        self._inputs = torch.cat([self._inputs, self._read(np.array([row]))])
        self._gains.append(gain)
        n = len(self._gains)
        targets = torch.from_numpy(normal_scores(self._gains)).float()
        for _ in range(_STEPS if n > 1 else 0):
            batch = self._rng.integers(n, size=(self._members, min(n, _BATCH)))
            batch[:, 0] = n - 1
            self._step(batch, targets)

    def learn_all(self, rows: NDArray[np.int64], normal: Array) -> float:
        """All of n networks at once, with their normal scores, from the beginning.

        Each member learns from a sample of its own. Returned is by what `predict`'s deviation is to
        be multiplied.
        """
        self._inputs = self._read(rows)
        n, targets = len(rows), torch.from_numpy(normal).float()
        drawn = bootstrap(self._rng, self._members, n)
        steps = min(_MOST_STEPS, max(_LEAST_STEPS, _STEPS * n))
        for step in range(steps if n > 1 else 0):
            for group in self._optimizer.param_groups:
                group["lr"] = _RATE * (1 + math.cos(math.pi * step / steps)) / 2
            places = self._rng.integers(n, size=(self._members, min(n, _BATCH)))
            self._step(np.take_along_axis(drawn, places, axis=1), targets)
        with torch.no_grad():
            said = self._forward(self._inputs.expand(self._members, -1, -1)).double().numpy()
        return widening(said, normal, drawn)

    def _step(self, batch: NDArray[np.int64], targets: Tensor) -> None:
        """One step of each member on rows of its own, of a batch (members, b)."""
        self._optimizer.zero_grad()
        loss = functional.mse_loss(self._forward(self._inputs[batch]), targets[batch])
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    @torch.no_grad()
    def predict(self, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Mean and deviation over the members, of the normal scores at n rows."""
        inputs = self._read(rows).expand(self._members, -1, -1)
        made = self._forward(inputs).double().numpy()
        return made.mean(0), made.std(0)

    def _forward(self, x: Tensor) -> Tensor:
        """(members, b, d) to (members, b)."""
        last = len(self._weights) - 1
        for place, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if place < last:
                x = functional.relu(x)
        return x[..., 0]

    def _read(self, rows: NDArray[np.int64]) -> Tensor:
        graph, block, answers = (self._features.block(which, rows) for which in range(3))
        for sequence in list(self._features.columns)[len(self._buckets) :]:
            digest = sha256("\n".join(sequence).encode()).digest()
            self._buckets.append(int.from_bytes(digest[:4]) % _BUCKETS)
        sequences = np.zeros((_BUCKETS, len(rows)))
        np.add.at(sequences, self._buckets[: block.shape[1]], block.T)
        return torch.from_numpy(np.hstack([graph, sequences.T, answers])).float()

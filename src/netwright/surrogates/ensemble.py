"""An ensemble of small networks that predict scores from the rows of `Features`.

White, Neiswanger and Savani, BANANAS, arXiv 1910.11858, section 4, has five feedforward networks on
the path encoding. Departures: two hidden layers instead of ten; squared error of normal scores
instead of relative error of accuracies; and it goes on learning from one trial to the next instead
of beginning anew, so that a trial costs the same however many there were.
"""

from __future__ import annotations

import math
from hashlib import sha256
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from netwright.surrogates.features import Array, Features
from netwright.surrogates.gaussian_process import normal_scores

_BUCKETS = 192  # that sequences fall into, by a hash that is the same in every process
_HIDDEN = 48
_BATCH = 32
_STEPS = 12  # after each trial
_RATE = 0.01
_DECAY = 1e-3


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

"""How sharply the validation loss bends in the logits, which says when a search begins to collapse.

Zela et al., "Understanding and Robustifying Differentiable Architecture Search", arXiv 1909.09656:
networks get worse once the largest eigenvalue of the second derivative grows fast. A search is
ended when the mean of the last epochs is more than a third above that of as many epochs before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

_STEPS = 10  # of the power iteration
_NEAR = 0.01  # how far the logits move for a difference
_RATIO = 0.75  # of the earlier mean to the later, below which a search is ended


class Curvature:
    """The eigenvalues of all epochs, and the logits of the last `window` ones."""

    def __init__(self, window: int) -> None:
        self._window = window
        self.eigenvalues: list[float] = []
        self._logits: list[Mapping[str, Tensor]] = []

    @property
    def oldest(self) -> Mapping[str, Tensor]:
        """The logits of `window` epochs ago."""
        return self._logits[0]

    def told(
        self, eigenvalue: float, logits: Mapping[str, Tensor], *, may_end: bool
    ) -> dict[str, float]:
        """What is known after an epoch: the eigenvalue, and whether the search is to end."""
        found = {"eigenvalue": eigenvalue}
        self.eigenvalues.append(eigenvalue)
        self._logits = [*self._logits, logits][-self._window - 1 :]
        if may_end and len(self.eigenvalues) >= 2 * self._window:
            later = sum(self.eigenvalues[-self._window :])
            before = sum(self.eigenvalues[-2 * self._window : -self._window])
            if later > 0 and before < _RATIO * later:
                found |= {"sharpened": 1.0, "collapsed": 1.0}
        return found

    def state(self) -> dict[str, Tensor]:
        """Everything as tensors by name."""
        found = {
            f"past.{age}.{name}": value
            for age, logits in enumerate(self._logits)
            for name, value in logits.items()
        }
        return {**found, "eigenvalues": torch.tensor(self.eigenvalues, dtype=torch.float64)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Be what `state` gave."""
        self.eigenvalues = state["eigenvalues"].tolist()
        ages: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            if key.startswith("past."):
                _, age, name = key.split(".", 2)
                ages.setdefault(int(age), {})[name] = value
        self._logits = [ages[age] for age in sorted(ages)]


def dominant_eigenvalue(
    gradient: Callable[[], Sequence[Tensor]], parameters: Sequence[Tensor], seed: int
) -> float:
    """The eigenvalue of largest size of the derivative of `gradient` in the parameters.

    By power iteration, with differences of gradients; the parameters are afterwards as before.
    """
    generator = torch.Generator().manual_seed(seed)
    before = [p.detach().clone() for p in parameters]
    vector = [torch.randn(p.shape, generator=generator).to(p) for p in parameters]
    found = 0.0
    try:
        for _ in range(_STEPS):
            norm = _norm(vector)
            if norm == 0:
                return 0.0
            vector = [v / norm for v in vector]
            sides = []
            for sign in (_NEAR, -_NEAR):
                with torch.no_grad():
                    for p, start, v in zip(parameters, before, vector, strict=True):
                        p.copy_(start + sign * v)
                sides.append([g.detach() for g in gradient()])
            product = [(a - b) / (2 * _NEAR) for a, b in zip(*sides, strict=True)]
            found = sum(float((v * h).sum()) for v, h in zip(vector, product, strict=True))
            vector = product
    finally:
        with torch.no_grad():
            for p, start in zip(parameters, before, strict=True):
                p.copy_(start)
    return found


def _norm(vector: Sequence[Tensor]) -> float:
    return float(torch.cat([v.flatten() for v in vector]).norm())

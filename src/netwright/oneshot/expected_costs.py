"""What a network drawn by the logits is expected to cost, with a gradient: limits in the search.

As Cai, Zhu and Han, "ProxylessNAS", arXiv 1812.00332, section 3.3, the expected cost is the sum
over all options of how likely each is times what it costs. What options cost here is a linear model
of some random networks' costs or of their logarithms, on any metric that can be limited, so that no
table is needed. The factor of the penalty grows while the network that the logits prefer breaks a
limit, and shrinks while it keeps all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.errors import SpaceError
from netwright.evaluate.costs import Costs
from netwright.oneshot.logits import Logits
from netwright.space import Architecture, Space
from netwright.space.cells import places
from netwright.space.choose import Ask, Choice

_MEASURED = 60  # random networks that are measured for the linear model
_SURVEYED = 100  # where nothing has to be measured
_RIDGE = 0.1
_FIRST, _GROWS, _SHRINKS = 0.1, 1.5, 0.9  # of the factor
_FEW = 0.05  # of a limit, at least, that an expectation is taken for
_REPAIRS = 1000


class Expected:
    """The limited costs as linear functions of the options, each as a share of its bound.

    `factors` (m,) are those of the penalty, one for each limit. What options cost is found out when
    it is first asked, unless `load` brought it: latencies are never the same when measured again.
    """

    def __init__(self, logits: Logits, costs: Costs, seed: int) -> None:
        self._logits, self._costs, self._seed = logits, costs, seed
        self._space: Space = logits.space
        self._columns = self._space.columns()
        self.factors = torch.full((len(costs.limits),), _FIRST)
        self._weights = torch.empty(0)  # (m, d)
        self._constants = torch.empty(0)  # (m,)
        self._sums: list[bool] = []  # of each limit, whether costs add up, or their logarithms do

    def state(self) -> dict[str, Tensor]:
        """Everything as tensors by name."""
        return {
            "limits.factors": self.factors,
            "limits.weights": self._weights,
            "limits.constants": self._constants,
            "limits.sums": torch.tensor(self._sums, dtype=torch.bool),
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Be what `state` gave."""
        self.factors = state["limits.factors"].clone()
        self._weights, self._constants = state["limits.weights"], state["limits.constants"]
        self._sums = state["limits.sums"].tolist()

    def _fit(self) -> None:
        """Find out what options cost, from random networks."""
        if self._sums:
            return
        rng, costs = np.random.default_rng([self._seed, 7]), self._costs
        weights, constants = [], []
        for limit in costs.limits:
            count = _MEASURED if limit.metric.target else _SURVEYED
            members = [self._space.sample(rng) for _ in range(count)]
            values = [costs.metric(limit.metric, member) / limit.bound for member in members]
            known = [i for i, value in enumerate(values) if math.isfinite(value)]
            rows = self._space.encode([members[i] for i in known])
            slopes, constant, sums = _model(rows, np.array([values[i] for i in known]))
            weights.append(torch.tensor(slopes, dtype=torch.get_default_dtype()))
            constants.append(constant)
            self._sums.append(sums)
        self._weights, self._constants = torch.stack(weights), torch.tensor(constants)

    def penalty(self) -> Tensor:
        """The factors times the logarithms of the expected shares, a scalar."""
        self._fit()
        found = self._weights @ self._chances() + self._constants
        logs = [
            value.clamp(min=_FEW).log() if sums else value
            for value, sums in zip(found, self._sums, strict=True)
        ]
        return (self.factors * torch.stack(logs)).sum()

    def adapt(self, preferred: Architecture) -> dict[str, float]:
        """Move the factors by what the preferred network costs; what is to be known of it."""
        found = {}
        for i, limit in enumerate(self._costs.limits):
            share = self._costs.metric(limit.metric, preferred) / limit.bound
            self.factors[i] *= _GROWS if share > 1 else _SHRINKS
            found[f"share of {limit.metric}"] = share
        return found

    def repaired(self, member: Architecture) -> Architecture | None:
        """A member within the limits, by the changes that the logits regret least for their cost.

        None where no change leads there.
        """
        likely = self._logits.probabilities()
        logs = {name: np.log(np.maximum(p, 1e-12)) for name, p in likely.items()}
        self._fit()
        for _ in range(_REPAIRS):
            if self._costs.keeps(member):
                return member
            broken = self._weights[self._broken(member)].tolist()
            cost = dict(zip(self._columns, broken, strict=True))
            moves = []
            for name, answer in member.answers.items():
                choice = self._space.choices[name]
                if name not in logs or choice.kind == "inputs":
                    continue
                now = logs[name][choice.options.index(answer)]
                for place, option in enumerate(choice.options):
                    saved = cost[name, answer] - cost[name, option]
                    if saved > 0:
                        moves.append(((now - logs[name][place]) / saved, name, option))
            for _, name, option in sorted(moves, key=lambda move: move[0]):
                changed = self._changed(member, name, option)
                if changed is not None:
                    member = changed
                    break
            else:
                return None
        return None

    def _changed(self, member: Architecture, name: str, option: object) -> Architecture | None:
        answers = {**member.answers, name: option}

        def pick(choice: Choice) -> object:
            return answers.get(choice.name, choice.options[0])

        try:
            changed = self._space.answered(pick)  # type: ignore[arg-type]
        except SpaceError:  # a rule between choices forbids it
            return None
        return changed if changed != member else None

    def _broken(self, member: Architecture) -> int:
        """The limit that a member breaks most, or keeps with the least to spare."""
        limits = self._costs.limits
        shares = [self._costs.metric(limit.metric, member) / limit.bound for limit in limits]
        return int(np.argmax(shares))

    def _chances(self) -> Tensor:
        """How likely each column of the encoding is 1, (d,)."""
        likely = {name: self._of(choice) for name, choice in self._space.choices.items()}
        active: dict[str, Tensor] = {}
        _walk(self._space.asks, torch.ones(()), likely, active)
        nothing = torch.zeros(())
        return torch.stack(
            [
                active.get(name, nothing)
                * likely[name][self._space.choices[name].options.index(option)]
                for name, option in self._columns
            ]
        )

    def _of(self, choice: Choice) -> Tensor:
        """How likely the options of a choice are, (o,)."""
        value = self._logits.values.get(choice.name)
        if choice.late:
            return torch.eye(len(choice.options))[0]
        if value is None:
            return torch.full((len(choice.options),), 1 / len(choice.options))
        likely = value.softmax(0).cpu()
        if choice.kind != "inputs" or choice.name in self._logits.drawn:
            return likely
        together = torch.stack([likely[list(places(o))].prod() for o in choice.options])
        return together / together.sum()


def _model(
    rows: NDArray[np.float32], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, bool]:
    """A linear model of values or of their logarithms, whichever foretells every fourth better.

    Its weights (d,), its constant, and whether it is of the values.
    """
    held = np.arange(len(values)) % 4 == 3
    errors = {}
    for sums in (True, False):
        targets = values if sums else np.log(np.maximum(values, _FEW))
        weights, constant = _ridge(rows[~held], targets[~held])
        said = rows[held] @ weights + constant
        logs = np.log(np.maximum(said, _FEW)) if sums else said
        errors[sums] = float(np.mean((logs - np.log(np.maximum(values[held], _FEW))) ** 2))
    best = min(errors, key=lambda sums: errors[sums])
    targets = values if best else np.log(np.maximum(values, _FEW))
    return *_ridge(rows, targets), best


def _ridge(
    rows: NDArray[np.float32], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """The weights (d,) and the constant of ridge regression; the constant is not shrunk."""
    centre, level = rows.mean(0, dtype=np.float64), float(values.mean())
    centred = rows - centre
    gram = centred.T @ centred + _RIDGE * np.eye(len(centre))
    weights = np.linalg.solve(gram, centred.T @ (values - level))
    return weights, level - float(centre @ weights)


def _walk(
    scope: list[Ask], probability: Tensor, likely: Mapping[str, Tensor], active: dict[str, Tensor]
) -> None:
    """Add how likely the choices of a scope are asked, which itself is asked with a probability."""
    for ask in scope:
        name = ask.choice.name
        before = active.get(name)
        active[name] = probability if before is None else torch.maximum(before, probability)
        for branch in ask.branches:
            reached = [
                i
                for i, option in enumerate(ask.choice.options)
                if any(found is branch for found in ask.active(option))
            ]
            if branch and reached:
                _walk(branch, probability * likely[name][reached].sum(), likely, active)

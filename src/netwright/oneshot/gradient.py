"""Relaxations: all options run side by side, and their weights are learned by gradient.

One bilevel loop for all of them (Liu, Simonyan and Yang, DARTS, arXiv 1806.09055, algorithm 1): the
logits take a step on a batch of the validation part, then the weights one on a batch of the train
part. A relaxation says how logits become weights of options, and which options run.

It works on every space that can be shared. Options whose outputs can be summed are mixed, steps of
a `repeat` and inputs that are read through edges too. Numbers, such as widths and kernel sizes,
cannot be summed: they are drawn, and their logits learn as `scorefunction.py` says.

A search may collapse: the logits turn to options without weights, such as skips, which are the
easiest to learn with (Zela et al., arXiv 1909.09656). When most of the preferred options are such,
and they have become likelier than they were, the search ends with the logits of the epoch before,
as Liang et al., DARTS+, arXiv 1909.06035, who count skips.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.oneshot.base import MOMENTUM, Batch, OneShot, Setting, Shared, always
from netwright.oneshot.curvature import Curvature, dominant_eigenvalue
from netwright.oneshot.expected_costs import Expected
from netwright.oneshot.logits import Logits
from netwright.oneshot.scorefunction import ScoreFunction
from netwright.oneshot.shared_scores import ignores_input
from netwright.oneshot.unrolled import frozen, unrolled
from netwright.space import Answer, Architecture

_GAINED = 0.01  # by options without weights, from which on they do not lead by accident


@dataclass(frozen=True)
class Weighed:
    """The weights of o options, and the places of those that run, None for all."""

    weights: Tensor
    running: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Relaxation(OneShot):
    """A one-shot search that learns the weights of options by gradient.

    Logits are learned by Adam at `logit_rate`, with a weight decay of `logit_decay`. In the first
    `waiting` share of the epochs only the weights learn. When more than an `alarm` share of the
    preferred options has no weights the search ends, see above; with 1 it never does.
    """

    logit_rate: float = 3e-3
    logit_decay: float = 1e-3
    waiting: float = 0.2
    alarm: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_number("logit_rate", "above 0", lambda v: v > 0)
        self._check_number("logit_decay", "at least 0", lambda v: v >= 0)
        self._check_number("waiting", "from 0 to below 1", lambda v: 0 <= v < 1)
        self._check_number("alarm", "from 0 to 1", lambda v: 0 <= v <= 1)

    @abstractmethod
    def weigh(self, logits: Tensor, done: float, generator: torch.Generator) -> Weighed:
        """Weights of options from their o logits; `done` is the share of the search, 0 to 1."""

    def penalty(self, logits: Sequence[Tensor]) -> Tensor | float:
        """What is added to the loss of the validation part."""
        return 0.0

    def with_skips(
        self, weights: Tensor, skips: Tensor, done: float, generator: torch.Generator
    ) -> Tensor:
        """The weights (o,) that are used, where `skips` (o,) are 1 for options that pass on."""
        return weights

    def before_epoch(self, logits: Logits, epoch: int) -> None:
        """Change logits before an epoch, the first of which is 0."""

    @property
    def parts(self) -> int:
        """Options run on the first of so many parts of their channels, where they can."""
        return 1

    @property
    def weighs_edges(self) -> bool:
        """Whether edges that are choices of inputs have weights of their own."""
        return False

    @property
    def window(self) -> int:
        """Epochs in which the eigenvalue may not grow too much, see `rdarts.py`; 0 for any."""
        return 0

    @property
    def unrolled(self) -> bool:
        """Whether logits look through a step of the weights (second order)."""
        return False

    def begin(self, setting: Setting) -> Bilevel:
        """A supernet with fresh weights, and logits that prefer nothing."""
        return Bilevel(self, setting)


class Bilevel(Shared):
    """The state of a relaxation: a supernet and logits."""

    def __init__(self, settings: Relaxation, setting: Setting) -> None:
        super().__init__(settings, setting)
        self.relaxation = settings
        self.partial = self.supernet.partial(settings.parts) if settings.parts > 1 else 0.0
        self.logits = Logits(self.supernet, weigh_edges=settings.weighs_edges)
        for name in self.logits.mixed:
            self.supernet.without_gains(name)
        self._skips = {
            name: torch.tensor(self.supernet.passes(name), dtype=torch.get_default_dtype())
            for name in self.logits.mixed
            if setting.space.choices[name].kind == "one_of"
        }
        self._curvature = Curvature(settings.window)
        self._parameters = [p for p in self.supernet.parameters() if p.requires_grad]
        self._adam = torch.optim.Adam(
            [*self.logits.values.values()] or [nn.Parameter(torch.zeros(1))],
            settings.logit_rate,
            betas=(0.5, 0.999),
            weight_decay=settings.logit_decay,
            foreach=False,
        )
        costs = setting.costs
        self.expected = Expected(self.logits, costs, setting.seed) if costs.limits else None
        self._by_score = ScoreFunction(self.logits)

    def candidates(
        self, rng: np.random.Generator, count: int, goes_on: Callable[[], bool] = always
    ) -> list[Architecture]:
        """What the logits prefer, then members drawn by them; changed to keep the limits.

        Those whose output depends on no input are named where there are no others.
        """
        found: dict[Architecture, bool] = {}
        for attempt in range(20 * count):
            if sum(found.values()) >= count:
                break
            drawn = self.logits.draw(rng) if attempt else self.logits.best()
            member = self.expected.repaired(drawn) if self.expected else drawn
            if member is not None and member not in found:
                found[member] = not ignores_input(self, member)
        useful = [member for member, reads in found.items() if reads]
        return (useful or list(found))[:count]

    def advance(self) -> dict[str, float]:
        """Train for an epoch; if the search collapses in it, its logits are not taken."""
        self.relaxation.before_epoch(self.logits, self.epoch)
        before = self.logits.copy()
        found = super().advance()
        if self.expected is not None:
            found |= self.expected.adapt(self.logits.best())
        if found.get("collapsed"):
            self.collapsed = True
            self.logits.take(self._curvature.oldest if found.get("sharpened") else before)
        return found

    def told(self) -> dict[str, float]:
        """How undecided the logits are, 1 to 0, and how far they prefer options without weights."""
        found = {"entropy": self.logits.entropy()}
        free = self.logits.parameter_free()
        if free is not None:
            share, gained = free
            found |= {"parameter_free": share}
            if share > self.relaxation.alarm and gained > _GAINED:
                found |= {"collapsed": 1.0}
        if self.partial:
            found |= {"partial": self.partial}
        if (window := self.relaxation.window) and self._learns and self.logits.mixed:
            settled = 2 * (self.epoch - window) >= self.relaxation.epochs
            logits = self.logits.copy()
            found |= self._curvature.told(self._eigenvalue(), logits, may_end=settled)
        return found

    def preferences(self) -> dict[str, list[float]]:
        """The probabilities of the options of each choice, by the logits."""
        return {name: p.tolist() for name, p in self.logits.probabilities().items()}

    def _eigenvalue(self) -> float:
        """The largest one of the second derivative of the validation loss in the logits."""
        batch, drawn = next(self._some("validation", 1)), self._drawn()
        before = self._generator.get_state()

        def gradient() -> list[Tensor]:
            self._generator.set_state(before)
            return list(self.first_order(batch, drawn)[0].values())

        logits = [self.logits.values[name] for name in self.logits.by_gradient]
        return dominant_eigenvalue(gradient, logits, self._seed(5))

    @property
    def _learns(self) -> bool:
        """Whether the logits learn in the present epoch."""
        return self.epoch >= int(self.relaxation.waiting * self.relaxation.epochs)

    @property
    def done(self) -> float:
        """The share of the search, 0 to 1."""
        return min(1.0, self.epoch / max(1, self.relaxation.epochs - 1))

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        if self._learns:
            self._learn_logits(place, batch, other)
        with torch.no_grad():
            self._mix(self._drawn())
        return self._learn(place, batch)

    # -- logits -----------------------------------------------------------------------------------

    def _learn_logits(self, place: int, batch: Batch, other: Batch) -> None:
        drawn = self._drawn()
        if self.relaxation.unrolled and self.logits.by_gradient:
            found, loss = self.second_order(batch, other, drawn, self.rate(place))
        else:
            found, loss = self.first_order(other, drawn)
        for name, gradient in found.items():
            self.logits.values[name].grad = gradient
        for name, gradient in self._by_score.gradients(drawn, loss).items():
            self.logits.values[name].grad = gradient
        if self.expected is not None:
            self._add_gradient(self.expected.penalty())
        self._adam.step()

    def rehearse(self, batch: Batch, other: Batch) -> None:
        """Take steps of weights and logits with the largest numbers, where numbers are drawn."""
        space = self.setting.space
        last = {name: choice.options[-1] for name, choice in space.choices.items()}
        answers = {**last, **space.largest().answers}
        drawn = {name: answers[name] for name in self.logits.drawn}
        self._generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            self._mix(drawn)
        self._learn(0, batch)
        if self.relaxation.unrolled and self.logits.by_gradient:
            self.second_order(batch, other, drawn, self.rate(0))
        else:
            self.first_order(other, drawn)

    def unshared(self) -> list[object]:
        """The logits, and what knows them."""
        return [*super().unshared(), self.logits, self.expected, self._by_score, self._adam]

    def _add_gradient(self, penalty: Tensor) -> None:
        """Add the gradient of a penalty on the logits to theirs."""
        values = [value for value in self.logits.values.values() if value.grad is not None]
        for value, gradient in zip(
            values, torch.autograd.grad(penalty, values, allow_unused=True), strict=True
        ):
            if gradient is not None and value.grad is not None:
                value.grad = value.grad + gradient

    def first_order(
        self, batch: Batch, drawn: Mapping[str, Answer]
    ) -> tuple[dict[str, Tensor], float]:
        """The gradient of a batch's loss in the logits of mixed choices, by name; and the loss."""
        names = self.logits.by_gradient
        logits = [self.logits.values[name] for name in names]
        with frozen(self._parameters):
            self._mix(drawn)
            loss = batch.loss(self.supernet)
            whole = loss + self.relaxation.penalty(logits)
            found = torch.autograd.grad(whole, logits, allow_unused=True) if names else ()
        return {
            name: torch.zeros_like(logit) if gradient is None else gradient
            for name, logit, gradient in zip(names, logits, found, strict=True)
        }, float(loss.detach())

    def second_order(
        self, batch: Batch, other: Batch, drawn: Mapping[str, Answer], rate: float
    ) -> tuple[dict[str, Tensor], float]:
        """The gradient of the validation loss after one step of the weights, equation 7 of DARTS.

        The step is that of the optimiser, with its momentum and weight decay; see `unrolled.py`.
        """
        names = self.logits.by_gradient
        logits = [self.logits.values[name] for name in names]
        before = self._generator.get_state()

        def loss_of(which: Batch) -> Tensor:
            self._generator.set_state(before)
            self._mix(drawn)
            return which.loss(self.supernet)

        found, loss = unrolled(
            logits,
            self._parameters,
            training=lambda: loss_of(batch),
            validation=lambda: loss_of(other),
            penalty=lambda: self.relaxation.penalty(logits),
            step=lambda parameter, gradient: rate * self._towards(parameter, gradient),
            moved=rate * (1 + MOMENTUM),
        )
        return dict(zip(names, found, strict=True)), loss

    def _towards(self, parameter: nn.Parameter, gradient: Tensor) -> Tensor:
        """What SGD with Nesterov momentum would subtract, but for the learning rate."""
        gradient = gradient + self.relaxation.weight_decay * parameter
        momentum = self._optimizer.state.get(parameter, {}).get("momentum_buffer")
        moved = gradient if momentum is None else MOMENTUM * momentum + gradient
        return gradient + MOMENTUM * moved

    # -- the supernet -----------------------------------------------------------------------------

    def _drawn(self) -> dict[str, Answer]:
        """Answers to the choices that cannot be mixed."""
        if not self.logits.drawn:
            return {}
        probabilities = self.logits.probabilities()
        answers = dict(self.logits.draw(self._rng).answers)  # so that rules between choices hold
        for name in self.logits.drawn:
            if name not in answers:
                options, p = self.setting.space.choices[name].options, probabilities[name]
                answers[name] = options[int(self._rng.choice(len(options), p=p / p.sum()))]
        return {name: answers[name] for name in self.logits.drawn}

    def _mix(self, drawn: Mapping[str, Answer]) -> None:
        """Let the supernet compute what the logits say; `drawn` answers the other choices."""
        weights: dict[str, Tensor] = {}
        running: dict[str, Sequence[int]] = {}
        for name in self.logits.mixed:
            made = self.relaxation.weigh(self.logits.values[name], self.done, self._generator)
            mixed = made.weights
            if name in self._skips:
                skips = self._skips[name]
                mixed = self.relaxation.with_skips(mixed, skips, self.done, self._generator)
            weights[name] = _placed(mixed, self.setting.device)
            if self.setting.space.choices[name].kind == "inputs":  # in sum as many as are read
                option = self.setting.space.choices[name].options[-1]
                weights[name] = weights[name] * len(option)  # type: ignore[arg-type]
            if made.running is not None:
                running[name] = made.running
        for name, edges in self.logits.edges.items():
            known = self.logits.values.get(name)
            each = torch.ones(len(edges)) if known is None else known.softmax(0)
            weights[name] = _placed(each, self.setting.device)
        self.supernet.mix(weights, drawn, running=running)

    # -- on disk ----------------------------------------------------------------------------------

    def _more_state(self) -> dict[str, Tensor]:
        found = {
            "collapsed": torch.tensor(self.collapsed),
            **self._by_score.state(),
            **self._curvature.state(),
        }
        if self.expected is not None:
            found |= self.expected.state()
        for name, value in self.logits.values.items():
            found[f"logits.{name}"] = value.detach()
            for key, kept in self._adam.state.get(value, {}).items():
                found[f"adam.{key}.{name}"] = kept
        return found

    def _load_more(self, state: Mapping[str, Tensor]) -> None:
        self._by_score.load(state)
        self.collapsed = bool(state["collapsed"])
        self._curvature.load(state)
        if self.expected is not None:
            self.expected.load(state)
        for name, value in self.logits.values.items():
            with torch.no_grad():
                value.copy_(state[f"logits.{name}"])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                if (kept := state.get(f"adam.{key}.{name}")) is not None:
                    self._adam.state[value][key] = kept.clone()


class _Crossing(torch.autograd.Function):
    """To the meta device, from which no gradient comes back but nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.detach().to("meta")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return torch.zeros(gradients[0].shape, dtype=gradients[0].dtype)


def _placed(x: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device, with its gradient."""
    return _Crossing.apply(x) if device.type == "meta" else x.to(device)  # type: ignore[no-untyped-call]

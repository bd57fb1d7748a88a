"""Fitting a network to a part held in memory: whole batches, one generator, no loader.

The recipe is what measured best on small images: SGD with Nesterov momentum (or AdamW), a short
linear warm-up and a cosine to nothing, label smoothing, CutMix, weight decay on matrices only, and
the running average of the weights, which costs nothing when the network is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from netwright.data import Augmentation, Part
from netwright.errors import EvaluationError, SettingError
from netwright.evaluate.continued import Standing, Tensors
from netwright.evaluate.cutmix import mix
from netwright.evaluate.kept_answers import kept
from netwright.network.normalised import each_of
from netwright.network.outputs import described
from netwright.network.rows import rows_at_once
from netwright.network.strided_convolution import taken_first
from netwright.tasks import Outputs, Task
from netwright.trial import Budget

OPTIMIZERS = ("sgd", "adamw")
_STEPS = 900  # a training has as many at least, by smaller batches down to 16,
_FEW_STEPS = 300  # or as many as there are rows, but so many at least
_ROWS = 1000  # that are scored at once, at most


@dataclass(frozen=True)
class Schedule:
    """How to fit: the optimiser and what changes over time.

    `warmup` is the share of all steps in which the learning rate rises; `average` is the decay of
    the running average of the weights a step, 0 for none; `cutmix` and `mixup` the parameters of
    the Beta distributions of these, 0 for none.

    Raises:
        SettingError: A value outside its range.
    """

    batch: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    warmup: float = 0.15
    average: float = 0.99
    cutmix: float = 0.0
    mixup: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise SettingError(
                f"`optimizer` must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}."
            )
        ranges = {
            "batch": (1, math.inf),
            "learning_rate": (1e-9, 1e3),
            "weight_decay": (0, 1e3),
            "label_smoothing": (0, 0.999),
            "warmup": (0, 1),
            "average": (0, 0.999999),
            "cutmix": (0, 100),
            "mixup": (0, 100),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            kind = int if name == "batch" else int | float
            if isinstance(value, bool) or not isinstance(value, kind):
                whole = "whole " if name == "batch" else ""
                raise SettingError(f"`{name}` must be a {whole}number, got {value!r}.")
            if not low <= value <= high:
                raise SettingError(f"`{name}` must be from {low:g} to {high:g}, got {value!r}.")

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step."""
        return self.rate_at((step + 0.5) / steps)

    def rate_at(self, done: float) -> float:
        """The learning rate after a share of the schedule, from 0 to 1."""
        if done < self.warmup:
            return self.learning_rate * done / self.warmup
        return (
            self.learning_rate
            * 0.5
            * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup)))
        )


def with_steps(schedule: Schedule, epochs: int, rows: int) -> Schedule:
    """The schedule with its batch halved until so many epochs of the rows make enough steps.

    The learning rate falls with the root, and not in proportion as for the large batches of Goyal
    et al., arXiv:1706.02677: of 0.1 for 128 rows 16 would have 0.0125 by that, and 0.05 was 2.2,
    0.7 and 0.5 points better on 600 images of 14 pixels, in 3, 12 and 30 epochs of SGD.
    """
    batch, needed = schedule.batch, min(_STEPS, max(_FEW_STEPS, rows))
    while batch >= 32 and epochs * rows < needed * batch:
        batch //= 2
    if batch <= rows < 4 * batch:  # else up to half of them would be left out of each epoch
        batch = rows // round(rows / batch)
    rate = schedule.learning_rate * (batch / schedule.batch) ** 0.5
    return replace(schedule, batch=batch, learning_rate=rate)


class Diverged(ArithmeticError):
    """The loss is no number any more; `epoch` counts from 1."""

    def __init__(self, epoch: int, loss: float) -> None:
        super().__init__(f"diverged at epoch {epoch}: the loss is {loss}")
        self.epoch = epoch


def fit(
    model: nn.Module,
    part: Part,
    budget: Budget,
    schedule: Schedule,
    *,
    task: Task,
    normalise: nn.Module,
    seed: int,
    device: torch.device,
    half: bool = False,
    goes_on: Callable[[], bool] = lambda: True,
    report: Callable[[int, Mapping[str, float]], None] = lambda epoch, metrics: None,
    before: Tensors | None = None,
    after: Callable[[Tensors], None] | None = None,
    looks: Mapping[int, Callable[[nn.Module], None]] | None = None,
    elapsed: Callable[[], float] | None = None,
) -> None:
    """Train `model` in place on the raw inputs of `part`, which `normalise` makes its own.

    The augmentation changes images alone, whatever else a row has; CutMix and mixup are for rows of
    one image alone.

    All randomness, dropout's too, comes from `seed`; the global generators stay as they were.
    `half` runs the forward pass in bfloat16. `report(epoch, {"loss": ...})` is called after each.
    `goes_on` is asked after each step; when it says no, the training is left as it is.

    Each of `looks` is given the network after its epoch as it would be handed back then: in eval
    mode, with the average of its weights. The training goes on as if nobody had looked.

    `elapsed()` is the share of its time that is over: the schedule goes by it where that is ahead
    of the share of the steps, and ends when it is 1. So the rate falls to nothing in time.

    `after` is given where a part of a schedule stands when it is over; the next part, with that as
    `before`, ends as one training of both does, to the bit.

    Raises:
        Diverged: The loss became NaN or infinite.
        EvaluationError: The network has nothing to train, or gives what cannot be learned from.
    """
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    layout = _layout(part)
    model.to(device, memory_format=layout)  # type: ignore[call-overload]
    part = part.to(device)
    normalise = normalise.to(device).eval()
    optimizer = _optimizer(model, schedule)
    average = _Average(model, schedule.average)
    batch = min(schedule.batch, len(part))
    per_epoch = max(1, len(part) // batch)
    steps = budget.horizon * per_epoch
    alphas = (schedule.cutmix, schedule.mixup)
    standing = Standing(model, optimizer, average, generator, rng, device)
    with seeded(seed, device), taken_first(model):
        first = 1 if before is None else 1 + standing.restore(before)
        for epoch in range(first, budget.amount + 1):
            model.train()
            order = torch.randperm(len(part), generator=generator)
            total = torch.zeros((), device=device)
            for i in range(per_epoch):
                raw, targets = part.batch(order[i * batch : (i + 1) * batch])
                given = each_of(normalise(*(x.to(device) for x in raw)))
                given = tuple(schedule.augmentation(x, generator) for x in given)
                mixed = mix(given, targets.to(device), alphas, generator, rng)
                inputs = tuple(map(laid_out, mixed.inputs))
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    outputs = _learnable(model(*inputs), len(targets))
                    loss = mixed.loss(task, outputs, schedule.label_smoothing)
                done = ((epoch - 1) * per_epoch + i + 0.5) / steps
                if elapsed is not None:
                    done = min(1.0, max(done, elapsed()))
                for group in optimizer.param_groups:
                    group["lr"] = schedule.rate_at(done)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                average.update()
                total += loss.detach()
                if not goes_on():
                    return
                is_over = elapsed is not None and done == 1.0
                if is_over:
                    break
            mean_loss = float(total) / (i + 1)
            if not math.isfinite(mean_loss):
                raise Diverged(epoch, mean_loss)
            report(epoch, {"loss": mean_loss})
            if looks and epoch in looks:
                with average.applied():
                    looks[epoch](model.eval())
            if is_over:
                break
        if after is not None:
            after(standing.tensors(budget.amount))
    average.apply()
    model.eval()


def score(
    model: nn.Module, part: Part, *, task: Task, normalise: nn.Module, device: torch.device
) -> dict[str, float]:
    """The task's metrics of a network in eval mode on a part."""
    with torch.inference_mode():
        return task.measure(answered(model, part, normalise=normalise, device=device))


def answered(
    model: nn.Module, part: Part, *, normalise: nn.Module, device: torch.device
) -> Iterator[tuple[Outputs, Tensor]]:
    """The outputs of a network in eval mode and the targets of a part, batch by batch.

    As many rows go through it at once as there is memory for; see `netwright.network.rows`. Within
    `answers_kept` it is asked once.
    """
    return kept(model, part, _answers(model, part, normalise, device))


def _answers(
    model: nn.Module, part: Part, normalise: nn.Module, device: torch.device
) -> Iterator[tuple[Outputs, Tensor]]:
    """What `answered` gives, each time anew."""
    model.to(device).eval()
    normalise = normalise.to(device).eval()

    def outputs_of(*raw: Tensor) -> Outputs:
        inputs = each_of(normalise(*(x.to(device) for x in raw)))
        outputs: Outputs = model(*map(laid_out, inputs))
        return _in_float32(outputs)

    with torch.inference_mode():
        rows = rows_at_once(outputs_of, part.batch(slice(0, 2))[0], _ROWS)
    for start in range(0, len(part), rows):
        raw, targets = part.batch(slice(start, start + rows))
        with torch.inference_mode():
            outputs = outputs_of(*raw)
        yield outputs, targets.to(device)


def _learnable(outputs: object, rows: int) -> Outputs:
    """What a network gives for a batch in train mode, if it can be learned from."""
    given = tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
    if not given or not all(isinstance(x, Tensor) and x.shape[:1] == (rows,) for x in given):
        raise EvaluationError(
            "The network must give in train mode what it gives in eval mode, tensors with a row "
            f"for each of {rows} examples, got {described(outputs)}; give the outputs "
            "alone, or train it by `Function`."
        )
    if not any(each.requires_grad for each in given):
        raise EvaluationError(
            "The outputs of the network have no gradient, so that nothing is learned: its "
            "`forward` cuts them from its weights, as `.detach()`, `torch.no_grad()`, `.numpy()` "
            "and `argmax` do."
        )
    return outputs if isinstance(outputs, Tensor) else given


def _layout(part: Part) -> torch.memory_format:
    """Channels last for weights where there are images, which convolutions want."""
    raw, _ = part.batch(slice(0, 1))
    return torch.channels_last if any(x.ndim == 4 for x in raw) else torch.contiguous_format


def laid_out(x: Tensor) -> Tensor:
    """Images with their channels last in memory, which convolutions want."""
    layout = torch.channels_last if x.ndim == 4 else torch.contiguous_format
    return x.contiguous(memory_format=layout)


def _in_float32(outputs: Outputs) -> Outputs:
    """Outputs as metrics are measured, whatever the network computes in."""
    if isinstance(outputs, Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    return tuple(x.float() if x.is_floating_point() else x for x in outputs)


class _Average:
    """The running average of weights and of batch statistics, taken over at the end.

    The decay grows from 0 so that the first steps are soon forgotten. That is why it is not done by
    `torch.optim.swa_utils.get_ema_multi_avg_fn`, whose function is made for one decay: made anew
    for each step it gives the same bits, and a step of a tiny network takes 7 % longer.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay, self.steps = decay, 0
        state = model.state_dict(keep_vars=True).values()
        self._live = [t.detach() for t in state if t.is_floating_point()] if decay else []
        self.mean = [t.clone() for t in self._live]

    def update(self) -> None:
        """Take the present weights in."""
        if self._live:
            self.steps += 1
            decay = min(self._decay, self.steps / (self.steps + 10))
            torch._foreach_lerp_(self.mean, self._live, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the average is in the place of the weights."""
        kept = [live.clone() for live in self._live]
        self.apply()
        try:
            yield
        finally:
            for live, weights in zip(self._live, kept, strict=True):
                live.copy_(weights)

    def apply(self) -> None:
        """Put the average in the place of the weights."""
        for live, mean in zip(self._live, self.mean, strict=True):
            live.copy_(mean)


def _optimizer(model: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """Weight decay is for matrices and kernels; biases and norms have none."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise EvaluationError("The network has no parameters that can be trained.")
    if schedule.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=schedule.learning_rate)
    return torch.optim.SGD(groups, lr=schedule.learning_rate, momentum=0.9, nesterov=True)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within it a training on a device is the same each time; the global generators stay.

    Dropout draws from them, and the fastest convolutions of a GPU add up in any order.
    """
    devices = [device] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.deterministic
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
            torch.backends.cudnn.deterministic = True
        try:
            yield
        finally:
            torch.backends.cudnn.deterministic = deterministic

"""Training as an evaluator: a candidate and a budget in epochs become metrics and a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright.data import Augmentation, Data, Part
from netwright.data.base import Inputs
from netwright.errors import EvaluationError, SettingError
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.evaluate.continued import Tensors, went_before, with_curve
from netwright.evaluate.fit import Diverged, Schedule, fit, score
from netwright.evaluate.pace import Steps
from netwright.evaluate.returned import floats
from netwright.space.limits import COSTS
from netwright.tasks import Task
from netwright.trial import Budget

_DEFAULTS = {"epochs": (3, 200), "full_epochs": (30, 2000)}  # epochs and steps, at least
_STEPS = 900  # a training has as many at least, by smaller batches down to 16
_TIMED = 5  # steps that are timed to say what a training takes,
_WHOLE = 20  # where there are at least so many times as many
_CURVE_POINTS = 10  # epochs at which the validation part is scored, the last one always


@dataclass(frozen=True)
class Training(Evaluator):
    """Trains a candidate on the train part and scores it on the validation part.

    `epochs` is the budget of a trial, `full_epochs` that of the full schedule; None stands for 3
    and 30, or for as many as make 200 and 2,000 steps where the data are few. A training of fewer
    than 900 steps gets them by smaller batches, with the learning rate lowered to fit: a few steps
    show how fast a network starts, not what it can learn. The other fields are defaults: what the
    space's recipe answers goes before them. `cutout`, `crop` and `flip` augment images (see
    `netwright.data.Augmentation`) and `cutmix` mixes them (see `netwright.evaluate.mix`). `device`
    is "auto", "cpu" or "cuda"; on a GPU the forward pass runs in bfloat16.

    The curve has the training loss of each epoch and the task's first metric on the validation
    part of about ten.

    Raises:
        SettingError: A value outside its rule.
    """

    data: Data
    epochs: int = None  # type: ignore[assignment]
    full_epochs: int = None  # type: ignore[assignment]
    batch: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    warmup: float = 0.15
    average: float = 0.99
    cutmix: float = 0.0
    cutout: int = 0
    crop: int = 0
    flip: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.data, Data):
            raise SettingError(
                "`Training(data, ...)` must be a Data, as `netwright.data.load` gives, "
                f"got {type(self.data).__name__}."
            )
        for name in _DEFAULTS:
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise SettingError(
                    f"`Training({name}=...)` must be a whole number, at least 1, got {value!r}."
                )
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingError(
                f'`Training(device=...)` must be "auto", "cpu" or "cuda", got {self.device!r}.'
            )
        self._schedule({})
        steps = max(1, len(self.data.train) // self.batch)
        for name, (least, needed) in _DEFAULTS.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, max(least, -(-needed // steps)))

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        """Train and score; divergence is a status, not an exception.

        A part of a longer schedule leaves where it stands, and the next part goes on from there.
        """
        examples = budget.horizon * len(self.data.train)
        schedule = _with_steps(self._schedule(candidate.recipe), examples)
        device = self.torch_device()
        model = candidate.build()
        name = f"training-{budget.horizon}"
        before, curve = went_before(context.load(name), budget)
        for point in curve:
            context.report(int(point["epoch"]), point)
        every = max(1, budget.horizon // _CURVE_POINTS)

        def report(epoch: int, metrics: Mapping[str, float]) -> None:
            point = {"epoch": float(epoch), **metrics}
            if epoch % every == 0 and epoch < budget.horizon:
                point |= self._first(self._score(model, device))
            curve.append(point)
            context.report(epoch, point)

        def leave(state: Tensors) -> None:
            context.save(name, with_curve(state, curve))

        after = None if budget.is_whole else leave
        try:
            self._fit(
                *(model, budget, schedule, context.seed, device, report),
                before=before,
                after=after,
            )
        except Diverged as error:
            return Result({}, tuple(curve), "failed", str(error))
        metrics = self._score(model, device)
        curve[-1] = {**curve[-1], **self._first(metrics)}
        return Result(metrics, tuple(curve), model=model.cpu().eval())

    def tune(
        self, model: nn.Module, epochs: int, recipe: Mapping[str, Any], seed: int
    ) -> dict[str, float]:
        """Train a trained network further; its metrics then.

        The learning rate rises and falls once more as in any training: networks that were taken
        out of a supernet gain by it, and lose at a tenth of it.

        Raises:
            EvaluationError: The training diverged.
        """
        schedule = self._schedule(recipe)
        device = self.torch_device()
        try:
            self._fit(model, Budget(epochs), schedule, seed, device)
        except Diverged as error:
            raise EvaluationError(f"Tuning {error}.") from error
        return self._score(model, device)

    def _fit(
        self,
        model: nn.Module,
        budget: Budget,
        schedule: Schedule,
        seed: int,
        device: torch.device,
        report: Callable[[int, Mapping[str, float]], None] = lambda epoch, metrics: None,
        goes_on: Callable[[], bool] = lambda: True,
        before: Tensors | None = None,
        after: Callable[[Tensors], None] | None = None,
    ) -> None:
        fit(
            model,
            self.data.train,
            budget,
            schedule,
            task=self.task,
            normalise=self.data.normalise,
            seed=seed,
            device=device,
            half=device.type == "cuda",
            goes_on=goes_on,
            report=report,
            before=before,
            after=after,
        )

    def steps(self, budget: Budget, recipe: Mapping[str, Any]) -> Steps:
        """Steps of the schedule, whose batches are smaller where it would have few."""
        rows = len(self.data.train)
        batch = min(_with_steps(self._schedule(recipe), budget.horizon * rows).batch, rows)
        return Steps(budget.amount * max(1, rows // batch), batch)

    def time_steps(self, candidate: Candidate, budget: Budget) -> float | None:
        """A first step, and some more that are timed; scoring is a forward pass a row."""
        steps, device = self.steps(budget, candidate.recipe), self.torch_device()
        count = min(_TIMED, steps.number // _WHOLE)
        if count < 1:
            return None
        examples = budget.horizon * len(self.data.train)
        schedule = _with_steps(self._schedule(candidate.recipe), examples)
        ends: list[float] = []

        def goes_on() -> bool:
            ends.append(time.perf_counter())
            return len(ends) <= count

        try:
            self._fit(candidate.build(), budget, schedule, candidate.seed, device, goes_on=goes_on)
        except Diverged:
            return None
        step = float(np.median(np.diff(ends)))
        rows = len(self.data.validation) * (1 + min(budget.amount, _CURVE_POINTS))
        return step * (steps.number + rows / steps.batch / 3)

    def check_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Refuse a name that is no setting, and a value outside its rule."""
        self._schedule(recipe)

    def test(self, model: nn.Module) -> dict[str, float]:
        """The task's metrics on the test part."""
        return self._score(model, torch.device("cpu"), self.data.test)

    def for_workers(self) -> Training:
        """The same without the test part."""
        return replace(self, data=self.data.without_test())

    @property
    def can_refit(self) -> bool:
        """True where there is a validation part."""
        return len(self.data.validation) > 0

    def for_refit(self) -> Training:
        """The same with the train and validation parts as one."""
        return replace(self, data=self.data.with_validation_in_train())

    @property
    def normalise(self) -> nn.Module:
        """That of the data, as the train part says."""
        return self.data.normalise

    @property
    def test_examples(self) -> tuple[Inputs, Tensor] | None:
        """The test part, raw."""
        if not len(self.data.test):
            return None
        return self.data.test.batch(slice(None))

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The task's, and what is known of a network before it is trained."""
        return (*(metric.name for metric in self.task.metrics), *COSTS)

    @property
    def task(self) -> Task:
        """The data's."""
        return self.data.task

    @property
    def settings(self) -> dict[str, Any]:
        """All settings but the data."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "data"}

    @property
    def data_settings(self) -> dict[str, Any]:
        """What the data are."""
        return self.data.settings

    def _score(
        self, model: nn.Module, device: torch.device, part: Part | None = None
    ) -> dict[str, float]:
        """Metrics on a part, the validation part if None; none when it is empty."""
        part = self.data.validation if part is None else part
        if not len(part):
            return {}
        normalise = self.data.normalise
        found = score(model, part, task=self.task, normalise=normalise, device=device)
        return floats(found, f"{type(self.task).__name__}.measure(batches)")

    def _first(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The task's first metric alone."""
        return {name: metrics[name] for name in (self.metric.name,) if name in metrics}

    def torch_device(self) -> torch.device:
        """Where it trains.

        Raises:
            SettingError: There is no CUDA here, and it is asked for.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise SettingError(
                '`Training(device="cuda")` needs a GPU that this installation of PyTorch can use, '
                'and there is none here; leave `device` out, or give "cpu".'
            )
        if self.device != "auto":
            return torch.device(self.device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def _schedule(self, recipe: Mapping[str, Any]) -> Schedule:
        known = {f.name for f in fields(Schedule)} - {"augmentation"}
        augment = {f.name for f in fields(Augmentation)}
        for name in recipe:
            if name not in known | augment:
                near = get_close_matches(name, known | augment, 1)
                raise SettingError(
                    f"A recipe may answer {', '.join(sorted(known | augment))}, got {name!r}"
                    + (f"; did you mean {near[0]!r}?" if near else ".")
                )
        given = {name: recipe.get(name, getattr(self, name)) for name in known | augment}
        for name in (*augment, "cutmix"):
            if given[name] and (why := _why_not(name, self.data)):
                raise SettingError(
                    f"`{name}` changes images, and {why}; leave it out, got {given[name]!r}."
                )
        images = Augmentation(**{name: given[name] for name in augment})
        return Schedule(**{name: given[name] for name in known}, augmentation=images)


def _why_not(name: str, data: Data) -> str:
    """Why the images of data are not changed so; empty where they are."""
    takes = data.signature.inputs
    images = [spec for spec in takes if len(spec.shape) == 3]
    if not images:
        return f"the data {data.name!r} are rows of a table"
    if len(images) > 1:
        names = " and ".join(spec.name for spec in images)
        return f"those of one row of {data.name!r}, {names}, would be changed each in another way"
    others = " and ".join(spec.name for spec in takes if spec is not images[0])
    if name == "cutmix" and others:
        return f"what a row of {data.name!r} has beside, {others}, cannot be of two rows"
    return ""


def _with_steps(schedule: Schedule, examples: int) -> Schedule:
    """The schedule with its batch halved until so many examples make enough steps.

    The learning rate falls in proportion for SGD (Goyal et al., arXiv:1706.02677) and with the root
    for AdamW, whose steps do not grow with the gradient.
    """
    batch = schedule.batch
    while batch >= 32 and examples < _STEPS * batch:
        batch //= 2
    share = batch / schedule.batch
    rate = schedule.learning_rate * (share if schedule.optimizer == "sgd" else share**0.5)
    return replace(schedule, batch=batch, learning_rate=rate)

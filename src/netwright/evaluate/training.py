"""Training as an evaluator: a candidate and a budget in epochs become metrics and a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from netwright.data import Data, Part
from netwright.data.base import Inputs
from netwright.data.folds import Divided, folds_of
from netwright.errors import EvaluationError, SettingError
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.evaluate.continued import Tensors, went_before, with_curve
from netwright.evaluate.devices import check_device_name, device_named
from netwright.evaluate.examined import examined
from netwright.evaluate.fit import Diverged, Schedule, answered, fit, score, with_steps
from netwright.evaluate.folded import candidates_of, check_folds, folds_by_rows, of_part
from netwright.evaluate.pace import Steps
from netwright.evaluate.recipes import schedule_of
from netwright.evaluate.returned import floats
from netwright.evaluate.spread import spread_of_folds, spread_on
from netwright.evaluate.step_seconds import step_seconds
from netwright.evaluate.stopped import Looks, OfFold, best_together
from netwright.network.ensemble import Ensemble
from netwright.objective import COSTS
from netwright.tasks import Outputs, Task
from netwright.tasks.spread import Spread
from netwright.trial import Budget

_TEST_BYTES = 2**28  # of the test part, on which exported forms are compared
_TIMED = 5  # steps that are timed to say what a training takes,
_WHOLE = 20  # where there are at least so many times as many
_CURVE_POINTS = 10  # epochs at which the validation part is scored, the last one always


@dataclass(frozen=True)
class Training(Evaluator):
    """Trains a candidate on the train part and scores it on the validation part.

    `epochs` is the budget of a trial, `full_epochs` that of the full schedule; None stands for 3
    and 30, or for as many as make 200 and 2,000 steps where the data are few, but for no more than
    24 and 128, of a table 100 and 200: more of them took longer and were no better. A training of
    fewer than 900 steps, or than rows (but 300 at least), gets them by smaller batches, with the
    learning rate lowered to fit: a few steps show how fast a network starts, not what it can learn.
    The other fields are defaults: what the space's recipe answers goes before them. `cutout`,
    `crop`, `flip`, `zoom`, `colour` and `trivial_augment` augment images (see
    `netwright.data.Augmentation`), `cutmix` and `mixup` mix them by a share that is drawn from a
    Beta distribution with this parameter. `device` is "auto", "cpu" or "cuda"; on a GPU the forward
    pass runs in bfloat16.

    Where a validation part of a few rows would say little, each candidate is trained `folds` times,
    `repeats` times over, each time on other rows of train and validation, and scored by what its
    networks say of the rows that they did not learn from (see `netwright.data.folds`): the same
    folds for all. None stands for 5 folds below 500 rows and for 3 below 2,000; and for 1, the
    validation part as it is, of more rows, and where it was given or comes later in time.

    The curve, which with folds is that of the first, has the training loss of each epoch, as
    `loss`, and the task's other metrics on the validation part of about ten.

    Raises:
        SettingError: A value outside its rule.
    """

    data: Data
    epochs: int = None  # type: ignore[assignment]
    full_epochs: int = None  # type: ignore[assignment]
    folds: int = None  # type: ignore[assignment]
    repeats: int = 1
    batch: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    warmup: float = 0.15
    average: float = 0.99
    cutmix: float = 0.0
    mixup: float = 0.0
    cutout: int = 0
    crop: int = 0
    flip: bool = False
    zoom: float = 0.0
    colour: float = 0.0
    trivial_augment: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.data, Data):
            raise SettingError(
                "`Training(data, ...)` must be a Data, as `netwright.data.load` gives, "
                f"got {type(self.data).__name__}."
            )
        for name in ("epochs", "full_epochs"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise SettingError(
                    f"`Training({name}=...)` must be a whole number, at least 1, got {value!r}."
                )
        check_device_name(self.device)
        self._schedule({})
        asked: int | None = self.folds
        if asked is None:
            object.__setattr__(self, "folds", folds_by_rows(self.data))
        check_folds(self.data, self.folds, self.repeats)
        steps = max(1, self._rows // self.batch)
        for name, usual in self.data.usual_epochs.items():
            if getattr(self, name) is None:
                epochs = max(usual.least, -(-usual.steps // steps))
                object.__setattr__(self, name, min(epochs, usual.enough))

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        """Train and score; divergence is a status, not an exception.

        A part of a longer schedule leaves where it stands, and the next part goes on from there.
        """
        model = candidate.build()
        if self.folds > 1 or isinstance(model, Ensemble):
            return self._by_parts(candidate, model, budget, context)
        return self._alone(candidate, model, budget, context)

    def _alone(
        self,
        candidate: Candidate,
        model: nn.Module,
        budget: Budget,
        context: Context,
        looks: Looks | None = None,
    ) -> Result:
        """Train one network on the train part and score it on the validation part."""
        schedule = self.schedule(candidate.recipe, budget.horizon, self._rows)
        device = self.torch_device()
        name = f"training-{budget.horizon}"
        before, curve = went_before(context.load(name), budget)
        for point in curve:
            context.report(int(point["epoch"]), point)
        every = max(1, budget.horizon // _CURVE_POINTS)

        def report(epoch: int, metrics: Mapping[str, float]) -> None:
            point = {"epoch": float(epoch), **metrics}
            if epoch % every == 0 and epoch < budget.horizon:
                point |= _without_loss(self._score(model, device))
            curve.append(point)
            context.report(epoch, point)

        def leave(state: Tensors) -> None:
            context.save(name, with_curve(state, curve))

        after = None if budget.is_whole else leave
        try:
            given = {"report": report, "before": before, "after": after, "looks": looks}
            self._fit(model, budget, schedule, context.seed, elapsed=context.elapsed, **given)
        except Diverged as error:
            return Result({}, tuple(curve), "failed", str(error))
        metrics = self._score(model, device)
        curve[-1] = {**curve[-1], **_without_loss(metrics)}
        return Result(metrics, tuple(curve), model=model.cpu().eval(), spread=self._spread(model))

    def _spread(self, model: nn.Module) -> Callable[[str], Spread | None]:
        """How sure a metric of a network on the validation part is, by the metric's name."""
        data, device = self.data, self.torch_device()
        return lambda metric: spread_on(model, data, data.validation, metric, device)

    def _by_parts(
        self, candidate: Candidate, model: nn.Module, budget: Budget, context: Context
    ) -> Result:
        """Train a network on each fold, or each of an ensemble by itself, and score what they say.

        An ensemble has a network for each fold; else the network of the first is handed back. Of a
        whole schedule on folds the epoch is found out after which they are best together, and the
        networks are those of that epoch.
        """
        pairs = [(self.data.train, self.data.validation)]
        if self.folds > 1:
            pairs = list(folds_of(self.data, self.folds, self.repeats))
        candidates = candidates_of(candidate, model, len(pairs))
        pairs = pairs * (len(candidates) // len(pairs))
        is_ensemble = isinstance(model, Ensemble)
        results: list[Result] = []
        folds: list[OfFold] = []
        for place, (pair, one) in enumerate(zip(pairs, candidates, strict=True)):
            training, network, own = self._on_fold(*pair), one.build(), of_part(context, place)
            fold = OfFold(training._answered, is_ensemble or place == 0)
            fold.load(own, budget)
            looks = fold.looks(budget) if self.folds > 1 else None
            result = training._alone(one, network, budget, own, looks)
            if result.status != "done":
                return result
            fold.look(budget.amount, network)
            if not budget.is_whole:
                fold.save(own, budget)
            results.append(result)
            folds.append(fold)
        whole = model.cpu().eval() if is_ensemble else results[0].model
        assert whole is not None
        if self.folds == 1:
            metrics = self._score(whole, torch.device("cpu"))
            spread = self._spread(whole)
            return replace(results[0], metrics=metrics, model=whole, spread=spread)
        metrics, best = best_together(folds, self.task, budget)
        for result, fold in zip(results, folds, strict=True):
            if fold.is_kept and result.model is not None:
                result.model.load_state_dict(fold.weights[best])
        told, held = [fold.told[best] for fold in folds], [part for _, part in pairs]
        return replace(
            results[0],
            metrics=metrics,
            model=whole,
            spread=lambda metric: spread_of_folds(told, held, self.data, metric),
        )

    def _on_fold(self, train: Part, held: Part) -> Training:
        return replace(self, data=Divided(self.data, train, held), folds=1, repeats=1)

    def _answered(self, model: nn.Module) -> list[tuple[Outputs, Tensor]]:
        """What a network says of the validation part, and the targets."""
        normalise, part = self.data.normalise, self.data.validation
        device = next(model.parameters(), torch.zeros(())).device
        told = answered(model, part, normalise=normalise, device=device) if len(part) else ()
        return [(outputs, targets.cpu()) for outputs, targets in told]

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
            self._fit(model, Budget(epochs), schedule, seed)
        except Diverged as error:
            raise EvaluationError(f"Tuning {error}.") from error
        return self._score(model, device)

    def _fit(
        self, model: nn.Module, budget: Budget, schedule: Schedule, seed: int, **asked: Any
    ) -> None:
        """Train on the train part; what else is `asked` of `fit` is passed on."""
        data, device = self.data, self.torch_device()
        asked |= {"task": self.task, "normalise": data.normalise, "seed": seed, "device": device}
        half = device.type == "cuda"
        fit(model, data.train, budget, schedule, half=half, **asked)

    def schedule(self, recipe: Mapping[str, Any], epochs: int, rows: int) -> Schedule:
        """How a network of a recipe is trained for so many epochs on so many rows.

        Raises:
            SettingError: A name of the recipe is no setting, or a value is outside its rule.
        """
        return with_steps(self._schedule(recipe), epochs, rows)

    def steps(self, budget: Budget, recipe: Mapping[str, Any]) -> Steps:
        """Steps of the schedule, whose batches are smaller where it would have few."""
        rows = self._rows
        batch = min(self.schedule(recipe, budget.horizon, rows).batch, rows)
        return Steps(budget.amount * max(1, rows // batch) * self.trainings, batch)

    @property
    def trainings(self) -> int:
        """One for each fold."""
        return self.folds * self.repeats

    @property
    def ends_on_time(self) -> bool:
        """With one training of one network; of several each would have to know of its share."""
        return self.trainings == 1

    def time_steps(self, candidate: Candidate, budget: Budget) -> float | None:
        """Some steps after the first are timed, or after an epoch of few; scoring is one a row.

        In the first epoch a network may take longer: see `netwright.spaces.random_kernels`.
        """
        model = candidate.build()
        if self.folds > 1 or isinstance(model, Ensemble):
            candidates = candidates_of(candidate, model, self.trainings)
            first = folds_of(self.data, self.folds)[0] if self.folds > 1 else None
            one = self._on_fold(*(first or (self.data.train, self.data.validation)))
            seconds = one.time_steps(candidates[0], budget)
            return None if seconds is None else seconds * len(candidates)
        steps = self.steps(budget, candidate.recipe)
        count = min(_TIMED, steps.number // _WHOLE)
        if count < 1:
            return None
        schedule = self.schedule(candidate.recipe, budget.horizon, self._rows)

        def train(goes_on: Callable[[], bool]) -> None:
            self._fit(model, budget, schedule, candidate.seed, goes_on=goes_on)

        step = step_seconds(train, count, epoch=max(1, self._rows // steps.batch))
        if step is None:
            return None
        rows = len(self.data.validation) * (1 + min(budget.amount, _CURVE_POINTS))
        return step * (steps.number + rows / steps.batch / 3)

    @property
    def _rows(self) -> int:
        """How many rows a training learns from."""
        if self.folds == 1:
            return len(self.data.train)
        rows = len(self.data.train) + len(self.data.validation)
        return rows - rows // self.folds

    def check_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Refuse a name that is no setting, and a value outside its rule."""
        self._schedule(recipe)

    def test(self, model: nn.Module) -> dict[str, float]:
        """The task's metrics on the test part."""
        return self._score(model, torch.device("cpu"), self.data.test)

    def test_spread(self, model: nn.Module, metric: str) -> Spread | None:
        """How sure a metric is on the test part."""
        return spread_on(model, self.data, self.data.test, metric, torch.device("cpu"))

    def examine(self, model: nn.Module) -> dict[str, Any]:
        """What a network answers on the test part in detail."""
        return examined(model, self.data)

    def for_workers(self) -> Training:
        """The same without the test part."""
        return replace(self, data=self.data.without_test())

    def for_refit(self) -> Training | None:
        """The same with the train and validation parts as one, if there is a validation part."""
        if not len(self.data.validation):
            return None
        return replace(self, data=self.data.with_validation_in_train(), folds=1, repeats=1)

    @property
    def normalise(self) -> nn.Module:
        """That of the data, as the train part says."""
        return self.data.normalise

    @property
    def test_examples(self) -> tuple[Inputs, Tensor] | None:
        """The test part, raw; of one that takes more than 256 MiB its first rows."""
        if not len(self.data.test):
            return None
        one, _ = self.data.test.batch(slice(0, 1))
        size = sum(x.numel() * x.element_size() for x in one)
        return self.data.test.batch(slice(0, max(1, _TEST_BYTES // max(1, size))))

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

    def torch_device(self) -> torch.device:
        """Where it trains.

        Raises:
            SettingError: There is no CUDA here, and it is asked for.
        """
        return device_named(self.device)

    def _schedule(self, recipe: Mapping[str, Any]) -> Schedule:
        return schedule_of(recipe, self.settings, self.data)


def _without_loss(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a point of the curve, where `loss` is that of the training."""
    return {name: value for name, value in metrics.items() if name != "loss"}

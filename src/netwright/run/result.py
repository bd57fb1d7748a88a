"""What a run gives back: its history, its best network, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import PicklingError
from typing import Any

import cloudpickle
import torch

from netwright.errors import SettingError, StoreError
from netwright.network.normalised import Normalised, each_of
from netwright.network.onnx_graph import first_line
from netwright.objective import Limits, limits_from
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.record.sureness import judged_told
from netwright.report import write_report
from netwright.run.best_for import Special, Specialist
from netwright.run.conclude import is_exported, place_exported
from netwright.run.exporting import export_trial, load_trained
from netwright.run.plan import Plan
from netwright.run.shared_training import Checkpoint
from netwright.space import Architecture
from netwright.store import Store
from netwright.strategies import Strategy
from netwright.trial import Trial


class Run:
    """A history with its space, settings and artifacts.

    It is a value that can be pickled and holds no open connection: its store is opened anew from
    its URL. The executor it was carried out with stays where it was. Functions of no file, such as
    lambdas, are sent with it.
    """

    def __init__(self, store: Store, name: str, plan: Plan) -> None:
        self.store, self.name, self.plan = store, name, plan
        self._specialist: Specialist | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        plan = self.plan
        if plan.executor is not None:
            plan = replace(plan, executor=None)
        try:
            sent = cloudpickle.dumps(plan)
        except (PicklingError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise SettingError(
                f"The run {self.name!r} cannot be pickled, since its space, training or strategy "
                f"holds what cannot be sent: {first_line(error)}. Have the function make that when "
                "it is called, or call `netwright.search` again with the same arguments and "
                f"run={self.name!r}: what is done is read from the store."
            ) from error
        return _sent, (self.store, self.name, sent)

    @property
    def record(self) -> Record:
        """Everything the log says of this run, read anew."""
        return read_record(self.store, self.name)

    @property
    def status(self) -> str:
        """`done`, `interrupted`, `failed` or `unfinished`."""
        return self.record.status

    @property
    def notes(self) -> list[str]:
        """What could not be done, and which forms of the export are missing, each with the reason.

        Empty where all went well.
        """
        return self.record.notes

    @property
    def verdicts(self) -> list[str]:
        """How sure it is that the best network beats the reference and the best design, in words.

        A sentence each, with the difference, its standard error and the probability; empty where
        rows do not say so.
        """
        record = self.record
        return judged_told(record, record.best)

    @property
    def best(self) -> TrainedNetwork:
        """The best network of the latest stage, by the first objective.

        Raises:
            StoreError: No trial ended well.
        """
        record = self.record
        best = record.best
        if best is None:
            reason = record.reason or "no trial has ended well yet"
            raise StoreError(
                f"The run {self.name!r} of {len(record.history)} trials has no best network: "
                f"{reason.rstrip('.')}."
            )
        return self._network(best)

    @property
    def front(self) -> list[TrainedNetwork]:
        """The networks of the latest stage that no other dominates in all objectives."""
        return [self._network(trial) for trial in self.record.front]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """A row for each trial, in the order of their completion; `pandas.DataFrame` takes them."""
        return [_row(trial) for trial in self.record.history]

    def scored(self) -> list[tuple[Architecture, float]]:
        """The trials of the search that ended well: architecture and score, better when larger.

        The score is that of the first objective. It is what `space.shrunk` takes.
        """
        objective, *_ = self.plan.objectives
        return [
            (trial.architecture, objective.gain(trial.metrics))
            for trial in self.record.history
            if trial.done and trial.proposal.stage.explores
        ]

    def best_for(
        self,
        limits: Limits,
        *,
        scored: int = 100,
        epochs: int = 0,
        finder: Strategy | None = None,
        seed: int = 0,
    ) -> Special:
        """A network for other limits from the shared weights of a one-shot search.

        `finder` (None: evolution) proposes networks within the limits, `scored` of which are
        scored by shared weights on the validation part. The best is taken out with its part of the
        weights and, with `epochs`, tuned. What is scored for one call is known to the next.

        Raises:
            StoreError: The run has no shared weights.
            LimitError: A limit that no network of the space can keep, with the least that can.
            SettingError: A value outside its rule.
        """
        if self._specialist is None:
            self._specialist = Specialist(self.plan, Checkpoint(self.store, self.name))
        return self._specialist.best_for(
            limits_from(limits), count=scored, epochs=epochs, finder=finder, seed=seed
        )

    def export(self, out: str | Path) -> Path:
        """Put the best network into a folder, each form checked against it."""
        return self.best.export(out)

    def report(self, out: str | Path) -> Path:
        """Write the report, one HTML page that opens offline."""
        write_report(self.record, Path(out))
        return Path(out)

    def _network(self, trial: Trial) -> TrainedNetwork:
        metrics = dict(trial.metrics)
        tested = self.record.tested.get(trial.number, {})
        metrics |= {f"test_{name}": value for name, value in tested.items()}
        return TrainedNetwork(self, trial, metrics)

    def __repr__(self) -> str:
        record = self.record
        best = record.best
        value = best.metrics.get(record.objectives[0].metric, float("nan")) if best else 0.0
        told = f", best={value:.4f}" if best else ""
        return f"Run({self.name!r}, {record.status}, trials={len(record.history)}{told})"


def _sent(store: Store, name: str, plan: bytes) -> Run:
    """A run whose plan was pickled with the functions that no import finds."""
    return Run(store, name, cloudpickle.loads(plan))


@dataclass(frozen=True, repr=False)
class TrainedNetwork:
    """A network that a run trained. `metrics` has those of the test part as `test_...`."""

    run: Run
    trial: Trial
    metrics: Mapping[str, float]

    def __repr__(self) -> str:
        plan = self.run.plan
        others: set[str] = set()
        if (task := plan.evaluator.task) is not None:
            told_first = {task.led_by(plan.objectives).name, *(o.metric for o in plan.objectives)}
            others = {metric.name for metric in task.metrics} - told_first
        shown = {k: v for k, v in self.metrics.items() if k.removeprefix("test_") not in others}
        told = ", ".join(f"{name}={value:.5g}" for name, value in shown.items())
        return f"TrainedNetwork(trial={self.trial.number}, {told})"

    @property
    def architecture(self) -> Architecture:
        """The answers it is built from."""
        return self.trial.architecture

    def model(self) -> Normalised:
        """The trained network in eval mode: it takes raw inputs, as the exported forms do.

        Its `network` is what comes after the normalisation.

        Raises:
            StoreError: Its weights were not kept, are damaged, or are of another network.
        """
        run = self.run
        network = load_trained(run.store, run.name, run.plan, self.trial)
        return run.plan.evaluator.deployment(run.plan.space).raw(network)

    def predict(self, rows: Any) -> list[Any]:
        """Answer rows as the source of the data had them, by the names of the task.

        It is what `predict` of the exported model.py answers.

        Raises:
            SettingError: The run has no data, so that nothing says how rows are encoded.
            DataError: A row cannot be encoded.
            StoreError: As `model`.
        """
        data = self.run.plan.evaluator.data
        if data is None:
            raise SettingError(
                "`predict(rows)` needs the data that the run learned from, and its evaluator has "
                "none; call `model()` and give it tensors."
            )
        inputs, task = data.encode(rows), data.task.deployed()[1]
        if not len(inputs[0]):
            return []
        with torch.no_grad():
            return task.answers(task.decoder().eval()(*each_of(self.model()(*inputs))))

    def export(self, out: str | Path) -> Path:
        """Write model.py, model.safetensors, model.onnx, model.pt2, card.md and card.json.

        A form that cannot be made, or that differs from the trained network, is left out and the
        card says why.

        Raises:
            StoreError: Its weights were not kept, are damaged, or are of another network.
            ExportError: A file cannot be written.
            SettingError: The folder holds something else.
        """
        run = self.run
        if is_exported(run.store, run.record, self.trial):
            return place_exported(run.store, run.name, self.trial.number, Path(out))
        model = self.model().network
        export_trial(run.store, run.name, run.plan, self.trial, model, Path(out))
        return Path(out)


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "stage": trial.proposal.stage.to_json(),
        "status": trial.status,
        "epochs": trial.proposal.epochs,
        **trial.metrics,
        "seconds": trial.seconds,
        "reason": trial.reason,
        **{f"architecture.{name}": answer for name, answer in trial.architecture.answers.items()},
    }

"""The network of a trial, made again from its kept weights and exported with its card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from netwright.errors import EvaluationError, MissingExtra, StoreError
from netwright.export import Card, Exported, export
from netwright.network.normalised import Deployment
from netwright.network.weights import unwrapped
from netwright.record.artifacts import weights_key
from netwright.record.designs import designs_noted
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.record.reference import is_below_reference
from netwright.record.sureness import choice_told, judged_told
from netwright.record.trained_on import weights_told
from netwright.run.fingerprint import versions
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.targets import Target
from netwright.targets.asked import TARGETS
from netwright.targets.measured import measured
from netwright.tasks.examined import by_name
from netwright.trial import Trial, metrics_to_json


def export_trial(
    store: Store, name: str, plan: Plan, trial: Trial, model: nn.Module, out: Path
) -> Exported:
    """Export a trial's network, as `load_trained` gives it, into a folder, checked."""
    record = read_record(store, name)
    deployment = plan.evaluator.deployment(plan.space)
    return export(
        deployment.raw(model),
        out,
        signature=deployment.signature,
        card=_card(record, plan, trial, model),
        examples=deployment.examples,
        test=plan.evaluator.test_examples if trial.number in record.tested else None,
        task=plan.evaluator.deployed_task,
        encoder=deployment.encoder,
    )


def load_trained(store: Store, name: str, plan: Plan, trial: Trial) -> nn.Module:
    """The trained network of a trial in eval mode, for inputs that are normalised already.

    Raises:
        StoreError: Its weights were not kept, are damaged, or are of another network.
    """
    if not store.has(name, weights_key(trial.number)):
        raise StoreError(
            f"The weights of trial {trial.number} were not kept; those of the front and "
            "of the finals are."
        )
    model = unwrapped(plan.space.build(trial.architecture, seed=0))
    try:
        model.load_state_dict(load(store.read(name, weights_key(trial.number))))
    except (SafetensorError, RuntimeError) as error:
        raise StoreError(
            f"The weights of trial {trial.number} of the run {name!r} cannot be loaded from "
            f"{str(store)!r}: they are damaged, or the space builds another network than it did "
            f"then ({str(error).splitlines()[0]})."
        ) from error
    return model.eval()


def _card(record: Record, plan: Plan, trial: Trial, model: nn.Module) -> Card:
    metrics: dict[str, Any] = {
        f"validation_{metric.name}": trial.metrics[metric.name]
        for metric in record.metrics
        if metric.name in trial.metrics and not record.untrained(trial)
    }
    metrics |= {f"test_{k}": v for k, v in record.tested.get(trial.number, {}).items()}
    history, stopper = record.history, record.settings.get("stopper")
    return Card(
        origin=origin_on_card(plan, trial),
        title=f"A network for {(record.settings['data'] or {}).get('name', 'your data')}",
        task=record.settings.get("task"),
        data=dict(record.settings["data"] or {}),
        metrics=metrics_to_json(metrics),
        costs={
            **{k: v for k, v in trial.metrics.items() if k in ("params", "macs", "memory_mib")},
            **on_targets(plan, model),
        },
        search={
            "run": record.name,
            "strategy": record.settings["strategy"]["name"],
            **({"stopper": stopper["name"]} if stopper is not None else {}),
            "trials": len(history),
            "epochs": trial.trained_epochs or trial.proposal.epochs or plan.evaluator.epochs,
            "seconds": round(record.seconds, 1),
            "cpu_seconds": round(sum(t.cpu_seconds for t in history), 1),
            "seed": plan.seed,
            "objectives": [f"{o.direction} {o.metric}" for o in plan.objectives],
            "limits": [str(limit) for limit in plan.limits],
        },
        settings=dict(record.settings["evaluator"]) | plan.space.recipe(trial.architecture),
        architecture=dict(trial.architecture.answers),
        answers=by_name(record.examined.get(trial.number, {})),
        versions=versions(),
        notes=_notes(record, trial),
    )


def origin_on_card(plan: Plan, trial: Trial | None = None) -> dict[str, Any]:
    """What `retrain` needs beside the answers: the space, if it is a ready one, and the training.

    An own space has no name here: the network is then made by the class in model.py.
    """
    budget = None if trial is None else trial.proposal.budget
    return {
        "epochs": None if budget is None else [budget.amount, budget.horizon],
        "space": plan.space.origin,
        "ensemble": plan.space.networks,
        "evaluator": type(plan.evaluator).__name__,
    }


def on_targets(plan: Plan, model: nn.Module) -> dict[str, float]:
    """What a network costs on the targets of a plan and on the others that come with netwright.

    `model` takes normalised inputs; what is measured has its normalisation before it.
    """
    return measured_on(plan.targets, model, plan.evaluator.deployment(plan.space))


def measured_on(
    targets: Iterable[Target], model: nn.Module, deployment: Deployment
) -> dict[str, float]:
    """What a network costs on these targets and on those that come with netwright."""
    found: dict[str, float] = {}
    ours = {name: kind() for name, kind in TARGETS.items()}
    for target in (ours | {target.name: target for target in targets}).values():
        try:
            found |= measured(target, model, deployment, whole=True)
        except (MissingExtra, EvaluationError):  # whatever a target raises is one of them
            continue
    return found


def _notes(record: Record, trial: Trial) -> list[str]:
    notes = [untrained] if (untrained := record.untrained(trial)) else []
    if weights := weights_told(record, trial):
        notes.append(weights)
    notes += judged_told(record, trial)
    if why := choice_told(record, trial):
        notes.append(why)
    if known := designs_noted(record, trial):
        notes.append(known)
    tested, best = record.tested_score(trial), record.reference_score
    if tested is None:
        notes.append("Not scored on the test part: the run is not finished, or the data have none.")
    elif record.reference and best is not None and is_below_reference(record, trial):
        show = record.metric.show
        notes.append(
            f"BELOW THE REFERENCE: {record.reference_name} reaches {show(best)} on the test "
            f"part, this network {show(tested)}{record.metric.better}. Search longer or loosen the "
            "limits."
        )
    return notes

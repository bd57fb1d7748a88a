"""The end of a run: what the last stage left is tested once, drawn and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from netwright.drawing.files import sketch
from netwright.errors import EvaluationError, MissingExtra, StoreError
from netwright.evaluate.reference import reference
from netwright.export import FILES, MARK, Card, Exported, export, place
from netwright.files.temporary import temporary
from netwright.record import events
from netwright.record.artifacts import export_prefix, weights_key
from netwright.record.record import Record, read_record
from netwright.run.fingerprint import versions
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.targets.asked import TARGETS
from netwright.targets.measured import measured
from netwright.trial import Trial, best_of, front_of


def conclude(store: Store, name: str, plan: Plan) -> None:
    """Test and export what the last stage left; every step is logged and taken once."""
    record = read_record(store, name)
    kept = record.history.candidates(plan.limits, record.stage)
    kept = [t for t in kept if store.has(name, weights_key(t.number))]
    best = best_of(kept, plan.objectives[0])
    if best is None:
        reason = "no trial ended well within the limits"
        failed = [t.reason for t in record.history if not t.done]
        if failed and len(failed) == len(record.history):
            reason = f"no trial ended well; the last: {failed[-1]}"
        if record.confirmed:
            measured_ones = " and ".join(str(o.metric) for o in plan.limits if o.metric.target)
            reason = (
                "measured again on the idle machine, no finalist keeps the limit on "
                f"{measured_ones}"
            )
        events.write(store, name, events.Ended("failed", reason))
        return
    if not record.tested:
        chosen = front_of(kept, plan.objectives) if len(plan.objectives) > 1 else [best]
        scores = {t.number: plan.evaluator.test(load_trained(store, name, plan, t)) for t in chosen}
        data = plan.evaluator.data
        if data is not None and plan.refit:  # the reference learns from what the network did
            data = data.with_validation_in_train()
        classical = reference(data) if data is not None and len(data.test) else None
        events.write(store, name, events.Tested(scores, classical))
    _export_best(store, name, plan, best)
    events.write(store, name, events.Ended("done", ""))


def conclude_early(store: Store, name: str, plan: Plan) -> None:
    """Export the best so far of an interrupted run, untested, so that it can go on later."""
    best = read_record(store, name).best
    if best is not None:
        _export_best(store, name, plan, best)


def _export_best(store: Store, name: str, plan: Plan, best: Trial) -> None:
    """Export the network a run returns, and log it; a second time only if something is new."""
    record = read_record(store, name)
    if is_exported(store, record, best):
        return
    model = load_trained(store, name, plan, best)
    if best.number not in record.sketches:
        drawn = sketch(model, plan.space.signature).to_json()
        events.write(store, name, events.Sketched(best.number, drawn))
    with temporary() as work:
        made = export_trial(store, name, plan, best, model, work / "export")
        _put_export(store, name, best.number, made.directory)
    is_tested, folder = best.number in record.tested, export_prefix(best.number).rstrip("/")
    fact = events.Exported(best.number, is_tested, folder, made.checks, tuple(made.notes))
    events.write(store, name, fact)


def _put_export(store: Store, name: str, number: int, folder: Path) -> None:
    """Put the files of an export into the store; the one that marks it as whole goes last."""
    prefix = export_prefix(number)
    store.delete(name, prefix + MARK)
    for file in sorted(FILES, key=lambda file: file == MARK):
        if (folder / file).is_file():
            store.put(name, prefix + file, folder / file)
        else:  # a form of an earlier export must not stand beside this network
            store.delete(name, prefix + file)


def is_exported(store: Store, record: Record, trial: Trial) -> bool:
    """Say whether the export that a run logged is of this trial as it is known now, and whole."""
    known = record.exported
    if known is None or known.number != trial.number:
        return False
    current = known.tested == (trial.number in record.tested)
    prefix = export_prefix(trial.number)
    return current and all(
        store.has(record.name, prefix + file) for file in (MARK, "model.safetensors")
    )


def place_exported(store: Store, name: str, trial: int, out: Path) -> Path:
    """Put the files of an export that is in the store into a folder.

    Raises:
        ExportError: They are gone, or cannot be written there.
        SettingError: The folder cannot take them.
    """
    prefix = export_prefix(trial)
    with temporary() as folder:
        for key in store.keys(name, prefix):
            store.get(name, key, folder / key.removeprefix(prefix))
        return place(folder, out)


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
        task=plan.evaluator.task,
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
    model = plan.space.build(trial.architecture, seed=0)
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
        if metric.name in trial.metrics
    }
    metrics |= {f"test_{k}": v for k, v in record.tested.get(trial.number, {}).items()}
    history, stopper = record.history, record.settings.get("stopper")
    return Card(
        title=f"A network for {(record.settings['data'] or {}).get('name', 'your data')}",
        task=record.settings.get("task"),
        data=dict(record.settings["data"] or {}),
        metrics=metrics,
        costs={
            **{k: v for k, v in trial.metrics.items() if k in ("params", "macs", "memory_mib")},
            **on_targets(plan, model),
        },
        search={
            "run": record.name,
            "strategy": record.settings["strategy"]["name"],
            **({"stopper": stopper["name"]} if stopper is not None else {}),
            "trials": len(history),
            "epochs": trial.proposal.epochs or plan.evaluator.epochs,
            "seconds": round(record.seconds, 1),
            "cpu_seconds": round(sum(t.cpu_seconds for t in history), 1),
            "seed": plan.seed,
            "objectives": [f"{o.direction} {o.metric}" for o in plan.objectives],
            "limits": [str(limit) for limit in plan.limits],
        },
        settings=dict(record.settings["evaluator"]) | plan.space.recipe(trial.architecture),
        architecture=dict(trial.architecture.answers),
        versions=versions(),
        notes=_notes(record, trial),
    )


def on_targets(plan: Plan, model: nn.Module) -> dict[str, float]:
    """What a network costs on the targets of a plan and on the others that come with netwright.

    `model` takes normalised inputs; what is measured has its normalisation before it.
    """
    found: dict[str, float] = {}
    deployment = plan.evaluator.deployment(plan.space)
    ours = {name: kind() for name, kind in TARGETS.items()}
    for target in (ours | {target.name: target for target in plan.targets}).values():
        try:
            found |= measured(target, model, deployment, whole=True)
        except (MissingExtra, EvaluationError):
            continue
    return found


def _notes(record: Record, trial: Trial) -> list[str]:
    notes = []
    if trial.proposal.stage.is_refit:
        notes.append(
            "The weights are from training on the train and validation parts together, the last "
            "step. The validation figures are from before it, after training on the train part."
        )
    tested, best = record.tested_score(trial), record.reference_score
    if tested is None:
        notes.append("Not scored on the test part: the run is not finished, or the data have none.")
    elif record.reference and best is not None and record.is_below_reference(trial):
        show = record.metric.show
        notes.append(
            f"BELOW THE REFERENCE: {record.reference['name']} reaches {show(best)} on the test "
            f"part, this network {show(tested)}. Search longer or loosen the limits."
        )
    return notes

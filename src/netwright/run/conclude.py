"""The end of a run: what the last stage left is tested once, drawn and exported.

Whatever goes wrong here, the trained network is kept: a step that fails is noted in the log, and
the others are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from netwright.data import Data
from netwright.drawing.files import sketch
from netwright.errors import NetwrightError
from netwright.evaluate.kept_answers import answers_kept
from netwright.evaluate.plain import Plain
from netwright.evaluate.reference import reference
from netwright.evaluate.returned import floats
from netwright.evaluate.training import Training
from netwright.export import FILES, MARK, place
from netwright.files.temporary import temporary
from netwright.network.onnx_graph import first_line
from netwright.record import events
from netwright.record.artifacts import export_prefix, weights_key
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.record.turned_down import scores_told
from netwright.record.writing import write
from netwright.run.exporting import export_trial, load_trained
from netwright.run.judging import REFERENCE, judge, keep_spread
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.tasks.base import Batches
from netwright.tasks.spread import spread_of
from netwright.trial import Budget, Trial, front_of

_FAILED = {
    "test": "The network was not scored on the test part",
    "reference": "There is no reference to compare with",
    "judge": "It cannot be said how sure it is that the network is better than others",
    "sketch": "The network was not drawn",
    "export": "The network was not exported, its weights are kept",
}
"""The steps that may fail, and what is missing then."""


def conclude(store: Store, name: str, plan: Plan, left: float | None = None) -> None:
    """Test what the last stage left, and export it if that is wanted; each step is logged.

    `left` are the seconds that the classical method may take to compare with; None: any.
    """
    record = read_record(store, name)
    kept = record.history.candidates(plan.limits, record.stage)
    kept = [t for t in kept if store.has(name, weights_key(t.number))]
    best = record.taken(kept)
    if best is None:
        write(store, name, events.Ended("failed", _why_none(record, plan)))
        return
    chosen = front_of(kept, plan.objectives) if len(plan.objectives) > 1 else [best]
    chosen = [trial for trial in chosen if trial.number not in record.tested]
    if chosen:
        _test(store, name, plan, chosen, left, compared=record.reference is not None)
    with _kept_on(store, name, "judge"):
        judge(store, name, plan, best)
    if plan.export:
        _export_best(store, name, plan, best)
    write(store, name, events.Ended("done", ""))


def conclude_early(store: Store, name: str, plan: Plan) -> None:
    """Export the best so far of an interrupted run, untested, so that it can go on later."""
    best = read_record(store, name).best
    if best is not None and plan.export:
        _export_best(store, name, plan, best)


@contextmanager
def _kept_on(store: Store, name: str, step: str) -> Iterator[None]:
    """Log that a step failed, and why, so that the run ends with what it has.

    What the store itself refuses is raised again by the next event that is written to it.
    """
    try:
        yield
    except Exception as error:
        own = isinstance(error, NetwrightError)
        reason = " ".join(str(error).split()) if own else first_line(error)
        write(store, name, events.Noted(step, f"{_FAILED[step]}: {reason}"))


def _why_none(record: Record, plan: Plan) -> str:
    """Why no network is handed back."""
    if record.confirmed:
        measured_ones = " and ".join(str(o.metric) for o in plan.limits if o.metric.target)
        return f"measured again on the idle machine, no finalist keeps the limit on {measured_ones}"
    if not record.history and (told := scores_told(record)):
        return f"no network kept the limits: {told}"
    failed = [t.reason for t in record.history if not t.done]
    if failed and len(failed) == len(record.history):
        return f"no trial ended well; the last: {failed[-1]}"
    return "no trial ended well within the limits"


def _test(
    store: Store,
    name: str,
    plan: Plan,
    chosen: list[Trial],
    left: float | None,
    *,
    compared: bool,
) -> None:
    """Score networks on the test part, and a classical method if it was not `compared` before."""
    scores: dict[int, dict[str, float]] = {}
    metric = read_record(store, name).metric
    for trial in chosen:
        with _kept_on(store, name, "test"), answers_kept():
            model = load_trained(store, name, plan, trial)
            found = plan.evaluator.test(model)
            scores[trial.number] = floats(found, f"{type(plan.evaluator).__name__}.test(...)")
            if details := plan.evaluator.examine(model):
                write(store, name, events.Examined(trial.number, details))
            spread = partial(plan.evaluator.test_spread, model, metric.name)
            keep_spread(store, name, trial.number, spread)
    classical = None
    data = plan.evaluator.data
    if data is not None and len(data.test) and not compared:
        with _kept_on(store, name, "reference"):
            classical = _referred(store, name, plan, data, chosen[0], left)
    write(store, name, events.Tested(scores, classical))


def _referred(
    store: Store, name: str, plan: Plan, data: Data, trial: Trial, left: float | None
) -> dict[str, Any] | None:
    """What a classical method reaches; how sure that is, is kept."""
    if plan.refit:  # the reference learns from what the network did
        data = data.with_validation_in_train()
    metric, plain = data.task.led_by(plan.objectives), _plain(plan, trial)

    def told(batches: Batches) -> None:
        spread = partial(spread_of, data.task, metric.name, batches, len(data.test))
        keep_spread(store, name, REFERENCE, spread)

    return reference(data, left, metric=metric, plain=plain, told=told)


def _plain(plan: Plan, trial: Trial) -> Plain | None:
    """A plain network's training, as that of a trial; None where it was a user's own."""
    if not isinstance(plan.evaluator, Training):
        return None
    epochs = (trial.proposal.budget or Budget(plan.evaluator.epochs)).amount
    return Plain(plan.evaluator, plan.space.recipe(trial.architecture), epochs)


def _export_best(store: Store, name: str, plan: Plan, best: Trial) -> None:
    """Export the network a run returns, and log it; a second time only if something is new."""
    record = read_record(store, name)
    if is_exported(store, record, best):
        return
    if best.number not in record.sketches:
        with _kept_on(store, name, "sketch"):
            model = load_trained(store, name, plan, best)
            drawn = sketch(model, plan.space.signature).to_json()
            write(store, name, events.Sketched(best.number, drawn))
    with _kept_on(store, name, "export"), temporary() as folder:
        model = load_trained(store, name, plan, best)
        made = export_trial(store, name, plan, best, model, folder / "export")
        _put_export(store, name, best.number, made.directory)
        is_tested, prefix = best.number in record.tested, export_prefix(best.number).rstrip("/")
        fact = events.Exported(best.number, is_tested, prefix, made.checks, tuple(made.notes))
        write(store, name, fact)
        lost = " ".join(fault for fault in made.faults if not _is_known(record, fault))
        if lost or "export" in record.losses:
            write(store, name, events.Noted("export", lost))


def _is_known(record: Record, fault: str) -> bool:
    """Whether the rehearsal said that this form would be missing."""
    form = fault.split(":")[0]
    return record.rehearsal is not None and any(
        note.startswith(form) for note in record.rehearsal.notes
    )


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

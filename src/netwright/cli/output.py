"""What the commands print: a JSON document for scripts, some lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.cli.words import in_options

if TYPE_CHECKING:
    from netwright.record.record import Record
    from netwright.trial import Trial


def document(record: Record) -> dict[str, Any]:
    """A run as one JSON document."""
    from netwright.record.trained_on import weights_told
    from netwright.record.turned_down import slow_in_json

    best = record.best
    return {
        "run": record.name,
        "status": record.status,
        "reason": in_options(record.reason),
        "notes": notes(record),
        "best": _trial(best) if best else None,
        "test": record.tested.get(best.number) if best else None,
        "reference": dict(record.reference) if record.reference else None,
        "judged": _judged(record),
        "choice": record.choice.to_json() if record.choice else None,
        "weights": (weights_told(record, best) or None) if best else None,
        "exported": record.exported.directory if record.exported else None,
        "front": [trial.number for trial in record.front],
        "rejected": len(record.rejections),
        "too_slow": slow_in_json(record),
        "running": sorted(record.running),
        "seconds": record.seconds,
        "trials": [_trial(t) for t in sorted(record.history, key=lambda t: t.number)],
    }


def notes(record: Record) -> list[str]:
    """What a person must know of the result, in the words of the command line."""
    return list(map(in_options, record.notes))


def _judged(record: Record) -> list[dict[str, Any]]:
    """How far the best network is from what it is compared with, and how probably it is better."""
    best = record.best
    if best is None or record.judged is None or record.judged.number != best.number:
        return []
    return [each.summary() for each in record.judged.others]


def _trial(trial: Trial) -> dict[str, Any]:
    body = trial.to_json()
    return {
        "number": trial.number,
        "stage": trial.proposal.stage.to_json(),
        "status": trial.status,
        "reason": trial.reason,
        "epochs": trial.trained_epochs or trial.proposal.epochs,
        "architecture": body["proposal"]["architecture"],
        "metrics": body["metrics"],
        "seconds": trial.seconds,
        "cpu_seconds": trial.cpu_seconds,
    }


def result_lines(record: Record) -> list[str]:
    """The result of a run in a few lines."""
    from netwright.objective import figures
    from netwright.record.designs import designs_told
    from netwright.record.reference import is_below_reference
    from netwright.record.sureness import judged_told
    from netwright.record.turned_down import slow_told
    from netwright.record.words import counted
    from netwright.report.statistics import interval

    best = record.best
    if best is None:
        reason = in_options(record.reason) or "no trial has ended well yet"
        return [f"{record.name}: {reason}."]
    lines = []
    metric, tested, reference = record.metric, record.tested_score(best), record.reference_score
    beside = []
    if record.reference and reference is not None:
        name = record.reference_name
        beside = [f"{name} {metric.show(reference)}"]
        if is_below_reference(record, best):
            lines.append(
                f"BELOW THE REFERENCE: {name} reaches {metric.show(reference)} on the test part"
                f"{metric.better}. Search longer, or loosen the limits."
            )
    lines += judged_told(record, best)
    if tested is not None:
        examples = (record.settings["data"] or {}).get("test", 0)
        if metric.fraction and examples:
            low, high = interval(tested, examples)
            beside.insert(0, f"95 % interval {low:.2%} to {high:.2%}")
        told = f" ({'; '.join(beside)})" if beside else ""
        lines.append(f"{f'test {metric.name}':20} {metric.show(tested)}{told}")
    lines += _validated(record, best)
    if known := designs_told(record):
        lines.append(f"well-known networks  {known}")
    for latency, ms in figures(best.metrics, "latency_ms").items():
        where = f" ({latency.target})" if latency.target else ""
        lines.append(f"latency              {ms:.4f} ms{where}")
    if "params" in best.metrics:
        lines.append(f"parameters           {best.metrics['params']:,.0f}")
    tried = [t for t in record.history if t.proposal.stage.explores]
    ended, longer = sum(t.done for t in tried), len(record.history) - len(tried)
    stopped = sum(t.status == "preempted" for t in tried)
    or_slow = "" if record.time_plan is None else " or too slow"
    lines.append(
        f"trials               {ended} done, {len(tried) - ended - stopped} failed, "
        + (f"{stopped} stopped, " if stopped else "")
        + f"{len(record.rejections)} over a limit{or_slow}"
        + (f"; then {counted(longer, 'longer training')}" if longer else "")
        + f"; {_time(record.seconds)}"
    )
    lines += [f"too slow             {slow}"] if (slow := slow_told(record)) else []
    return lines


def _validated(record: Record, best: Trial) -> list[str]:
    """The figure on the validation part, how sure it is, and why the network was taken by it."""
    from netwright.record.sureness import choice_told, error_told
    from netwright.record.trained_on import first_of_folds

    lines, metric = [], record.metric
    if metric.name in best.metrics:
        refit = best.proposal.stage.is_refit
        notes = ["before the last training, on train and validation"] if refit else []
        notes = [text for text in (error_told(record, best), *notes) if text]
        value = metric.show(best.metrics[metric.name])
        after = f" ({'; '.join(notes)})" if notes else ""
        lines.append(f"{f'validation {metric.name}':20} {value}{after}")
    if folds := first_of_folds(record, best):
        lines.append(f"weights              of the first of {folds} folds; the figure is of all")
    if choice := choice_told(record, best):
        lines.append(f"chosen               {choice[0].lower()}{choice[1:]}")
    return lines


def run_line(record: Record) -> str:
    """A run in one line, for the list of runs."""
    best = record.best
    value = best.metrics.get(record.metric.name) if best else None
    shown = f"best {record.metric.show(value)}" if value is not None else "no best yet"
    return f"{record.name:24} {record.status:12} {len(record.history):5} trials  {shown}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

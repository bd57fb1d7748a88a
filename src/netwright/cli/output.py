"""What the commands print: a JSON document for scripts, some lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netwright.record.record import Record
    from netwright.trial import Trial


def document(record: Record) -> dict[str, Any]:
    """A run as one JSON document."""
    best = record.best
    return {
        "run": record.name,
        "status": record.status,
        "reason": record.reason,
        "best": _trial(best) if best else None,
        "test": record.tested.get(best.number) if best else None,
        "reference": dict(record.reference) if record.reference else None,
        "exported": record.exported["directory"] if record.exported else None,
        "front": [trial.number for trial in record.front],
        "rejected": len(record.rejections),
        "running": sorted(record.running),
        "seconds": record.seconds,
        "trials": [_trial(t) for t in sorted(record.history, key=lambda t: t.number)],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    body = trial.to_json()
    return {
        "number": trial.number,
        "stage": trial.proposal.stage.to_json(),
        "status": trial.status,
        "reason": trial.reason,
        "epochs": trial.proposal.epochs,
        "architecture": body["proposal"]["architecture"],
        "metrics": body["metrics"],
        "seconds": trial.seconds,
        "cpu_seconds": trial.cpu_seconds,
    }


def result_lines(record: Record) -> list[str]:
    """The result of a run in a few lines."""
    from netwright.report.proportion import interval

    best = record.best
    if best is None:
        return [f"{record.name}: {record.reason or 'no trial has ended well yet'}."]
    lines = []
    tested = record.tested.get(best.number, {})
    reference = record.reference
    if "accuracy" in tested and reference and tested["accuracy"] < reference["accuracy"]:
        lines.append(
            f"BELOW THE REFERENCE: {reference['name']} reaches {reference['accuracy']:.2%} on the "
            "test part. Search longer, or loosen the limits."
        )
    if "accuracy" in tested:
        examples = (record.settings["data"] or {}).get("test", 0)
        low, high = interval(tested["accuracy"], examples)
        beside = f"; {reference['name']} {reference['accuracy']:.2%}" if reference else ""
        shown = f"{tested['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}{beside})"
        lines.append(f"test accuracy        {shown}")
    if "accuracy" in best.metrics:
        refit = best.proposal.stage.is_refit
        before = " (before the last training, on train and validation)" if refit else ""
        lines.append(f"validation accuracy  {best.metrics['accuracy']:.2%}{before}")
    if "latency_ms" in best.metrics:
        target = record.settings["target"]
        lines.append(f"latency              {best.metrics['latency_ms']:.4f} ms ({target})")
    if "params" in best.metrics:
        lines.append(f"parameters           {best.metrics['params']:,.0f}")
    tried = [t for t in record.history if t.proposal.stage.explores]
    ended, longer = sum(t.done for t in tried), len(record.history) - len(tried)
    lines.append(
        f"trials               {ended} done, {len(tried) - ended} failed, "
        f"{len(record.rejections)} over a limit"
        + (f"; then {longer} longer trainings" if longer else "")
        + f"; {_time(record.seconds)}"
    )
    return lines


def run_line(record: Record) -> str:
    """A run in one line, for the list of runs."""
    best = record.best
    accuracy = best.metrics.get("accuracy") if best else None
    shown = f"best {accuracy:.2%}" if accuracy is not None else "no best yet"
    return f"{record.name:24} {record.status:12} {len(record.history):5} trials  {shown}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

"""What is told of networks that were turned down by a limit from below on their score."""

from __future__ import annotations

from netwright.record.record import Record


def scores_told(record: Record) -> str:
    """The largest score that was seen, for each such limit that no network kept; else empty."""
    told = []
    for limit in (limit for limit in record.limits if limit.least):
        kept = any(limit.excess(trial.metrics) is None for trial in record.history)
        every = [each.metrics.get(limit.metric) for each in record.rejections]
        scores = [score for score in every if score is not None]
        if scores and not kept:
            largest, count = max(scores), len(scores)
            told.append(
                f"the largest {limit.metric} of {count:,} network{'s' * (count != 1)} is "
                f"{largest:.6g}, below the limit {limit.bound:g}"
            )
    return "; ".join(told)

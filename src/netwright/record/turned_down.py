"""What is told of networks that were turned down before they were trained.

Their trainings would have taken too long, or they broke a limit from below on their score.
"""

from __future__ import annotations

from netwright.record.record import Record


def slow_told(record: Record) -> str:
    """How many networks were turned down by forecast, in words; empty where there are none.

    A run that went on with other minutes had other shares of them, which are told one by one.
    """
    told = []
    now = None if record.time_plan is None else record.time_plan.share.seconds
    for share, (count, least, largest) in record.too_slow.items():
        word = "network was" if count == 1 else "networks were"
        had = "has" if share == now else "had then"
        told.append(
            f"{count:,} {word} not trained since that would have taken {least:.3g} to "
            f"{largest:.3g} s, and a trial {had} {share:.3g} s"
        )
    return "; ".join(told)


def slow_in_json(record: Record) -> list[dict[str, float]]:
    """What was turned down by forecast: how many, the seconds of their trainings, and the share."""
    return [
        {"networks": count, "least": least, "largest": largest, "share": share}
        for share, (count, least, largest) in record.too_slow.items()
    ]


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

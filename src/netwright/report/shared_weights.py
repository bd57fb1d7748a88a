"""The section of the report on a one-shot search: can its shared weights be trusted?"""

from __future__ import annotations

from markupsafe import Markup
from scipy.stats import spearmanr

from netwright.record.record import Record
from netwright.report.charts import MARKS, Chart, Line, Points
from netwright.report.html import Pages
from netwright.tasks import Metric
from netwright.trial import best_of

_PAGES = Pages()
_LEAST = 4  # networks, of which ranks are compared
_SHOWN = 6  # choices that are seen at once
_LONG = 9  # letters of an option's label


def shared(record: Record) -> Markup:
    """How a one-shot search went: curves, preferences, memory, and whether it can be trusted."""
    if not record.shared:
        return Markup()
    epochs = [record.shared[number] for number in sorted(record.shared)]
    lines = [Line([(e["epoch"], e["loss"]) for e in epochs], "best")]
    entropy = all("entropy" in e for e in epochs)
    if entropy:
        lines.append(Line([(e["epoch"], e["entropy"]) for e in epochs], "front"))
    metric = record.metric
    dots = [(x, y, f"trial {number}") for number, x, y in pairs(record)]
    label = f"{metric.name} with shared weights"
    alone = Chart(
        label, f"{metric.name} alone", [], [Points(dots, "trial", 3)], percent=metric.fraction
    )
    sentences = (trust(record), random_beside(record), fallen(record), memory(record))
    return _PAGES.render(
        "shared_weights.html",
        entropy=entropy,
        chart=Chart("epoch", "loss", lines).svg(),
        alone_said=f"{metric.name.capitalize()} of each network trained alone, against its "
        f"{metric.name} with shared weights{_unit(metric)}:",
        alone=alone.svg() if dots else None,
        sentences=[sentence for sentence in sentences if sentence],
        preferred=preferences(record),
        at_once=_SHOWN,
    )


def _unit(metric: Metric) -> str:
    return " (a fraction)" if metric.fraction else ""


def preferences(record: Record) -> list[tuple[str, Markup]]:
    """For each choice a chart of how likely each of its options was after each epoch."""
    epochs = [record.shared[number] for number in sorted(record.shared)]
    epochs = [epoch for epoch in epochs if "chances" in epoch]
    if len(epochs) < 2:
        return []
    charts = []
    for choice in record.settings["space"]["choices"]:
        name = choice["name"]
        if name not in epochs[-1]["chances"]:
            continue
        last = epochs[-1]["chances"][name]
        likely = sorted(range(len(last)), key=lambda i: -last[i])[:MARKS]
        same = len(choice["options"]) == len(last)
        labels = list(
            map(str, choice["options"] if same else [f"input {i}" for i, _ in enumerate(last)])
        )
        lines = [
            Line(
                [(e["epoch"], e["chances"][name][i]) for e in epochs], f"s{i % MARKS}", label=label
            )
            for i, label in ((i, _short(labels[i])) for i in sorted(likely))
        ]
        charts.append((name, Chart("epoch", "probability", lines, width=340).svg()))
    return charts


def random_beside(record: Record) -> str:
    """The best of the random networks that were trained alone, and what the time would pay for."""
    objective = record.objectives[0]
    trials = [t for t in record.history.allowed(record.limits) if t.proposal.stage.is_search]
    drawn = [t for t in trials if t.architecture in record.random]
    named = [t for t in trials if t.architecture in record.shared_scores.keys() - record.random]
    if not drawn or not named:
        return ""
    best_named, best_drawn = (best_of(each, objective) for each in (named, drawn))
    assert best_named is not None and best_drawn is not None
    seconds = sum(epoch["seconds"] for epoch in record.shared.values())
    mean = sum(t.seconds for t in trials) / len(trials)
    metric = objective.metric
    return (
        f"The best of {len(named)} named networks has {metric} {best_named.metrics[metric]:.4g}, "
        f"the best of {len(drawn)} random ones {best_drawn.metrics[metric]:.4g}, each trained "
        f"alone. The shared training took {seconds:,.0f} seconds, in which about "
        f"{seconds / max(mean, 1e-9):,.0f} random networks could have been trained instead: "
        '`baseline="same"` trains as many, for a fair comparison.'
    )


def memory(record: Record) -> str:
    """What a step of the search takes, in one sentence."""
    planned = record.memory
    if planned is None:
        return ""
    if planned["memory_mib"] is None:
        return f"How much memory a step takes was not predicted: {planned['reason']}."
    again = " with blocks that run again for their gradient" if planned["checkpointed"] else ""
    return (
        f"A step on {planned['batch']} examples{again} takes {planned['memory_mib']:,.0f} MiB at "
        "its peak, as predicted on the meta device."
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:2]}…{text[3 - _LONG :]}"


def fallen(record: Record) -> str:
    """What was done about a search that began to collapse; empty if none did."""
    for number in sorted(record.shared):
        found = record.shared[number]
        if found.get("sharpened"):
            return (
                f"In epoch {number} the search began to collapse: the loss bends ever more in what "
                "it prefers (the largest eigenvalue, a mean of some epochs, grew by more than a "
                "third). It was ended there, and goes by what it preferred some epochs before."
            )
        if found.get("collapsed"):
            return (
                f"In epoch {number} the search began to collapse: {found['parameter_free']:.0%} of "
                "the options it preferred have no weights to learn. It was ended there, and goes "
                "by what it preferred before."
            )
    return ""


def trust(record: Record) -> str:
    """How far shared weights rank networks as training them alone does, in one sentence."""
    found = pairs(record)
    if len(found) < _LEAST:
        return (
            f"Too few of the named networks were trained alone ({len(found)}) to say whether "
            "shared weights rank networks as training them does."
        )
    shared, alone = [x for _, x, _ in found], [y for _, _, y in found]
    if len(set(shared)) == 1 or len(set(alone)) == 1:
        return (
            f"All {len(found)} networks had the same {record.metric.name}, with shared weights or "
            "alone: shared weights say nothing."
        )
    rho = float(spearmanr(shared, alone).statistic)
    said = "rank networks much alike" if rho > 0.6 else "say little about which network is better"
    return (
        f"Shared weights {said}: Spearman's rank correlation of the {record.metric.name} with "
        f"shared weights and of that of the network trained alone is {rho:.2f} over {len(found)} "
        "networks."
    )


def pairs(record: Record) -> list[tuple[int, float, float]]:
    """Of each trial of the search that was named: number, score by shared weights, and alone."""
    return [
        (t.number, record.shared_scores[t.architecture], t.metrics[record.metric.name])
        for t in record.history
        if t.done and t.proposal.stage.is_search and t.architecture in record.shared_scores
    ]

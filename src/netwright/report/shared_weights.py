"""The section of the report on a one-shot search: can its shared weights be trusted?"""

from __future__ import annotations

from html import escape

from scipy.stats import spearmanr

from netwright.record.record import Record
from netwright.report.charts import MARKS, Chart, Line, Points
from netwright.report.html import section
from netwright.tasks import Metric
from netwright.trial import best_of

_LEAST = 4  # networks, of which ranks are compared
_SHOWN = 6  # choices that are seen at once
_LONG = 9  # letters of an option's label


def shared(record: Record) -> str:
    """How a one-shot search went: curves, preferences, memory, and whether it can be trusted."""
    if not record.shared:
        return ""
    epochs = [record.shared[number] for number in sorted(record.shared)]
    lines = [Line([(e["epoch"], e["loss"]) for e in epochs], "best")]
    key = "<span><i style='background:var(--blue)'></i>loss of the train part</span>"
    if all("entropy" in e for e in epochs):
        lines.append(Line([(e["epoch"], e["entropy"]) for e in epochs], "front"))
        key += (
            "<span><i style='background:var(--green)'></i>entropy of the choices: "
            "1 is undecided, 0 decided</span>"
        )
    charts = [f"<p class='key soft small'>{key}</p>", Chart("epoch", "loss", lines).svg()]
    found, metric = pairs(record), record.metric
    if found:
        dots = [(x, y, f"trial {number}") for number, x, y in found]
        charts.append(
            f"<p class='soft small'>{metric.name.capitalize()} of each network trained alone, "
            f"against its {metric.name} with shared weights{_unit(metric)}:</p>"
        )
        label = f"{metric.name} with shared weights"
        points = [Points(dots, "trial", 3)]
        charts.append(
            Chart(label, f"{metric.name} alone", [], points, percent=metric.fraction).svg()
        )
    sentences = (trust(record), random_beside(record), fallen(record), memory(record))
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)
    return section("Shared weights", "".join(charts) + said + preferences(record))


def _unit(metric: Metric) -> str:
    return " (a fraction)" if metric.fraction else ""


def preferences(record: Record) -> str:
    """How likely each option of each choice was after each epoch; those of few choices at once."""
    epochs = [record.shared[number] for number in sorted(record.shared)]
    epochs = [epoch for epoch in epochs if "chances" in epoch]
    if len(epochs) < 2:
        return ""
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
        head = f"<div><code class='small'>{escape(name)}</code>"
        charts.append(f"{head}{Chart('epoch', 'probability', lines, width=340).svg()}</div>")
    if not charts:
        return ""
    shown, more = "".join(charts[:_SHOWN]), "".join(charts[_SHOWN:])
    rest = (
        f"<details><summary>{len(charts) - _SHOWN} more choices</summary><div class='two'>{more}"
        "</div></details>"
        if more
        else ""
    )
    return (
        "<p class='soft small'>How likely each option was after each epoch, by what the search had "
        f"learned; all are equal at first.</p><div class='two'>{shown}</div>{rest}"
    )


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

"""The section of the report on a one-shot search: can its shared weights be trusted?"""

from __future__ import annotations

from html import escape

from scipy.stats import spearmanr

from netwright.record import Record
from netwright.report.charts import Chart, Line, Points
from netwright.report.html import section

_LEAST = 4  # networks, of which ranks are compared


def shared(record: Record) -> str:
    """Loss and entropy over the epochs, and shared accuracy against that of networks alone."""
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
    found = pairs(record)
    if found:
        dots = [(x, y, f"trial {number}") for number, x, y in found]
        charts.append(
            "<p class='soft small'>Accuracy of each network trained alone, against its "
            "accuracy with shared weights (a fraction):</p>"
        )
        label = "accuracy with shared weights"
        points = [Points(dots, "trial", 3)]
        charts.append(Chart(label, "accuracy alone", [], points, percent=True).svg())
    said = f"<p>{trust(record)}</p>" + (
        f"<p>{escape(alarm)}</p>" if (alarm := fallen(record)) else ""
    )
    return section("Shared weights", "".join(charts) + said)


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
            f"All {len(found)} networks had the same accuracy, with shared weights or alone: "
            "shared weights say nothing."
        )
    rho = float(spearmanr(shared, alone).statistic)
    said = "rank networks much alike" if rho > 0.6 else "say little about which network is better"
    return (
        f"Shared weights {said}: Spearman's rank correlation of the accuracy with shared weights "
        f"and of that of the network trained alone is {rho:.2f} over {len(found)} networks."
    )


def pairs(record: Record) -> list[tuple[int, float, float]]:
    """Of each trial of the search that was named: number, shared accuracy, accuracy alone."""
    return [
        (t.number, record.shared_accuracy[t.architecture], t.metrics["accuracy"])
        for t in record.history
        if t.done and t.proposal.stage == 0 and t.architecture in record.shared_accuracy
    ]

"""The epoch after which networks of folds are best, before they learn their few rows by heart.

A long schedule learns noise where rows are few, and a short one too little where there is much to
learn: which it is, the rows say that a network did not learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from netwright.evaluate.base import Context
from netwright.evaluate.returned import floats
from netwright.tasks import Outputs, Task
from netwright.trial import Budget

BEST_EPOCH = "best_epoch"
"""The metric that says after which epoch of its schedule a network was best."""

_SHARES = (0.05, 0.1, 0.2, 0.4, 0.7)  # of a schedule, after which networks are looked at

Told = list[tuple[Outputs, Tensor]]
Answering = Callable[[nn.Module], Told]
Looks = Mapping[int, Callable[[nn.Module], None]]


def epochs_to_look(budget: Budget) -> tuple[int, ...]:
    """Epochs of a schedule, before its last, after which networks are looked at."""
    epochs = sorted({round(share * budget.horizon) for share in _SHARES})
    return tuple(epoch for epoch in epochs if 1 <= epoch < budget.horizon)


@dataclass(frozen=True)
class OfFold:
    """What the network of one fold says after some epochs, and its weights then.

    Its weights are kept where it may be handed back, `is_kept`.
    """

    answer: Answering
    is_kept: bool
    told: dict[int, Told] = field(default_factory=dict)
    weights: dict[int, dict[str, Tensor]] = field(default_factory=dict)

    def looks(self, budget: Budget) -> Looks:
        """What is to be done with the network after each of the epochs."""

        def look_after(epoch: int) -> Callable[[nn.Module], None]:
            return lambda network: self.look(epoch, network)

        return {epoch: look_after(epoch) for epoch in epochs_to_look(budget)}

    def look(self, epoch: int, network: nn.Module) -> None:
        """Take in the network after an epoch."""
        self.told[epoch] = self.answer(network)
        if self.is_kept:
            state = network.state_dict().items()
            self.weights[epoch] = {name: t.detach().cpu().clone() for name, t in state}

    def save(self, context: Context, budget: Budget) -> None:
        """Leave what was seen of a part of a schedule to the part that goes on."""
        found: dict[str, Tensor] = {}
        for epoch in set(self.told) & set(epochs_to_look(budget)):
            for place, (outputs, targets) in enumerate(self.told[epoch]):
                several = (outputs,) if isinstance(outputs, Tensor) else outputs
                kind = "one" if isinstance(outputs, Tensor) else "several"
                found |= {f"{epoch}/{kind}/{place}/{i}": x for i, x in enumerate(several)}
                found[f"{epoch}/targets/{place}/0"] = targets
            for name, tensor in self.weights.get(epoch, {}).items():
                found[f"{epoch}/weights/0/{name}"] = tensor
        if found:
            context.save(_name(budget), found)

    def load(self, context: Context, budget: Budget) -> None:
        """Take what the part before left."""
        tensors = context.load(_name(budget)) or {}
        parts: dict[tuple[int, int], dict[str, list[Tensor]]] = {}
        for key, tensor in tensors.items():
            after, kind, place, name = key.split("/", 3)
            if kind == "weights":
                self.weights.setdefault(int(after), {})[name] = tensor
            else:
                row = parts.setdefault((int(after), int(place)), {})
                row.setdefault(kind, []).append(tensor)
        for (epoch, _), row in sorted(parts.items()):
            outputs = row["one"][0] if "one" in row else tuple(row["several"])
            self.told.setdefault(epoch, []).append((outputs, row["targets"][0]))


def _name(budget: Budget) -> str:
    return f"looked-{budget.horizon}"


def best_together(
    folds: Sequence[OfFold], task: Task, budget: Budget
) -> tuple[dict[str, float], int]:
    """The metrics of the networks of all folds after the epoch that is best, and that epoch.

    It is best by the first metric of the task, the earliest of equals. Of a part of a schedule it
    is the last epoch, and so where the task trains for something else than it scores.
    """
    ends_early = budget.is_whole and task.is_scored_as_trained
    epochs = {*epochs_to_look(budget), budget.amount} if ends_early else {budget.amount}
    found = {
        epoch: floats(
            task.measure([pair for fold in folds for pair in fold.told[epoch]]),
            f"{type(task).__name__}.measure(batches)",
        )
        for epoch in sorted(epochs)
    }
    best = max(found, key=lambda epoch: task.metric.objective.gain(found[epoch]))
    return found[best] | ({BEST_EPOCH: float(best)} if budget.is_whole else {}), best

"""What every task must do. A check is given `make()` and valid targets of 24 rows or more."""

from __future__ import annotations

import json
from collections.abc import Callable

import cloudpickle
import numpy as np
import torch
from torch import Tensor

from netwright.tasks import Metric, Task
from netwright.tasks.base import Outputs

Make = Callable[[], Task]


def _outputs(task: Task, count: int, seed: int = 0) -> Outputs:
    """Random outputs for so many rows, as a network gives them."""
    rng = np.random.default_rng(seed)
    given = tuple(spec.example(rng, count) for spec in task.outputs)
    return given[0] if len(given) == 1 else given


def _each(outputs: Outputs) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else outputs


def _rows(outputs: Outputs, rows: slice) -> Outputs:
    if isinstance(outputs, Tensor):
        return outputs[rows]
    return tuple(each[rows] for each in outputs)


def names_what_it_measures(make: Make, targets: Tensor) -> None:
    """Outputs and metrics have names, and the first metric is what is searched for."""
    task = make()
    assert task.outputs and task.metrics
    assert len({metric.name for metric in task.metrics}) == len(task.metrics)
    assert task.objective.metric == task.metrics[0].name == task.metric.name


def loss_has_a_gradient(make: Make, targets: Tensor) -> None:
    """The loss is one finite number with a gradient in every output, smoothed or not."""
    task = make()
    for smoothing in (0.0, 0.1):
        outputs = _outputs(task, len(targets))
        for each in _each(outputs):
            each.requires_grad_(True)
        loss = task.loss(outputs, targets, smoothing=smoothing)
        assert loss.shape == () and torch.isfinite(loss)
        gradients = torch.autograd.grad(loss, _each(outputs))
        assert all(torch.isfinite(each).all() and each.any() for each in gradients)


def rows_without_weight_do_not_count(make: Make, targets: Tensor) -> None:
    """Equal weights change nothing, and rows of weight 0 are as if they were not there."""
    task, half = make(), len(targets) // 2
    outputs = _outputs(task, len(targets))
    plain = task.loss(outputs, targets)
    torch.testing.assert_close(task.loss(outputs, targets, torch.full((len(targets),), 3.0)), plain)
    weights = (torch.arange(len(targets)) < half).float()
    kept = task.loss(_rows(outputs, slice(half)), targets[:half])
    torch.testing.assert_close(task.loss(outputs, targets, weights), kept)


def soft_targets_are_targets(make: Make, targets: Tensor) -> None:
    """A network can learn from the outputs of another one, which get no gradient."""
    task = make()
    outputs = _outputs(task, len(targets))
    for each in _each(outputs):
        each.requires_grad_(True)
    soft = task.soft_targets(outputs)
    assert len(soft) == len(targets) and not soft.requires_grad
    own = task.loss(outputs, soft)
    other = task.loss(_outputs(task, len(targets), seed=1), soft)
    assert torch.isfinite(own) and own < other, "nothing fits its own soft targets better"


def batches_do_not_matter(make: Make, targets: Tensor) -> None:
    """Metrics are those of all rows, however they come in batches."""
    task = make()
    outputs = _outputs(task, len(targets))
    whole = task.measure([(outputs, targets)])
    assert list(whole) == [metric.name for metric in task.metrics]
    assert all(np.isfinite(list(whole.values())))
    parts = [slice(0, 5), slice(5, 6), slice(6, None)]
    found = task.measure((_rows(outputs, part), targets[part]) for part in parts)
    assert whole == {name: _near(value, whole[name]) for name, value in found.items()}


def rows_have_the_metric_as_their_mean(make: Make, targets: Tensor) -> None:
    """Where a metric is a mean over rows, or follows from one, rows have values that say so."""
    task = make()
    outputs = _outputs(task, len(targets))
    measured = task.measure([(outputs, targets)])
    parts = [slice(0, 5), slice(5, 6), slice(6, None)]
    for metric in task.metrics:
        batches = [(_rows(outputs, part), targets[part]) for part in parts]
        values = task.row_values(metric.name, iter(batches))
        if values is not None:
            assert np.shape(values) == (len(targets),)
            assert measured[metric.name] == _near(float(np.mean(values)), measured[metric.name])


def _near(value: float, other: float) -> float:
    """`other` where the two differ by rounding alone."""
    return other if abs(value - other) <= 1e-5 * max(1.0, abs(other)) else value


def splits_take_each_row_once(make: Make, targets: Tensor) -> None:
    """The three parts have all rows, each once; the generator alone decides which."""
    task, given = make(), targets.numpy()
    for fractions in ((0.25, 0.25), (0.25, None), (None, None)):
        parts = [
            task.split(
                given,
                validation=fractions[0],
                test=fractions[1],
                rng=np.random.default_rng(3),
                source="rows",
            )
            for _ in range(2)
        ]
        assert all(np.array_equal(a, b) for a, b in zip(*parts, strict=True))
        assert sorted(np.concatenate(parts[0]).tolist()) == list(range(len(given)))
        assert [len(part) > 0 for part in parts[0]] == [True, *(f is not None for f in fractions)]


def decodes_row_by_row(make: Make, targets: Tensor) -> None:
    """The decoder is a module that `torch.export` takes; a row's answer depends on it alone."""
    task = make()
    outputs = _outputs(task, len(targets))
    decoder = task.decoder().eval()
    answers = decoder(*_each(outputs))
    first = decoder(*_each(_rows(outputs, slice(2))))
    torch.testing.assert_close(first, answers[:2])
    program = torch.export.export(decoder, _each(outputs)).module()
    torch.testing.assert_close(program(*_each(outputs)), answers)


def says_the_same_when_deployed(make: Make, targets: Tensor) -> None:
    """What goes after a network that is handed back changes no answer and no metric."""
    task = make()
    outputs = _outputs(task, len(targets))
    after, meant = task.deployed()
    given = outputs if after is None else after.eval()(*_each(outputs))
    answers = task.decoder().eval()(*_each(outputs))
    torch.testing.assert_close(meant.decoder().eval()(*_each(given)), answers)
    assert meant.decoding["answer"] == task.decoding["answer"]
    whole = task.measure([(outputs, targets)])
    found = meant.measure([(given, targets)])
    assert whole == {name: _near(value, whole[name]) for name, value in found.items()}


def survives_the_way_to_a_worker(make: Make, targets: Tensor) -> None:
    """It can be sent and logged, and is the same then."""
    task = make()
    body = json.loads(json.dumps(task.to_json(), allow_nan=False))
    assert body["kind"]
    assert tuple(map(Metric.from_json, body["metrics"])) == task.metrics
    sent: Task = cloudpickle.loads(cloudpickle.dumps(task))
    outputs = _outputs(task, len(targets))
    assert torch.equal(sent.loss(outputs, targets), task.loss(outputs, targets))


TASK_CHECKS: tuple[Callable[[Make, Tensor], None], ...] = (
    names_what_it_measures,
    loss_has_a_gradient,
    rows_without_weight_do_not_count,
    soft_targets_are_targets,
    batches_do_not_matter,
    rows_have_the_metric_as_their_mean,
    splits_take_each_row_once,
    decodes_row_by_row,
    says_the_same_when_deployed,
    survives_the_way_to_a_worker,
)

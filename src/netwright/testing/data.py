"""What all data must do. A check is given `make()` and four rows as a user has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cloudpickle
import torch
from torch import Tensor

from netwright.data import Data, Part
from netwright.data.base import Inputs
from netwright.network.signature import TensorSpec

Make = Callable[[], Data]


def _follows(tensors: Inputs, specs: tuple[TensorSpec, ...], rows: int) -> None:
    """Each tensor is what its specification says, for so many rows."""
    assert isinstance(tensors, tuple) and len(tensors) == len(specs)
    for tensor, spec in zip(tensors, specs, strict=True):
        assert tensor.dtype == spec.torch_dtype, (spec.name, tensor.dtype)
        assert len(tensor) == rows and tensor.ndim == 1 + len(spec.shape)
        sizes = zip(tensor.shape[1:], spec.shape, strict=True)
        assert all(wanted in (None, size) for size, wanted in sizes), (spec.name, tensor.shape)


def _same(a: tuple[Inputs, Tensor], b: tuple[Inputs, Tensor]) -> bool:
    return all(map(_equal, (*a[0], a[1]), (*b[0], b[1])))


def _equal(a: Tensor, b: Tensor) -> bool:
    """Whether tensors are the same, gaps (NaN) at the same places included."""
    if a.is_floating_point():
        return torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(), b.nan_to_num())
    return torch.equal(a, b)


def _parts(data: Data) -> tuple[Part, Part, Part]:
    return data.train, data.validation, data.test


def batches_are_what_is_said(make: Make, rows: Any) -> None:
    """Batches have the raw tensors of `raw`, by numbers of rows as by slices."""
    data = make()
    assert data.name and data.digest and len(data.train) > 0
    for part in _parts(data):
        count = min(5, len(part))
        batch = part.batch(slice(0, count))
        _follows(batch[0], data.raw, count)
        assert len(batch[1]) == count
        if count:
            assert _same(batch, part.batch(torch.arange(count)))
            backwards = part.batch(torch.arange(count).flip(0))
            assert _same(batch, (tuple(x.flip(0) for x in backwards[0]), backwards[1].flip(0)))
    whole = data.train.batch(slice(None))
    assert len(whole[1]) == len(data.train)
    assert _same(whole, data.train.to(torch.device("cpu")).batch(slice(None)))


def normalised_inputs_are_what_a_network_takes(make: Make, rows: Any) -> None:
    """`normalise` is a module that can be exported and gives what `signature` says."""
    data = make()
    raw, _ = data.train.batch(slice(0, 4))
    normalise = data.normalise.eval()
    given = normalise(*raw)
    _follows(given if isinstance(given, tuple) else (given,), data.signature.inputs, len(raw[0]))
    program = torch.export.export(normalise, raw).module()
    torch.testing.assert_close(program(*raw), given)
    assert data.signature.outputs == data.task.outputs


def targets_are_of_the_task(make: Make, rows: Any) -> None:
    """The task has a loss and metrics for these targets."""
    data = make()
    _, targets = data.train.batch(slice(0, 4))
    outputs = tuple(torch.zeros(len(targets), *spec.sizes) for spec in data.task.outputs)
    given = outputs[0] if len(outputs) == 1 else outputs
    assert torch.isfinite(data.task.loss(given, targets))
    assert data.task.metric.name in data.task.measure([(given, targets)])


def rows_are_encoded(make: Make, rows: Any) -> None:
    """Rows of a user become raw tensors; how is JSON, and the same after the way to a worker."""
    data = make()
    encoded = data.encode(rows)
    _follows(encoded, data.raw, len(rows))
    body = json.loads(json.dumps(data.encoding, allow_nan=False))
    assert body["kind"]
    sent: Data = cloudpickle.loads(cloudpickle.dumps(data))
    assert all(map(torch.equal, sent.encode(rows), encoded)) and sent.encoding == data.encoding


def workers_get_no_test_row(make: Make, rows: Any) -> None:
    """Without its test part the data are the same otherwise, also where they are sent."""
    data = make()
    held = data.without_test()
    sent: Data = cloudpickle.loads(cloudpickle.dumps(held))
    for other in (held, sent):
        assert len(other.test) == 0 and other.digest == data.digest
        assert len(other.validation) == len(data.validation)
        assert _same(other.train.batch(slice(0, 5)), data.train.batch(slice(0, 5)))
    assert len(data.test) == len(make().test)


def validation_rows_are_learnt_from(make: Make, rows: Any) -> None:
    """For a refit the validation rows come after those of the train part."""
    data = make()
    both = data.with_validation_in_train()
    learnt, checked = len(data.train), len(data.validation)
    assert (len(both.train), len(both.validation)) == (learnt + checked, 0)
    assert both.digest == data.digest and len(both.test) == len(data.test)
    assert _same(both.train.batch(slice(0, 5)), data.train.batch(slice(0, 5)))
    tail = both.train.batch(slice(learnt, learnt + checked))
    assert _same(tail, data.validation.batch(slice(None)))
    raw, _ = data.train.batch(slice(0, 4))
    torch.testing.assert_close(both.normalise(*raw), data.normalise(*raw))


def settings_are_json(make: Make, rows: Any) -> None:
    """What the data are can be logged, and is the same each time."""
    settings = make().settings
    assert json.loads(json.dumps(settings, allow_nan=False)) == make().settings
    assert settings["digest"] == make().digest


DATA_CHECKS: tuple[Callable[[Make, Any], None], ...] = (
    batches_are_what_is_said,
    normalised_inputs_are_what_a_network_takes,
    targets_are_of_the_task,
    rows_are_encoded,
    workers_get_no_test_row,
    validation_rows_are_learnt_from,
    settings_are_json,
)

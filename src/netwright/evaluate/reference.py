"""What a classical model reaches on the same split: no network may silently do worse."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from netwright.data import Data
from netwright.data.base import Inputs
from netwright.errors import EvaluationError
from netwright.evaluate.plain import Plain, is_for
from netwright.network.normalised import each_of
from netwright.network.signature import TensorSpec
from netwright.tasks import Classical, Metric, Task
from netwright.tasks.base import Batches

_ROWS = 15_000  # more rows are drawn down to so many: the time of an SVM grows with their square
_BYTES = 2**29  # of the features of these rows, likewise
_LARGE, _SMALL = 64, 32  # pictures of more pixels than the one squared are made the other's
_AT_ONCE = 2**26  # bytes of the features of the test part that are read and reduced at once
_MOST_IDS = 4096  # features of an input of ids, at most
_FIRST = 500  # rows that are timed first, where the seconds are bounded,
_MORE = 4  # times as many are worth a second training, if there is time for them
_POWER = 2.0  # of its rows, with which the time of a reference grows where nothing is known
_LEAST = 1.0  # seconds that must be left for a further model to be begun
_FEATURES = 256  # more features are first reduced to so many principal components

Features = NDArray[np.float32]
Pair = tuple[Features, NDArray[Any]]
Told = Callable[[Batches], None]
Reference = Callable[[Pair, Pair], dict[str, Any] | None]


def reference(
    data: Data,
    seconds: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
    metric: Metric | None = None,
    plain: Plain | None = None,
    told: Told = lambda batches: None,
) -> dict[str, Any] | None:
    """The reference of the task, trained on the train part; None where the task has none.

    Where the data have features of their own for it, such as texts and series, it is the best of
    the models of those. Else all inputs become features, side by side: numbers as they are, ids of
    each place as one feature for each of them. An input that has no fixed number of features, or
    more than 4,096 by its ids, is left out. Features of a table, and of several inputs, are
    standardised. Of more than 15,000 rows, or than make 512 MiB of features, a seeded sample is
    taken, and more than 256 features are reduced to their principal components. Pictures of more
    than 64 x 64 pixels are made smaller first, to about 32 x 32, by means.

    Of several models of the task, a fifth of these rows that they do not learn from (or up to 500,
    a third at most) finds out the best by `metric`, the task's first if None; that one is the
    reference, and learns from all. Where it may take so many `seconds` only, a few rows are timed
    first, and as many are taken as there is time for by how its time grows with them. No further
    model is begun when the time is over.

    For pictures the better of that and a `plain` network is the reference, which may take half of
    the seconds, or a minute where they are not bounded.

    `told` is called with what a model answers on the test part, as a network would, and the
    targets; the last time with that of the reference.

    Returns the name and the metrics on the test part, with the rows, of how many they are, and the
    seconds; `left_out`, where an input was; and of several models `compared`, what each reached on
    the rows that were held out, with `compared_by`, the metric.
    """
    if not data.reference_name and not any(map(_is_read, data.raw)):
        return None
    began = clock()
    most = min(len(data.train), _ROWS)
    if not data.reference_name:
        most = min(most, max(_MORE * _FIRST, _BYTES // _row_bytes(data)))
    models = _models(data)
    metric = metric or data.task.metric
    models = [m for m in models if metric.name not in m.lacks] or models
    plain = plain if models and is_for(data) else None
    if len(models) < 2 and plain is None:
        train = _alone(data, models[0], told) if models else data.task.reference
        return _by_seconds(
            lambda rows: _trained_on(data, train, rows, began, clock),
            *(most, seconds, models[0].power if models else _POWER),
        )
    half = seconds if seconds is None or plain is None else seconds / 2
    found, held = _better(data, models, metric, most, half, clock, told)
    if plain is not None:
        left = None if seconds is None else seconds - (clock() - began)
        found = plain.against(found, data, held, metric, left, clock, told)
    return {**found, "seconds": clock() - began}


def _models(data: Data) -> list[Classical]:
    """The models of the task for what classical models learn from of these data."""
    fitting = [m for m in data.task.classical if m.features == data.reference_name]
    is_table = not data.reference_name and _is_table(data.raw)
    return [m for m in fitting if is_table or not m.table]


def _by_seconds(
    train: Callable[[int], dict[str, Any] | None], most: int, seconds: float | None, power: float
) -> dict[str, Any] | None:
    """What is trained on so many rows, or as many as there is time for; some are timed first."""
    if seconds is None or most <= _MORE * _FIRST:
        return train(most)
    found = train(_FIRST)
    if found is None:
        return None
    left = seconds - found["seconds"]
    affordable = int(_FIRST * (max(0.0, left) / max(found["seconds"], 1e-9)) ** (1 / power))
    rows = min(most, affordable)
    return train(rows) if rows >= _MORE * _FIRST else found


def _alone(data: Data, model: Classical, told: Told) -> Reference:
    """The one model of a task, as its reference."""

    def train(rows: Pair, test: Pair) -> dict[str, Any]:
        return _measured(data.task, model, model.fit(*rows), test, told)

    return train


def _better(
    data: Data,
    models: Sequence[Classical],
    metric: Metric,
    most: int,
    seconds: float | None,
    clock: Callable[[], float],
    told: Told,
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """The best of several models by rows that are held out, then trained on those too.

    Beside it the numbers of the rows that were held out.
    """
    began = clock()
    rows = _drawn(len(data.train), most)
    train, test = _parts(data, rows)
    order = np.random.default_rng(1).permutation(len(rows))
    held = max(min(_FIRST, len(rows) // 3), len(rows) // 5)
    learnt, other = order[held:], order[:held]
    reached: dict[str, float] = {}
    best: tuple[float, Classical, Any, int] | None = None
    for place, model in enumerate(models):
        left = None if seconds is None else seconds - (clock() - began)
        if best is not None and left is not None and left <= _LEAST:
            break
        share = None if left is None else left / (len(models) - place + 1)  # one for the end

        def fit(count: int, model: Classical = model) -> dict[str, Any]:
            start, few = clock(), learnt[:count]
            fitted = model.fit(train[0][few], train[1][few])
            return {"fitted": fitted, "rows": count, "seconds": clock() - start}

        try:
            made = _by_seconds(fit, len(learnt), share, model.power)
        except ValueError:  # such as rows of one class alone, which some refuse
            continue
        assert made is not None
        answers = made["fitted"](train[0][other])
        score = data.task.measure([(answers, torch.from_numpy(train[1][other]))])[metric.name]
        if math.isfinite(score):
            reached[model.name] = score
        gain = metric.objective.gain({metric.name: score})
        if best is None or gain > best[0]:
            best = (gain, model, made["fitted"], made["rows"])
            cost = made["seconds"]
    if best is None:
        raise EvaluationError("No classical model could be trained on the rows of the train part.")
    _, model, fitted, count = best
    left = None if seconds is None else seconds - (clock() - began)
    if count == len(learnt) and (left is None or left > 2 * cost):
        fitted, count = model.fit(*train), len(rows)
    found = {
        **_measured(data.task, model, fitted, test, told),
        **_told(data, count),
        "compared": reached,
        "compared_by": metric.name,
    }
    return found, rows[other]


def _measured(task: Task, model: Classical, fitted: Any, test: Pair, told: Told) -> dict[str, Any]:
    """The name of a model and the metrics that it reaches; its answers are `told`."""
    batches = [(fitted(test[0]), torch.from_numpy(test[1]))]
    found = task.measure(batches)
    told(batches)
    known = {k: v for k, v in found.items() if k not in model.lacks and math.isfinite(v)}
    return {"name": model.name, **known}


def _trained_on(
    data: Data, train: Reference, count: int, began: float, clock: Callable[[], float]
) -> dict[str, Any] | None:
    """The reference on so many rows of the train part."""
    found = train(*_parts(data, _drawn(len(data.train), count)))
    if found is None:
        return None
    return {**found, **_told(data, count), "seconds": clock() - began}


def _told(data: Data, count: int) -> dict[str, Any]:
    """From which rows and inputs a model learned."""
    left_out = [] if data.reference_name else [spec.name for spec in data.raw if not _is_read(spec)]
    return {
        **({"left_out": left_out} if left_out else {}),
        "rows": min(count, len(data.train)),
        "of": len(data.train),
    }


def _drawn(rows: int, count: int) -> NDArray[np.int64]:
    """The numbers of so many rows, drawn by a seed; of all where they are no more."""
    if rows <= count:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, count, replace=False))


def _parts(data: Data, rows: NDArray[np.int64]) -> tuple[Pair, Pair]:
    """Features and targets of rows of the train part, and of the test part."""
    own = data.reference_features(rows)
    if own is not None:
        train, test = own
        wanted = data.train.all_targets[torch.from_numpy(rows)]
        return (train, wanted.numpy()), (test, data.test.all_targets.numpy())
    at_once = max(1, _AT_ONCE // max(_row_bytes(data), _raw_bytes(data)))
    parts = [slice(start, start + at_once) for start in range(0, max(1, len(data.test)), at_once)]
    tests = (_features(data.test.batch(part)[0], data) for part in parts)
    learnt, learnt_targets = [], []
    for start in range(0, len(rows), at_once):
        raw, wanted = data.train.batch(torch.from_numpy(rows[start : start + at_once]))
        learnt.append(_features(raw, data))
        learnt_targets.append(wanted.numpy())
    train, test = _on_one_scale(np.concatenate(learnt), tests, is_table=_is_table(data.raw))
    given = np.concatenate([data.test.batch(part)[1].numpy() for part in parts])
    return (train, np.concatenate(learnt_targets)), (test, given)


def _is_table(specs: Sequence[TensorSpec]) -> bool:
    """Whether features are of columns, each on a scale of its own, and not of the pixels of one."""
    read = [spec for spec in specs if _is_read(spec)]
    return len(read) > 1 or len(read[0].shape) == 1


def _is_read(spec: TensorSpec) -> bool:
    """Whether a tensor is turned into features."""
    if None in spec.shape:
        return False
    return spec.ids is None or math.prod(spec.sizes) * spec.ids <= _MOST_IDS


def _features(raw: Inputs, data: Data) -> Features:
    """Raw inputs, each (n, ...), as features (n, f).

    Where a network takes one row of features, they are those; otherwise what is raw, side by side.
    """
    taken = data.signature.inputs
    if len(taken) == 1 and len(taken[0].shape) == 1 and taken[0].ids is None:
        with torch.inference_mode():
            (rows,) = each_of(data.normalise.eval()(*raw))
        return np.asarray(rows.numpy(), np.float32)
    found = []
    for x, spec in zip(raw, data.raw, strict=True):
        if not _is_read(spec):
            continue
        if spec.ids is not None:
            x = functional.one_hot(x.long(), spec.ids)
        if (sizes := _sizes(spec)) != spec.sizes:
            x = functional.adaptive_avg_pool2d(x.float(), (sizes[1], sizes[2]))
        found.append(x.numpy().reshape(len(x), -1).astype(np.float32))
    return np.concatenate(found, 1)


def _row_bytes(data: Data) -> int:
    """Bytes of the features of a row."""
    specs = data.raw
    return 4 * sum(math.prod(_sizes(s)) * (s.ids or 1) for s in specs if _is_read(s))


def _raw_bytes(data: Data) -> int:
    """Bytes of a row of pictures before they are made smaller, as floats; 0 of other rows."""
    return 4 * sum(math.prod(spec.sizes) for spec in data.raw if _is_large(spec))


def _is_large(spec: TensorSpec) -> bool:
    """Whether a tensor is a picture of more pixels than a classical model gains by."""
    return len(spec.shape) == 3 and _is_read(spec) and math.prod(spec.sizes[1:]) > _LARGE**2


def _sizes(spec: TensorSpec) -> tuple[int, ...]:
    """The sizes of what is made features of: of a large picture its means over small areas."""
    if spec.ids is not None or not _is_large(spec):
        return spec.sizes
    channels, height, width = spec.sizes
    smaller = math.sqrt(height * width) / _SMALL
    return channels, max(1, round(height / smaller)), max(1, round(width / smaller))


def _on_one_scale(
    train: Features, tests: Iterable[Features], *, is_table: bool
) -> tuple[Features, Features]:
    """Both parts, standardised and reduced as the train part says; the test part piece by piece."""
    steps: list[Any] = [StandardScaler()] if is_table else []  # pixels share one scale already
    if train.shape[1] > _FEATURES and len(train) > _FEATURES:
        steps.append(PCA(_FEATURES, random_state=0))
    for step in steps:
        train = step.fit_transform(train)

    def reduced(rows: Features) -> Features:
        for step in steps:
            rows = step.transform(rows)
        return rows

    return train, np.concatenate(list(map(reduced, tests)))

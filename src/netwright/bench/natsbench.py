"""The official files of NATS-Bench, topology and size, arXiv 2009.00437, without its code.

As its official code documents them (D-X-Y/NATS-Bench, `api_utils.py`): either a folder such as
`NATS-tss-v1_0-3ffb9-simple` with `meta.pickle.pbz2` and one file a network, or the one file
`NATS-tss-v1_0-3ffb9.pickle.pbz2` of all. A network has by epochs ("01", "12", "90", "200"), data
set and seed one training: its curve of each part, seconds, params and FLOPs in millions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netwright.bench.pickles import read_pickle
from netwright.errors import DataError

_ENDING = ".pickle.pbz2"

_PARTS = {
    "c10_val": ("cifar10-valid", "x-valid"),
    "c10_test": ("cifar10", "ori-test"),
    "c100_val": ("cifar100", "x-valid"),
    "c100_test": ("cifar100", "x-test"),
    "in16_val": ("ImageNet16-120", "x-valid"),
    "in16_test": ("ImageNet16-120", "x-test"),
}
"""Columns without their epochs: the data set that was learned, and the part that was scored."""

_SIZES = {"c10": "cifar10", "c100": "cifar100", "in16": "ImageNet16-120"}


def is_nats(path: Path) -> bool:
    """Whether a path is a file or folder of NATS-Bench, by its name."""
    return path.name.endswith(_ENDING) or (path / f"meta{_ENDING}").is_file()


def read_nats(path: Path) -> tuple[list[str], dict[str, list[float]]]:
    """The official texts of the networks, and means over the seeds in percent, by columns.

    `seconds_E` is what the official code charges a query on CIFAR-10: E epochs of training and one
    pass over the validation part. `latency_ms` is of a batch of 256. What was not measured is NaN.

    Raises:
        DataError: The files are damaged, or networks are missing.
    """
    texts, rows = [], []
    try:
        for text, trained in _networks(path):
            rows.append(_row(trained))
            texts.append(text)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path}, network {len(texts)}, is damaged ({type(error).__name__}: {error})."
        ) from error
    names = dict.fromkeys(name for row in rows for name in row)
    return texts, {name: [row.get(name, math.nan) for row in rows] for name in names}


def _networks(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The official text of each network, and its trainings by epochs."""
    if path.is_dir():
        for number, text in enumerate(read_pickle(path / f"meta{_ENDING}")["meta_archs"]):
            files = [path / f"{name}{_ENDING}" for name in (f"{number:06d}", str(number))]
            yield text, read_pickle(next((f for f in files if f.is_file()), files[0]))
        return
    whole = read_pickle(path)
    for number, text in enumerate(whole["meta_archs"]):
        if number not in whole["arch2infos"]:
            raise DataError(f"{path} lacks the results of network {number}, {text}.")
        yield text, whole["arch2infos"][number]


def _row(trained: Mapping[str, Any]) -> dict[str, float]:
    made: dict[str, float] = {}
    for key in sorted(trained, key=int):
        epochs, results = int(key), trained[key]["all_results"]
        by_set: dict[str, list[Mapping[str, Any]]] = {}
        for (data, _), result in results.items():
            by_set.setdefault(data, []).append(result)
        for name, (data, part) in _PARTS.items():
            made[f"{name}_{epochs}"] = _mean(
                result["eval_acc1es"].get(f"{part}@{result['epochs'] - 1}")
                for result in by_set.get(data, ())
            )
        made[f"seconds_{epochs}"] = _mean(map(_seconds, by_set.get("cifar10-valid", ())))
        for short, data in _SIZES.items():
            own = by_set.get(data, ())
            costs = {
                f"params_{short}": 1e6 * _mean(result["params"] for result in own),
                f"flops_{short}": 1e6 * _mean(result["flop"] for result in own),
                f"latency_ms_{short}": 1e3 * _mean(_mean(r["latency"] or ()) for r in own),
            }
            made |= {k: v for k, v in costs.items() if not math.isfinite(made.get(k, math.nan))}
    return made


def _seconds(result: Mapping[str, Any]) -> float:
    training, passes = result["train_times"], result["eval_times"]
    if not training:
        return math.nan
    own = [value for key, value in passes.items() if key.startswith("x-valid@")]
    return math.fsum(training.values()) + _mean(own)


def _mean(values: Any) -> float:
    """The mean of those that are numbers; NaN of none."""
    found = [float(v) for v in values if v is not None and math.isfinite(v) and v >= 0]
    return float(np.mean(found)) if found else math.nan

"""The official file of HW-NAS-Bench, `HW-NAS-Bench-v1_0.pickle`, arXiv 2103.10584.

As its official code documents it (GATECH-EIC/HW-NAS-Bench, `hw_nas_bench_api.py`): by space, data
set and metric a list with a value for each cell of NAS-Bench-201, and in `config` the cells. What
it has of FBNet is a table of operations, not of networks, and is not read.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from netwright.bench.pickles import read_pickle
from netwright.errors import DataError

_SPACE = "nasbench201"
_DATA = {"cifar10": "", "cifar100": "_c100", "ImageNet16-120": "_in16"}
_KINDS = {"latency": ("lat_", "_ms"), "energy": ("energy_", "_mj")}


def read_hardware(path: Path) -> tuple[list[str], dict[str, list[float]]]:
    """The official texts of the cells, and columns such as `lat_raspi4_ms` and `energy_fpga_mj`.

    Those of CIFAR-100 and ImageNet16-120 end in `_c100` and `_in16`. NaN is what was not measured.

    Raises:
        DataError: The file is damaged, or another.
    """
    content = read_pickle(path)
    try:
        sets = {name: content[_SPACE][name] for name in _DATA if name in content[_SPACE]}
        texts = [config["arch_str"] for config in next(iter(sets.values()))["config"]]
        columns = {
            _column(metric, _DATA[name]): [_number(value) for value in values]
            for name, metrics in sets.items()
            for metric, values in metrics.items()
            if metric != "config"
        }
    except (KeyError, TypeError, StopIteration) as error:
        raise DataError(
            f"{path} is no file of HW-NAS-Bench, or damaged ({type(error).__name__}: {error})."
        ) from error
    uneven = [name for name, values in columns.items() if len(values) != len(texts)]
    if uneven:
        raise DataError(
            f"{path} is damaged: it has {len(texts):,} cells and {len(columns[uneven[0]]):,} "
            f"values of {uneven[0]}."
        )
    return texts, columns


def _column(metric: str, suffix: str) -> str:
    device, _, kind = metric.partition("_")
    before, behind = _KINDS.get(kind, ("", f"_{kind}"))
    return f"{before}{device}{behind}{suffix}"


def _number(value: Any) -> float:
    """A cost; what is none, such as a note that a device cannot run the cell, is NaN."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return math.nan
    return found if found > 0 else math.nan

"""Zero-cost scores of NAS-Bench-Suite-Zero, arXiv 2210.03230: `zc_nasbench201.json` and its kin.

As its official code documents them (automl/NASLib, branch zerocost): by data set and network the
score and seconds of each proxy, and `val_accuracy`, which of NAS-Bench-201 is the test accuracy of
one training. A network is a text of numbers: six operations of a cell of NAS-Bench-201, or matrix
and operations of one of NAS-Bench-101. Networks of other spaces are not read.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright import spaces
from netwright.errors import DataError
from netwright.space import Architecture, Space
from netwright.spaces.nasbench101 import from_graph
from netwright.spaces.nasbench201 import from_string

Scores = dict[str, dict[str, dict[str, float]]]
"""By data set and network, scores by proxy."""

_SHORT = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}
_OPERATIONS_201 = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_OPERATIONS_101 = {2: "maxpool3x3", 3: "conv1x1-bn-relu", 4: "conv3x3-bn-relu"}
_OUTPUT, _VERTICES = 1, 7
_EDGES = ("0-1", "0-2", "0-3", "1-2", "1-3", "2-3")
_OTHERS = {"autoencoder", "class_object", "class_scene", "jigsaw", "normal", "room_layout"}
"""Tasks of TransNAS-Bench-101, whose cells are written as those of NAS-Bench-201 are."""


def read_json(path: Path) -> Scores:
    """The scores of an official file.

    Raises:
        DataError: It is damaged, or another.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            data: {
                network: {name: _score(value) for name, value in found.items() if name != "id"}
                for network, found in networks.items()
            }
            for data, networks in content.items()
        }
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise DataError(f"{path} is no file of NAS-Bench-Suite-Zero: {error}.") from error


def scores_of(frame: Any, space: str, path: Path) -> Scores:
    """The scores of one space in a table with columns `space`, `dataset` and `arch`.

    Raises:
        DataError: It has none of that space.
    """
    own = frame[frame["space"] == space]
    if not len(own):
        raise DataError(
            f"{path} has no networks of {space!r}; it has some of "
            f"{', '.join(sorted(frame['space'].unique()))}."
        )
    proxies = [name for name in own.select_dtypes("number")]
    made: Scores = {}
    for data, rows in own.groupby("dataset"):
        networks = zip(rows["arch"], rows[proxies].to_dict("records"), strict=True)
        made[str(data)] = {str(network): scores for network, scores in networks}
    return made


def table_parts(
    scores: Scores, path: Path
) -> tuple[Space, list[Architecture], dict[str, list[float]]]:
    """Space, networks and columns such as `nwot_c10`.

    Raises:
        DataError: A network is of no space that is read.
    """
    texts = list(dict.fromkeys(text for networks in scores.values() for text in networks))
    try:
        if _OTHERS & scores.keys():
            raise ValueError("got those of TransNAS-Bench-101")
        numbers = [ast.literal_eval(text) for text in texts]
        space, parse = _reader(numbers[0])
        members = [parse(code, space) for code in numbers]
    except (ValueError, SyntaxError, TypeError, IndexError, KeyError) as error:
        raise DataError(
            f"{path} has networks of no space that is read; those of NAS-Bench-201 and "
            f"NAS-Bench-101 are ({error})."
        ) from error
    columns = {}
    for data, networks in scores.items():
        for name in dict.fromkeys(name for found in networks.values() for name in found):
            column = f"{name}_{_SHORT.get(data, data)}"
            columns[column] = [networks.get(t, {}).get(name, math.nan) for t in texts]
    return space, members, columns


def _score(value: Any) -> float:
    return float(value["score"] if isinstance(value, Mapping) else value)


def _reader(code: Any) -> tuple[Space, Callable[[Any, Space], Architecture]]:
    if len(code) == len(_EDGES):
        return spaces.nasbench201(), _cell_201
    if len(code) == _VERTICES**2 + _VERTICES:
        return spaces.nasbench101(), _cell_101
    raise ValueError(f"got {code!r}")


def _cell_201(code: Sequence[int], space: Space) -> Architecture:
    """Operations of the edges in their order."""
    a, b, c, d, e, f = (_OPERATIONS_201[k] for k in code)
    return from_string(f"|{a}~0|+|{b}~0|{d}~1|+|{c}~0|{e}~1|{f}~2|", space)


def _cell_101(code: Sequence[int], space: Space) -> Architecture:
    """A matrix of seven rows, and operations up to the output's."""
    labels = code[_VERTICES**2 :]
    size = labels.index(_OUTPUT) + 1
    matrix = [list(code[_VERTICES * i : _VERTICES * i + size]) for i in range(size)]
    return from_graph(matrix, [_OPERATIONS_101[k] for k in labels[1 : size - 1]], space)

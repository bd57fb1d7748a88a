"""One row of a drawn network."""

from __future__ import annotations

from dataclasses import dataclass

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Node:
    """A layer with what is folded into it; `shape` is its output's, without the batch.

    `sources` are the places of the nodes it reads, -1 for the input; `group` is the top-level
    part of the network it stands in. `short` is the label without widths, and `within` are the
    modules around it as (path, class name), the outermost first.
    """

    label: str
    kind: str
    shape: tuple[int, ...]
    params: int
    sources: tuple[int, ...]
    group: str
    short: str = ""
    within: Parts = ()

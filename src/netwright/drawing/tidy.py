"""Rows of a traced network made fewer: sums of sums, zeros, layers that share a line."""

from __future__ import annotations

from dataclasses import replace

from netwright.drawing.node import Node

_FOLDED = ("norm", "activation", "dropout")


def merge_sums(rows: list[Node]) -> list[Node]:
    """Make one row of a sum of sums within a module, and leave out what adds zero."""
    readers = _readers(rows)
    made: list[Node] = []
    kept: set[int] = set()  # rows that are not left out
    place = {-1: -1}
    for i, row in enumerate(rows):
        sources = [place[s] for s in row.sources]
        if row.label == "Add" and row.kind == "merge":
            terms: list[int] = []
            for source in row.sources:
                inner = made[place[source]] if source in kept and readers[source] == 1 else None
                whole = inner and inner.label == "Add" and inner.within == row.within
                terms += inner.sources if inner and whole else (place[source],)
            real = [t for t in dict.fromkeys(terms) if t < 0 or made[t].kind != "zero"]
            sources = real or sources[:1]
            if len(sources) == 1 and len(row.sources) > 1:
                place[i] = sources[0]
                continue
        made.append(replace(row, sources=tuple(dict.fromkeys(sources))))
        place[i] = len(made) - 1
        kept.add(i)
    return _without_unread(made, place[len(rows) - 1])


def _without_unread(rows: list[Node], output: int) -> list[Node]:
    """Leave out what nothing reads any more, but for what has parameters; the output comes last."""
    readers = _readers(rows)
    for i in reversed(range(len(rows))):
        if i != output and readers[i] == 0 and rows[i].params == 0:
            readers[i] = -1
            for source in rows[i].sources:
                if source >= 0:
                    readers[source] -= 1
    kept = [i for i in range(len(rows)) if readers[i] >= 0]
    if readers[output] == 0:
        kept = [*(i for i in kept if i != output), output]
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    return [replace(rows[i], sources=tuple(place[s] for s in rows[i].sources)) for i in kept]


def fold(rows: list[Node]) -> list[Node]:
    """Write normalisation, activation and dropout on the line of the layer they belong to.

    That is the one before them, or else the one after them.
    """
    readers = _readers(rows)
    made: list[Node] = []
    place: dict[int, int] = {-1: -1}
    for i, row in enumerate(rows):
        sources = tuple(place[s] for s in row.sources)
        before = made[sources[0]] if len(sources) == 1 and sources[0] >= 0 else None
        if before and _follows(before, row, readers[row.sources[0]], readers[i]):
            made[sources[0]] = replace(
                before,
                label=f"{before.label} · {row.label}",
                short=f"{before.short} · {row.short}",
                shape=row.shape,
                params=before.params + row.params,
            )
            place[i] = sources[0]
        elif (
            before and before.kind in _FOLDED and _leads(made, sources[0], readers[row.sources[0]])
        ):
            made[-1] = replace(
                row,
                label=f"{before.label} · {row.label}",
                short=f"{before.short} · {row.short}",
                params=before.params + row.params,
                sources=before.sources,
                group=before.group,
            )
            place[i] = len(made) - 1
        else:
            group = row.group or (before.group if before else "")
            made.append(replace(row, sources=sources, group=group))
            place[i] = len(made) - 1
    return made


def _follows(before: Node, row: Node, readers: int, own: int) -> bool:
    """Whether a row follows the one before it, which nothing else reads.

    A norm between a sum and one layer belongs to that layer, and so does what begins a module.
    """
    between = row.kind == "norm" and before.kind == "merge" and own == 1
    begins = before.within[: len(row.within)] != row.within
    return row.kind in _FOLDED and readers == 1 and not between and not begins


def _leads(made: list[Node], place: int, readers: int) -> bool:
    """Whether a row stands in front of the next one: the newest, and read by nothing else."""
    return made[place].kind in _FOLDED and place == len(made) - 1 and readers == 1


def _readers(rows: list[Node]) -> list[int]:
    counts = [0] * len(rows)
    for row in rows:
        for source in row.sources:
            if source >= 0:
                counts[source] += 1
    return counts

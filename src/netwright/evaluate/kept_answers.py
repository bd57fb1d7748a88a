"""What a network answered on a part, kept for who asks the same within a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, nn

from netwright.data import Part
from netwright.tasks import Outputs

_MOST = 2**26  # bytes of the answers of one part, beyond which they are not kept

_Answer = tuple[Outputs, Tensor]
_Known = dict[tuple[int, int], tuple[nn.Module, Part, list[_Answer]]]
_KNOWN: ContextVar[_Known | None] = ContextVar("answers", default=None)


@contextmanager
def answers_kept() -> Iterator[None]:
    """Within it a network goes over a part once, however often it is scored; it may not change."""
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def kept(model: nn.Module, part: Part, answers: Iterable[_Answer]) -> Iterator[_Answer]:
    """The answers of a network on a part, or those that are known of it."""
    known, key = _KNOWN.get(), (id(model), id(part))
    if known is None:
        yield from answers
        return
    if key in known:
        yield from known[key][2]
        return
    found: list[_Answer] = []
    size = 0
    for outputs, targets in answers:
        each = outputs if isinstance(outputs, tuple) else (outputs,)
        size += sum(x.numel() * x.element_size() for x in (*each, targets))
        if size <= _MOST:
            found.append((outputs, targets))
        else:
            found.clear()
        yield outputs, targets
    if size <= _MOST:
        known[key] = model, part, found  # which stay alive, so that no other has their places

"""Python's operators as they stand for functions of torch: their text and how they bind."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

COMPARE, BITS, SUM, PRODUCT, UNARY, POWER, ATOM = 1, 2, 4, 5, 6, 7, 9
"""How tightly expressions bind."""


@dataclass(frozen=True)
class Sign:
    """A binary operator; its operands must bind at least as `left` and `right`."""

    text: str
    rank: int

    @property
    def left(self) -> int:
        """What the left operand has to reach without brackets."""
        return self.rank + 1 if self.rank in (POWER, COMPARE, BITS) else self.rank

    @property
    def right(self) -> int:
        """What the right operand has to reach without brackets."""
        return UNARY if self.rank == POWER else self.rank + 1


SIGNS: dict[Callable[..., Any], Sign] = {
    **{f: Sign("+", SUM) for f in (operator.add, operator.iadd, torch.add)},
    **{f: Sign("-", SUM) for f in (operator.sub, operator.isub, torch.sub)},
    **{f: Sign("*", PRODUCT) for f in (operator.mul, operator.imul, torch.mul)},
    **{f: Sign("/", PRODUCT) for f in (operator.truediv, operator.itruediv, torch.div)},
    **{f: Sign("@", PRODUCT) for f in (operator.matmul, operator.imatmul, torch.matmul)},
    operator.floordiv: Sign("//", PRODUCT),
    operator.mod: Sign("%", PRODUCT),
    **{f: Sign("**", POWER) for f in (operator.pow, torch.pow)},
    **{f: Sign("&", BITS) for f in (operator.and_,)},
    **{f: Sign("|", BITS) for f in (operator.or_,)},
    operator.lt: Sign("<", COMPARE),
    operator.le: Sign("<=", COMPARE),
    operator.gt: Sign(">", COMPARE),
    operator.ge: Sign(">=", COMPARE),
    operator.eq: Sign("==", COMPARE),
    operator.ne: Sign("!=", COMPARE),
}

"""How sure a fraction of counted examples is."""

from __future__ import annotations

import math

_Z = 1.959964  # of 95 %


def interval(share: float, examples: int) -> tuple[float, float]:
    """The 95 % interval of a proportion that was counted over so many examples (Wilson, 1927)."""
    if examples < 1:
        return 0.0, 1.0
    middle = (share + _Z * _Z / (2 * examples)) / (1 + _Z * _Z / examples)
    spread = share * (1 - share) / examples + _Z * _Z / (4 * examples * examples)
    half = _Z * math.sqrt(spread) / (1 + _Z * _Z / examples)
    return middle - half, middle + half

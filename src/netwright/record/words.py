"""Numbers of a run in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with what is counted: "1 network", "2,000 networks"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

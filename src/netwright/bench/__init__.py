"""Tabular benchmarks: strategies compared on networks that were all trained before.

How quick netwright itself is belongs in the `benchmarks` of the repository.
"""

from netwright.bench.simulate import Course, simulate
from netwright.bench.table import Table

__all__ = ["Course", "Table", "simulate"]

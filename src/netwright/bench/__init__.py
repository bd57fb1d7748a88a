"""Tabular benchmarks: strategies compared on networks that were all trained before.

How quick netwright itself is belongs in the `benchmarks` of the repository.
"""

from netwright.bench.correlations import Correlation, proxy_correlations
from netwright.bench.simulate import Course, simulate
from netwright.bench.table import Table

__all__ = ["Correlation", "Course", "Table", "proxy_correlations", "simulate"]

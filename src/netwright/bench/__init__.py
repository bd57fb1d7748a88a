"""Tabular benchmarks: strategies compared on networks that were all trained before."""

from netwright.bench.simulate import Course, simulate
from netwright.bench.table import Table

__all__ = ["Course", "Table", "simulate"]

"""The report of a run."""

from netwright.report.page import write_report

__all__ = ["write_report"]

"""The report of a run: one HTML page, and what stands on it.

What is shown while a run goes on is in `dashboard`.
"""

from netwright.report.page import write_report

__all__ = ["write_report"]

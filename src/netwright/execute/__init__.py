"""Where jobs run.

What a job is, is its owner's matter: an executor knows neither trials nor networks.
"""

from netwright.execute.base import Executor, Key, Message, Report, Work
from netwright.execute.inline import Inline
from netwright.execute.processes import Processes

__all__ = ["Executor", "Inline", "Key", "Message", "Processes", "Report", "Work"]

"""Where tasks run."""

from netwright.execute.base import Executor, Message
from netwright.execute.inline import Inline
from netwright.execute.processes import Processes

__all__ = ["Executor", "Inline", "Message", "Processes"]

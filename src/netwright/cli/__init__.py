"""The command line: its options, its names, its exit statuses.

What a run does belongs in `run`; here it is only asked for.
"""

from netwright.cli.app import app, main

__all__ = ["app", "main"]

"""The command line."""

from netwright.cli.app import app, main

__all__ = ["app", "main"]

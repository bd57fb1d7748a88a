"""The keys of what a run keeps in its store beside its events."""

from __future__ import annotations

SHARED_WEIGHTS = "shared.safetensors"
"""The state of a one-shot search."""


def weights_key(trial: int) -> str:
    """Return the key of a trial's trained weights."""
    return f"trial-{trial}.safetensors"


def export_prefix(trial: int) -> str:
    """Return what the keys of the files of a trial's export begin with."""
    return f"export-{trial}/"


def log_key(name: str) -> str:
    """Return the key of what a worker printed."""
    return f"logs/{name}"

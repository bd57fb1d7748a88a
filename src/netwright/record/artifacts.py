"""The keys of what a run keeps in its store beside its events."""

from __future__ import annotations

SHARED_WEIGHTS = "shared.safetensors"
"""The state of a one-shot search."""


STATES = "state-"
"""What the keys begin with of what candidates keep to go on from."""


def weights_key(trial: int) -> str:
    """Return the key of a trial's trained weights."""
    return f"trial-{trial}.safetensors"


def spread_key(trial: int | str, part: str = "validation") -> str:
    """Return the key of how sure the first metric of a trial, or of another model, on a part is."""
    return f"spread-{trial}-{part}.safetensors"


def state_prefix(candidate: int) -> str:
    """Return what the keys begin with of what a candidate, by its first trial, kept to go on."""
    return f"{STATES}{candidate}/"


def candidate_of(key: str) -> int:
    """Return whose state a key is of: the number of the candidate's first trial."""
    return int(key.removeprefix(STATES).partition("/")[0])


def export_prefix(trial: int) -> str:
    """Return what the keys of the files of a trial's export begin with."""
    return f"export-{trial}/"


def log_key(name: str) -> str:
    """Return the key of what a worker printed."""
    return f"logs/{name}"

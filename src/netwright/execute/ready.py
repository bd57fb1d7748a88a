"""What a process does before its first job, so that the job is not the one that takes the time."""

from __future__ import annotations

import sys


def make_ready() -> None:
    """Take one step of an optimizer, where torch is there: the first one imports much of it.

    The seconds of a trial are then those of its training, and say what others will take.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return
    with torch.enable_grad():
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.sum().backward()
    optimizer.step()

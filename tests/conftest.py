"""One thread a process, as netwright's workers have: small networks do not gain from more."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def printed_twice() -> Callable[[str], list[str]]:
    """What code prints in two processes with other hash seeds."""

    def run(code: str) -> list[str]:
        return [
            subprocess.run(
                [sys.executable, "-c", code],
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        ]

    return run

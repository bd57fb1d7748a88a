"""Every exported task passes every check; a new one gets its tests by being exported."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from netwright.tasks import Classification, Task
from netwright.testing.exports import TASKS
from netwright.testing.tasks import TASK_CHECKS

EXAMPLES: dict[type[Task], tuple[Callable[[], Task], Tensor]] = {
    Classification: (lambda: Classification(("a", "b", "c")), torch.arange(24) % 3),
}
"""One of each, and the targets of some rows."""


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_conformance(task: type[Task], check: Callable[..., None]) -> None:
    check(*EXAMPLES[task])

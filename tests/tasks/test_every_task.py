"""Every exported task passes every check; a new one gets its tests by being exported."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from netwright.tasks import Classification, MultiLabel, NextToken, Regression, Task
from netwright.testing.exports import TASKS
from netwright.testing.tasks import TASK_CHECKS

EXAMPLES: dict[type[Task], tuple[Callable[[], Task], Tensor]] = {
    Classification: (lambda: Classification(("a", "b", "c")), torch.arange(24) % 3),
    MultiLabel: (
        lambda: MultiLabel(("a", "b", "c")),
        (torch.arange(72) % 5 < 2).float().view(24, 3),
    ),
    NextToken: (lambda: NextToken(5, places=3), 1 + torch.arange(72).view(24, 3) % 4),
    Regression: (lambda: Regression(mean=(5.0,), deviation=(2.0,)), torch.arange(24.0)),
}
"""One of each, and the targets of some rows."""


OTHERS = (
    (lambda: Regression(("a", "b"), (5.0, 0.0), (2.0, 1.0)), torch.arange(48.0).view(24, 2)),
    (lambda: Classification(("a", "b"), weights=(1.0, 3.0)), torch.arange(24) % 2),
)


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("example", OTHERS)
def test_conformance_with_settings(example: tuple, check: Callable[..., None]) -> None:
    check(*example)


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)
def test_conformance(task: type[Task], check: Callable[..., None]) -> None:
    check(*EXAMPLES[task])

"""Every exported evaluator passes every check; a new one gets its tests by being exported."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import nn

import netwright as nw
from netwright.evaluate.base import Evaluator
from netwright.settings.exports import exported
from netwright.testing.evaluators import EVALUATOR_CHECKS


def network(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 8, 16, step=8)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(width * 64, classes),
    )


def train(model: nn.Module, epochs: int) -> dict[str, float]:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(epochs):
        loss = model(torch.randn(4, 1, 8, 8)).square().mean()
        loss.backward()
        optimizer.step()
    return {"accuracy": float(loss.detach())}


@cache
def digits() -> nw.data.Data:
    return nw.data.load("digits")


MAKE: dict[type[Evaluator], Callable[[], Evaluator]] = {
    nw.Training: lambda: nw.Training(digits(), epochs=2),
    nw.Function: lambda: nw.Function(train),
}
"""One of each, for images of digits."""


@pytest.mark.parametrize("check", EVALUATOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", exported(nw, Evaluator), ids=lambda kind: kind.__name__)
def test_conformance(kind: type[Evaluator], check: Callable[..., None]) -> None:
    check(MAKE[kind], nw.Space(network, (1, 8, 8), 10))

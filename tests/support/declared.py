"""Spaces whose members are cells, for tests of drawing."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from netwright.space import Choose

OPERATIONS = ("none", "skip", "conv1x1", "conv3x3", "avgpool")


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


def operation(name: str, width: int) -> nn.Module:
    if name == "none":
        return Zero()
    if name == "skip":
        return nn.Identity()
    if name == "avgpool":
        return nn.AvgPool2d(3, 1, 1)
    kernel = int(name[-1])
    conv = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(width))


class Cell(nn.Module):
    """Four nodes; each is the sum of an edge from every node before it."""

    def __init__(self, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        nodes, edges = [x], iter(self.edges)
        for _ in range(3):
            nodes.append(sum(next(edges)(node) for node in nodes))
        return nodes[-1]


def topology(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """As NAS-Bench-201: three stages of two cells."""

    def cell(width: int) -> nn.Module:
        def edge(source: int, target: int) -> nn.Module:
            options = {name: (lambda n=name: operation(n, width)) for name in OPERATIONS}
            made: nn.Module = choose.one_of(f"edge{source}to{target}", **options)
            return made

        return Cell([edge(source, target) for target in (1, 2, 3) for source in range(target)])

    layers: list[nn.Module] = [nn.Conv2d(inputs[0], 4, 3, padding=1), nn.BatchNorm2d(4)]
    width = 4
    for stage in range(3):
        if stage:
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), nn.BatchNorm2d(2 * width)]
            width *= 2
        layers += [cell(width) for _ in range(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class Node(nn.Module):
    """A cell of three nodes, each the sum of two edges; it reads the two cells before it."""

    def __init__(self, picks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.picks = nn.ModuleList(picks)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        states = [a, b]
        for pick in self.picks:
            states.append(sum(pick(states)))
        return torch.cat(states[2:], 1)


class Darts(nn.Module):
    def __init__(self, choose: Choose, inputs: tuple[int, ...], classes: int) -> None:
        super().__init__()
        width = 4
        self.stem = nn.Conv2d(inputs[0], width, 3, padding=1)

        def pick(node: int) -> nn.Module:
            def edge(source: int) -> nn.Module:
                made: nn.Module = choose.one_of(
                    f"node{node}.from{source}",
                    conv3x3=lambda: operation("conv3x3", width),
                    skip=nn.Identity,
                    avgpool=lambda: operation("avgpool", width),
                )
                return made

            made: nn.Module = choose.inputs(f"node{node}", node + 2, 2, 2, edge=edge)
            return made

        self.cells = nn.ModuleList(Node([pick(i) for i in range(3)]) for _ in range(3))
        narrow = [nn.Conv2d(3 * width, width, 1) for _ in range(3)]
        self.narrow = nn.ModuleList(narrow)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        a = b = self.stem(x)
        for cell, narrow in zip(self.cells, self.narrow, strict=True):
            a, b = b, narrow(cell(a, b))
        return self.head(b)

"""A small cell space: one to three operations, each of which reads the input or an earlier one.

It is netwright's own, and the space of its own tabular benchmark: small enough to train every
member for real (1,050 cells up to isomorphism), and with what makes larger spaces hard: choices
that are asked only where others ask for them, answers that mean nothing alone, equal cells of
different answers. What no operation reads is added up to the output, so a cell is a forest that
grows from the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn

from netwright.space import Answer, CellGraph, Cells, CellSize, Choose, Space
from netwright.space.cells import INPUT, OUTPUT
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

OPERATIONS = (
    "conv_1x1",
    "conv_3x3",
    "conv_5x5",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "max_pool_3x3",
    "avg_pool_3x3",
)
COUNTS = ("one", "two", "three")
MEMBERS = 1050

Tree = tuple[str, tuple["Tree", ...]]
"""An operation, and the trees of what reads it, sorted."""


@ready
def forest(inputs: Sequence[int] = (1, 14, 14), classes: int = 10, channels: int = 16) -> Space:
    """The space for images of shape `inputs` = (c, h, w): 1,050 cells.

    The image is halved by the stem, where it is 10 pixels or more, and after the first of two equal
    cells, which are `channels` and `2 * channels` wide.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("forest", inputs)
    check_sizes("forest", channels=channels)
    cell = CellSize(inputs=1, operations=len(COUNTS), longest=len(COUNTS), shortest=1)
    return Space(
        partial(network, channels=channels),
        shape,
        classes,
        name="forest",
        normal_form=normal_form,
        members=MEMBERS,
        cells=Cells({"cell": cell}, OPERATIONS, read),
    )


def network(choose: Choose, inputs: tuple[int, ...], classes: int, channels: int) -> nn.Module:
    """The declaration: how many operations, what each is, and what it reads (0 is the input)."""

    def cell(width: int) -> nn.Module:
        def of(count: int) -> Cell:
            made, reads = [], []
            for place in range(count):
                options = {name: partial(operation, name, width) for name in OPERATIONS}
                made.append(choose.one_of(f"operation{place + 1}", **options))
                reads.append(choose.value(f"reads{place + 1}", range(place + 1)) if place else 0)
            return Cell(made, reads)

        options = {name: partial(of, count) for count, name in enumerate(COUNTS, 1)}
        made: nn.Module = choose.one_of("operations", **options)
        return made

    stride = 2 if min(inputs[1:]) >= 10 else 1
    return nn.Sequential(
        nn.Conv2d(inputs[0], channels, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels),
        cell(channels),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=False),
        nn.BatchNorm2d(2 * channels),
        cell(2 * channels),
        nn.BatchNorm2d(2 * channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * channels, classes),
    )


class Cell(nn.Module):
    """Operations that each read the input (0) or an earlier one (from 1), leaves added up."""

    def __init__(self, operations: Sequence[nn.Module], reads: Sequence[int]) -> None:
        super().__init__()
        self.operations = nn.ModuleList(operations)
        self.reads = list(reads)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        made = [x]
        for operation, source in zip(self.operations, self.reads, strict=True):
            made.append(operation(made[source]))
        leaves = [made[i] for i in range(1, len(made)) if i not in self.reads]
        out = leaves[0]
        for leaf in leaves[1:]:
            out = out + leaf
        return out


def operation(name: str, width: int) -> nn.Module:
    """An operation that keeps width and size."""
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, 1, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    size = int(name[-1])
    convolution = partial(nn.Conv2d, width, width, bias=False)
    if name.startswith("conv"):
        return nn.Sequential(nn.ReLU(), convolution(size, padding=size // 2), nn.BatchNorm2d(width))
    return nn.Sequential(
        nn.ReLU(),
        convolution(size, padding=size // 2, groups=width),
        convolution(1),
        nn.BatchNorm2d(width),
    )


def read(answers: Mapping[str, Answer]) -> dict[str, CellGraph]:
    """The cell as a graph with operations on nodes."""
    operations, reads = _listed(answers)
    last = len(operations) + 1
    edges = {(source, place) for place, source in enumerate(reads, 1)}
    edges |= {(place, last) for place in range(1, last) if place not in reads}
    return {"cell": CellGraph((INPUT, *operations, OUTPUT), frozenset(edges))}


def normal_form(answers: dict[str, Answer]) -> Mapping[str, Answer]:
    """The answers that stand for all isomorphic cells: trees sorted, each from its root on."""
    operations, reads = _listed(answers)
    made: dict[str, Answer] = {"operations": answers["operations"]}
    place = 0

    def put(tree: Tree, source: int) -> None:
        nonlocal place
        place += 1
        own = place
        made[f"operation{own}"] = tree[0]
        if own > 1:
            made[f"reads{own}"] = source
        for child in tree[1]:
            put(child, own)

    for tree in _trees(operations, reads, 0):
        put(tree, 0)
    return made


def _trees(operations: Sequence[str], reads: Sequence[int], source: int) -> tuple[Tree, ...]:
    """The trees of what reads `source`, sorted."""
    found = [
        (operations[place - 1], _trees(operations, reads, place))
        for place, read in enumerate(reads, 1)
        if read == source
    ]
    return tuple(sorted(found))


def _listed(answers: Mapping[str, Answer]) -> tuple[list[str], list[int]]:
    """The operations, and what each reads."""
    count = COUNTS.index(str(answers["operations"])) + 1
    operations = [str(answers[f"operation{place}"]) for place in range(1, count + 1)]
    reads = [0, *(answers[f"reads{place}"] for place in range(2, count + 1))]
    return operations, [int(str(each)) for each in reads]

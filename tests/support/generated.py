"""Random declarations, as plain data: nested, conditional, repeated, with shared choices and skips.

Each leaf has a number of its own, which is the slope of a LeakyReLU: networks that were built from
other parts of a declaration, or with other answers, have other operations.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from netwright.space import Choose, Space

FEATURES, CLASSES = 3, 2
SHARED = {"shared.value": [0.1, 0.2, 0.3], "shared.width": (2, 4)}


@dataclass(frozen=True)
class Part:
    """A part of a declaration that keeps the number of features."""

    kind: str  # leaf, value, width, one_of, repeat, inputs, edges, shared
    tag: int
    numbers: tuple[int, ...] = ()
    inner: tuple["Part", ...] = ()
    skip: bool = False

    def walk(self):
        yield self
        for part in self.inner:
            yield from part.walk()


def parts(depth: int, *, shared: bool = True) -> st.SearchStrategy[Part]:
    tag = st.integers(1, 10**6)
    plain = [
        st.builds(Part, st.just("leaf"), tag),
        st.builds(Part, st.just("value"), tag, st.tuples(st.integers(1, 3))),
        st.builds(Part, st.just("width"), tag, st.tuples(st.integers(1, 3), st.integers(0, 2))),
        st.builds(Part, st.just("inputs"), tag, st.sampled_from([(2, 1, 1), (3, 1, 2), (2, 2, 2)])),
    ]
    if shared:
        plain.append(st.builds(Part, st.just("shared"), tag, st.tuples(st.integers(0, 1))))
    if depth == 0:
        return st.one_of(plain)
    below = parts(depth - 1, shared=shared)
    alone = parts(depth - 1, shared=False)  # steps that may be skipped share no choice
    few = st.lists(below, min_size=1, max_size=2).map(tuple)
    lengths = st.sampled_from([(0, 1), (1, 2), (0, 2), (2, 3), (1, 1)])
    return st.one_of(
        *plain,
        st.builds(Part, st.just("one_of"), tag, st.just(()), few, st.booleans()),
        st.builds(Part, st.just("repeat"), tag, lengths, st.tuples(below), st.just(False)),
        st.builds(
            Part,
            st.just("repeat"),
            tag,
            lengths,
            st.lists(alone, min_size=1, max_size=2).map(tuple),
            st.just(True),
        ),
        st.builds(
            Part, st.just("edges"), tag, st.sampled_from([(2, 1, 1), (2, 1, 2)]), st.tuples(below)
        ),
    )


def declarations() -> st.SearchStrategy["Declared"]:
    """Declarations of one to three parts, all tags different."""

    def numbered(found: list[Part]) -> "Declared":
        count = iter(range(1, 10**6))

        def anew(part: Part) -> Part:
            tag = next(count)
            return Part(part.kind, tag, part.numbers, tuple(map(anew, part.inner)), part.skip)

        return Declared(tuple(map(anew, found)))

    return st.lists(parts(2), min_size=1, max_size=3).map(numbered)


@dataclass(frozen=True)
class Declared:
    """The declaration of some parts, one after the other."""

    parts: tuple[Part, ...]
    name: str = field(default="declared", compare=False)

    def __call__(self, choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        made = [built(part, choose, "") for part in self.parts]
        return nn.Sequential(*made, nn.Linear(FEATURES, classes))

    def space(self) -> Space:
        return Space(self, FEATURES, CLASSES, name="declared")


def built(part: Part, choose: Choose, place: str) -> nn.Module:
    """The module of a part; `place` makes the names of steps and edges different."""
    make: Callable[..., nn.Module] = {
        "leaf": lambda *_: leaf(part.tag),
        "value": value,
        "width": width,
        "one_of": one_of,
        "repeat": repeat,
        "inputs": inputs,
        "edges": edges,
        "shared": shared,
    }[part.kind]
    return make(part, choose, f"{part.kind}{part.tag}{place}")


def leaf(tag: int, option: float = 0.0) -> nn.Module:
    return nn.LeakyReLU(tag + option)


def value(part: Part, choose: Choose, name: str) -> nn.Module:
    options = [0.1 * (i + 1) for i in range(part.numbers[0])]
    return leaf(part.tag, choose.value(name, options))


def width(part: Part, choose: Choose, name: str) -> nn.Module:
    low, steps = part.numbers
    size = choose.width(name, low, low + 2 * steps, step=2)
    return nn.Sequential(leaf(part.tag), nn.Linear(FEATURES, size), nn.Linear(size, FEATURES))


def shared(part: Part, choose: Choose, name: str) -> nn.Module:
    if part.numbers[0] == 0:
        return leaf(part.tag, choose.value("shared.value", SHARED["shared.value"]))
    size = choose.width("shared.width", *SHARED["shared.width"])
    return nn.Sequential(leaf(part.tag), nn.Linear(FEATURES, size), nn.Linear(size, FEATURES))


def one_of(part: Part, choose: Choose, name: str) -> nn.Module:
    place = name.removeprefix(f"{part.kind}{part.tag}")
    options: dict[str, Callable[[], nn.Module]] = {
        f"option{i}": lambda p=p: nn.Sequential(leaf(p.tag), built(p, choose, place))
        for i, p in enumerate(part.inner)
    }
    if part.skip:
        options["skip"] = nn.Identity
    return choose.one_of(name, **options)


def repeat(part: Part, choose: Choose, name: str) -> nn.Module:
    place = name.removeprefix(f"{part.kind}{part.tag}")

    def step(i: int) -> nn.Module:
        here = f"{place}.{i}"
        if part.skip:
            return one_of(
                Part("step", part.tag, (), part.inner, True), choose, f"step{part.tag}{here}"
            )
        return nn.Sequential(leaf(part.tag), built(part.inner[0], choose, here))

    return choose.repeat(name, *part.numbers, step)


class Summed(nn.Module):
    """The sum of some of the input's branches: x, 2 x, 3 x."""

    def __init__(self, picks: tuple[int, ...]) -> None:
        super().__init__()
        self.picks = picks

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([(i + 1) * x for i in self.picks]).sum(0)


def inputs(part: Part, choose: Choose, name: str) -> nn.Module:
    return nn.Sequential(leaf(part.tag), Summed(choose.inputs(name, *part.numbers)))


class Gathering(nn.Module):
    """The sum of what a module of edges gives for the input's branches."""

    def __init__(self, edges: nn.Module, count: int) -> None:
        super().__init__()
        self.edges, self.count = edges, count

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack(self.edges([(i + 1) * x for i in range(self.count)])).sum(0)


def edges(part: Part, choose: Choose, name: str) -> nn.Module:
    place = name.removeprefix(f"{part.kind}{part.tag}")

    def edge(i: int) -> nn.Module:
        return nn.Sequential(leaf(part.tag), built(part.inner[0], choose, f"{place}.{i}"))

    made = choose.inputs(name, *part.numbers, edge=edge)
    return nn.Sequential(leaf(part.tag), Gathering(made, part.numbers[0]))

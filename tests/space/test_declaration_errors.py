"""Mistakes in a declaration: each is found when the space is made, by name."""

import pytest
import torch
from torch import nn

from netwright.errors import SpaceError
from netwright.space import Space

INPUTS, CLASSES = (3, 8, 8), 4


def conv(inputs, outputs, kernel=3):
    return nn.Conv2d(inputs, outputs, kernel, padding="same")


def head(width):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES)]


def unequal_widths(choose, inputs, classes):
    block = choose.one_of("block", wide=lambda: conv(3, 16), narrow=lambda: conv(3, 8))
    return nn.Sequential(block, *head(16))


def unequal_sizes(choose, inputs, classes):
    down = choose.one_of("down", pool=lambda: nn.MaxPool2d(2), none=nn.Identity)
    return nn.Sequential(down, nn.Flatten(), nn.Linear(3 * 16, classes))


def one_way_first(choose, inputs, classes):
    """The first option is the one that fails."""
    block = choose.one_of("block", wide=lambda: conv(3, 16), narrow=lambda: conv(3, 8))
    return nn.Sequential(block, *head(8))


def sum_of_branches(choose, inputs, classes):
    class Add(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = choose.one_of(
                "left", same=lambda: conv(3, 6), half=lambda: nn.Conv2d(3, 6, 2, 2)
            )
            self.b, self.head = conv(3, 6), nn.Sequential(*head(6))

        def forward(self, x):
            return self.head(self.a(x) + self.b(x))

    return Add()


def width_not_passed_on(choose, inputs, classes):
    width = choose.width("width", 8, 16, step=8)
    return nn.Sequential(conv(3, width), *head(8))


def value_out_of_range(choose, inputs, classes):
    groups = choose.value("groups", [1, 3, 5])
    return nn.Sequential(nn.Conv2d(3, 15, 1, groups=groups), *head(15))


def deep_repeat(choose, inputs, classes):
    body = choose.repeat("depth", 1, 5, lambda i: nn.Conv2d(3 if i == 0 else 6, 6, 3))
    return nn.Sequential(body, *head(6))


def within_an_option(choose, inputs, classes):
    kind = choose.one_of(
        "kind",
        plain=lambda: conv(3, 6),
        other=lambda: nn.Sequential(
            conv(3, 6), choose.one_of("end", a=nn.ReLU, b=lambda: conv(6, 9))
        ),
    )
    return nn.Sequential(kind, *head(6))


def wrong_logits(choose, inputs, classes):
    out = choose.one_of("out", right=lambda: nn.Linear(3, classes), wrong=lambda: nn.Linear(3, 9))
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), out)


@pytest.mark.parametrize(
    ("network", "parts"),
    [
        (unequal_widths, ["'narrow' to the choice 'block'", "shape (2, 8, 8, 8), where 'wide'",
                          "gives (2, 16, 8, 8)", "same shape"]),
        (one_way_first, ["'wide' to the choice 'block'", "(2, 16, 8, 8)", "'narrow' gives (2, 8"]),
        (unequal_sizes, ["'none' to the choice 'down'", "(2, 3, 8, 8)", "(2, 3, 4, 4)"]),
        (sum_of_branches, ["'half' to the choice 'left'", "(2, 6, 4, 4)", "(2, 6, 8, 8)"]),
        (width_not_passed_on, ["The answer 16 to the choice 'width'", "cannot be built and run",
                               "With 8 it works"]),
        (value_out_of_range, ["The answer 5 to the choice 'groups'", "With 1 it works"]),
        (deep_repeat, ["to the choice 'depth'", "cannot be built and run", "With 1 it works"]),
        (within_an_option, ["'b' to the choice 'end'", "(2, 9, 8, 8)", "'a' gives (2, 6, 8, 8)"]),
        (wrong_logits, ["to the choice 'out'", "give one tensor of shape (2, 4)", "got (2, 9)"]),
    ],
)  # fmt: skip
def test_the_answer_that_does_not_fit_is_named(network, parts):
    with pytest.raises(SpaceError) as refusal:
        Space(network, INPUTS, CLASSES)
    for part in parts:
        assert part in str(refusal.value)


def test_where_no_member_works_the_network_is_shown():
    def network(choose, inputs, classes):
        width = choose.width("width", 8, 16, step=8)
        return nn.Sequential(conv(4, width), *head(width))

    with pytest.raises(
        SpaceError, match=r"The network \{'width': 8\} of `network` cannot be built"
    ):
        Space(network, INPUTS, CLASSES)


def asked(*calls):
    def network(choose, inputs, classes):
        for call in calls:
            call(choose)
        return nn.Sequential(*head(3))

    return network


@pytest.mark.parametrize(
    ("network", "part"),
    [
        (asked(lambda c: c.one_of("a")), r"`choose.one_of\('a', ...\)` must have at least one opt"),
        (asked(lambda c: c.value("a", [])), "must have at least one option"),
        (asked(lambda c: c.value("a", [1, 1])), "must hold different options"),
        (asked(lambda c: c.value("a", [1, 2]), lambda c: c.value("a", [1, 3])),
         r"'a' is declared twice with different options: value \(1, 2\) and value \(1, 3\)"),
        (asked(lambda c: c.value("a", [1, 2]), lambda c: c.width("a", 1, 2)), "declared twice"),
        (asked(lambda c: c.value("", [1, 2])), "name must be a non-empty string"),
        (asked(lambda c: c.value(3, [1, 2])), "name must be a non-empty string, got 3"),
        (asked(lambda c: c.one_of("a", b=nn.ReLU())), "must be a callable that builds the option"),
        (asked(lambda c: c.width("a", 8, 4)), "ints with 1 <= low <= high"),
        (asked(lambda c: c.repeat("a", 0, 2, lambda i: 3)), "must return an nn.Module at each"),
        (asked(lambda c: c.inputs("a", 2, 3, 4)), "must keep 0 <= at_least <= at_most <= count"),
    ],
)  # fmt: skip
def test_impossible_questions_are_refused(network, part):
    with pytest.raises(SpaceError, match=part):
        Space(network, INPUTS, CLASSES)


def branching(choose, inputs, classes):
    if choose.value("deep", [False, True]):
        return nn.Sequential(conv(3, choose.width("hidden", 3, 5)), *head(3))
    return nn.Sequential(*head(3))


def hiding(choose, inputs, classes):
    """The listing sees the choice, most members do not ask it."""
    width = choose.width("width", 3, 5)
    if width == 3:
        choose.value("extra", [1, 2])
    return nn.Sequential(conv(3, width), *head(width))


@pytest.mark.parametrize(("network", "name"), [(branching, "hidden"), (hiding, "extra")])
def test_a_branch_that_hides_a_choice_is_refused(network, name):
    with pytest.raises(SpaceError, match=f"'{name}'.* Python code branches on the answer"):
        Space(network, INPUTS, CLASSES)


def test_what_the_meta_device_lacks_is_left_to_training():
    class Sorted(nn.Module):
        def forward(self, x):
            if x.is_meta:
                raise NotImplementedError("not on meta")
            return x

    space = Space(lambda c, i, k: nn.Sequential(Sorted(), *head(3)), INPUTS, CLASSES)
    assert space.build(space.smallest())(torch.zeros(2, *INPUTS)).shape == (2, CLASSES)

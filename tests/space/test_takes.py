"""What the networks of a space take and give: sizes, data, or a signature of named tensors."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.errors import SettingError, SpaceError
from netwright.network.signature import Signature, TensorSpec
from netwright.supernet.supernet import Supernet

ROWS = Signature(
    (TensorSpec("numbers", (5,)), TensorSpec("codes", (2,), "int64", ids=7)),
    (TensorSpec("output", (3,)),),
)


class Rows(nn.Module):
    """Numbers and codes side by side."""

    def __init__(self, width, inputs, outputs):
        super().__init__()
        self.embed = nn.Embedding(inputs["codes"].ids, 4)
        self.first = nn.Linear(inputs["numbers"].shape[0] + 4 * inputs["codes"].shape[0], width)
        self.last = nn.Linear(width, outputs)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        x = torch.cat([numbers, self.embed(codes).flatten(1)], 1)
        return self.last(self.first(x).relu())


def rows(choose, inputs, outputs):
    return Rows(choose.width("width", 4, 16, step=4), inputs, outputs)


def test_data_say_what_is_taken_and_given():
    given = []

    def network(choose, inputs, outputs):
        given.append((inputs, outputs))
        return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs))

    data = nw.data.load("digits")
    space = nw.Space(network, data)
    assert space.signature == data.signature == Signature.single((1, 8, 8), (10,))
    assert {*given} == {((1, 8, 8), 10)} == {(space.inputs, space.outputs)}
    assert space.digest == nw.Space(network, (1, 8, 8), 10).digest


def test_several_tensors_have_names():
    space = nw.Space(rows, ROWS)
    assert list(space.inputs) == ["numbers", "codes"] and space.outputs == 3
    member = space.largest()
    numbers, codes = space.example(np.random.default_rng(0), 6)
    assert numbers.shape == (6, 5) and codes.dtype == torch.int64 and int(codes.max()) < 7
    assert space.build(member, seed=0)(numbers, codes).shape == (6, 3)
    params = 7 * 4 + (5 + 8) * 16 + 16 + 16 * 3 + 3
    assert space.survey(member).params == params
    assert Supernet(space)(numbers, codes).shape == (6, 3)
    assert (
        space.digest
        != nw.Space(
            rows, Signature((ROWS.inputs[0], ROWS.inputs[1]), (TensorSpec("output", (4,)),))
        ).digest
    )


def test_several_outputs_are_checked_by_their_shapes():
    def two(swapped):
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(3, 1), nn.Linear(3, 2)

            def forward(self, x):
                return (self.b(x), self.a(x)) if swapped else (self.a(x), self.b(x))

        return lambda choose, inputs, outputs: Two()

    gives = (TensorSpec("mean", (1,)), TensorSpec("scale", (2,)))
    signature = Signature((TensorSpec("input", (3,)),), gives)
    assert nw.Space(two(False), signature).outputs == {"mean": gives[0], "scale": gives[1]}
    with pytest.raises(SpaceError, match=r"tensors of shapes \(2, 1\) and \(2, 2\)"):
        nw.Space(two(True), signature)


def test_an_open_size_is_any():
    signature = Signature((TensorSpec("input", (2, None)),), (TensorSpec("output", (2, None)),))
    space = nw.Space(lambda choose, inputs, outputs: nn.Conv1d(2, 2, 3, padding=1), signature)
    assert space.inputs == (2, None) == space.outputs


@pytest.mark.parametrize("more", [{"outputs": 3}, {"tokens": 5}])
def test_what_a_signature_says_is_not_said_again(more):
    with pytest.raises(SettingError, match="leave `outputs` and `tokens` out"):
        nw.Space(rows, ROWS, **more)


def test_one_output_is_enough():
    assert nw.Space(lambda choose, i, o: nn.Linear(*i, o), 3, 1).outputs == 1

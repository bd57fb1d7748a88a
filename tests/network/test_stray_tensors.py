import pytest
import torch
from torch import nn

from netwright.network.stray_tensors import hint, strays

OUTSIDE = torch.ones(3)
ELSEWHERE = RuntimeError("Tensor on device cpu is not on the expected device meta!")


class Scaled(nn.Module):
    def __init__(self, **held):
        super().__init__()
        self.size, self.names = 3, ["a"]
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x):
        return x * self.scale


class Global(nn.Module):
    def forward(self, x):
        return x * OUTSIDE


@pytest.mark.parametrize(
    ("held", "part"),
    [
        ({"scale": torch.ones(3)}, "`scale` of the module 'body.0' (Scaled) holds a tensor that"),
        ({"scales": [torch.ones(3)]}, "(Scaled) holds a tensor in a list that"),
        ({"by_name": {"a": torch.ones(3)}}, "holds a tensor in a dict that"),
    ],
)
def test_an_attribute_is_named_with_its_module(held, part):
    model = nn.ModuleDict({"body": nn.Sequential(Scaled(**held))})
    (found,) = strays(model)
    assert part in found and f"`self.register_buffer({next(iter(held))!r}, ...)`" in found
    assert hint(model, ELSEWHERE) == f" {found}"


def test_a_tensor_from_outside_is_named():
    within = torch.ones(3)

    class Closed(nn.Module):
        def forward(self, x):
            return x * within

    for cls, name in ((Global, "OUTSIDE"), (Closed, "within")):
        (found,) = strays(nn.Sequential(cls()))
        assert found.startswith(f"`{name}`, a tensor outside of the network, is read by")


def test_parameters_and_buffers_are_no_strays():
    model = Scaled(scale=nn.Parameter(torch.ones(3)))
    model.register_buffer("shift", torch.ones(3))
    assert not [*strays(nn.Sequential(model, nn.BatchNorm1d(3)))]
    assert hint(model, ELSEWHERE) == ""
    assert hint(Scaled(scale=torch.ones(3)), ValueError("shapes do not match")) == ""
    assert "NumPy" in hint(model, TypeError("can't convert meta device type tensor to numpy."))


def test_layers_in_a_plain_list_are_named():
    model = Scaled(layers=[nn.Linear(3, 3)])
    assert hint(model, ELSEWHERE) == (
        " `layers` of Scaled is a plain list: its modules are not in the state_dict; use "
        "`nn.ModuleList`."
    )

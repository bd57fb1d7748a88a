"""What operations give on the meta device, the second time as the first."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from netwright.network.meta_results import Shapes
from netwright.testing.spaces import READY


def described(value):
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.stride(), value.dtype, value.device.type
    return [described(each) for each in value]


def image(*shape, dtype=torch.float32):
    return torch.empty(shape or (2, 4, 6, 6), dtype=dtype, device="meta")


def channels_last():
    return image().to(memory_format=torch.channels_last)


CALLS = {
    "batch norm": lambda x: functional.batch_norm(x, image(4), image(4), training=True),
    "a sum of two layouts": lambda x: x + channels_last(),
    "a sum of two types": lambda x: x + image(2, 4, 6, 6, dtype=torch.float64),
    "a smaller one is spread": lambda x: x * image(4, 1, 1),
    "several results": lambda x: torch.max(x, 1),
    "a view": lambda x: x[:, 1:].flatten(1),
    "in place": lambda x: functional.relu_(x),
    "in place by a number": lambda x: x.mul_(0.5),
    "a comparison": lambda x: x > 0.5,
    "a layer norm": lambda x: functional.layer_norm(x, (6, 6)),
    "attention": lambda x: functional.scaled_dot_product_attention(x, x, x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("make", [image, channels_last])
def test_results_are_those_of_torch(call, make) -> None:
    plain = described(call(make()))
    with Shapes():
        assert [described(call(make())) for _ in range(3)] == [plain] * 3


def test_settings_and_shapes_are_told_apart() -> None:
    with Shapes():
        sizes = [functional.max_pool2d(image(), k).shape[2] for k in (2, 3, 2)]
        sums = [(image(2, 4, n, n) + 1).shape[2] for n in (6, 5, 6)]
    assert sizes == [3, 2, 3]
    assert sums == [6, 5, 6]


def test_what_is_changed_in_place_stays_the_same_tensor() -> None:
    x = image()
    with Shapes():
        assert all(functional.relu_(x) is x for _ in range(2))


def test_an_operation_that_fails_fails_each_time() -> None:
    with Shapes():
        for _ in range(2):
            with pytest.raises(RuntimeError, match="broadcast"):
                image(2, 4).add_(image(3, 5))


def test_values_are_computed_elsewhere() -> None:
    x = torch.arange(6.0)
    with Shapes():
        assert [(x + n).sum().item() for n in (0, 1, 1)] == [15.0, 21.0, 21.0]


def test_gradients_have_the_shapes_of_what_they_are_of() -> None:
    network = READY["nasbench201"]()
    with torch.device("meta"):
        model: nn.Module = network.build(network.largest())
    for _ in range(2):
        with Shapes():
            model(torch.empty(2, *network.inputs, device="meta")).sum().backward()
        assert all(p.grad.shape == p.shape and p.grad.is_meta for p in model.parameters())
        model.zero_grad()

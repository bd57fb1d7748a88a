"""Weights as bytes."""

import torch
from safetensors.torch import load

from netwright.network.weights import tensor_bytes


def test_tensors_that_share_memory_are_saved() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    tensors = {"a": weight, "b": weight, "c": weight.t()}
    read = load(tensor_bytes(tensors))
    assert all(torch.equal(read[name], value) for name, value in tensors.items())

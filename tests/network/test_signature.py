import json

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.network.signature import Signature, TensorSpec

ROWS = Signature(
    (TensorSpec("numbers", (7,)), TensorSpec("codes", (3,), "int64", ids=12)),
    (TensorSpec("logits", (4,)),),
)


def test_examples_have_the_dtypes_and_shapes_that_are_said() -> None:
    numbers, codes = ROWS.example(np.random.default_rng(0), 5)
    assert numbers.shape == (5, 7) and numbers.dtype == torch.float32
    assert codes.shape == (5, 3) and codes.dtype == torch.int64
    assert int(codes.min()) >= 0 and int(codes.max()) < 12
    (series,) = Signature.single((2, None), (3,)).example(np.random.default_rng(0))
    assert series.shape[:2] == (2, 2) and series.shape[2] > 1
    (pixels,) = Signature.single((3, 8, 8), (2,), dtype="uint8").example(np.random.default_rng(0))
    assert pixels.dtype == torch.uint8


def test_json_is_there_and_back() -> None:
    for signature in (ROWS, Signature.single((3, None), (2,)), Signature.single((9,), (2,), ids=5)):
        assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature


def test_the_one_tensor_needs_no_name_and_several_do() -> None:
    assert Signature.single((3, 8, 8), (10,)).input.shape == (3, 8, 8)
    assert Signature.single((9,), (2,), ids=5).input.dtype == "int64"
    assert ROWS.output.name == "logits"
    with pytest.raises(SettingError, match=r"takes several tensors \(numbers, codes\)"):
        _ = ROWS.input


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: TensorSpec("x", (0,)), "sizes above 0"),
        (lambda: TensorSpec("x", (2.0,)), "sizes above 0"),
        (lambda: TensorSpec("", (2,)), "must be a name"),
        (lambda: TensorSpec("x", (2,), "float31"), "must be one of float32"),
        (lambda: TensorSpec("x", (2,), ids=3), "dtype of whole numbers"),
        (lambda: Signature((), (TensorSpec("y", (2,)),)), "at least one tensor"),
        (lambda: Signature((TensorSpec("x", (2,)),) * 2, (TensorSpec("y", (2,)),)), "of its own"),
        (lambda: Signature((TensorSpec("x", (2,)),), (TensorSpec("x", (2,)),)), "got 'x' in both"),
    ],
)
def test_what_is_no_signature_is_refused(make, part) -> None:
    with pytest.raises(SettingError, match=part):
        make()

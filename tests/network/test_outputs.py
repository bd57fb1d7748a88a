from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from netwright.network.outputs import described, unlike
from netwright.network.signature import TensorSpec

ONE = [TensorSpec("output", (4,))]


@dataclass
class Answer:
    logits: torch.Tensor
    hidden: torch.Tensor


LOGITS = torch.zeros(2, 4)
Pair = namedtuple("Pair", "out hidden")


@pytest.mark.parametrize(
    ("outputs", "got", "remedy"),
    [
        ({"hidden": 1, "logits": LOGITS}, "a dict with the keys 'hidden', 'logits'.", "['logits']"),
        ({"scores": LOGITS}, "a dict with the keys 'scores'.", "`model(x)['scores']`"),
        (Answer(LOGITS, LOGITS), "an Answer with 'logits', 'hidden'.", "`model(x).logits`"),
        (Pair(LOGITS, LOGITS), "a Pair with 'out', 'hidden'.", "`model(x).out`"),
        ((LOGITS, None), "a tuple of 2: (2, 4), None.", "`model(x)[0]`"),
        ([LOGITS], "a list of 1: (2, 4).", "`model(x)[0]`"),
        ((), "a tuple of 0", "return a tensor"),
        (None, "got None.", "end in `return`"),
        (LOGITS.numpy(), "a NumPy array of shape (2, 4).", "tensors"),
        (np.float64(1), "a float64.", "return a tensor"),
        (torch.zeros(2, 3), "got (2, 3).", "last layer"),
        (torch.zeros(8), "got (8,).", "batch first"),
        (LOGITS.long(), "(2, 4) of int64.", "argmax"),
        (LOGITS > 0, "(2, 4) of bool.", "argmax"),
        (LOGITS + 1j, "(2, 4) of complex64.", "`.real`"),
    ],
)
def test_what_else_a_network_gives_is_said_with_the_remedy(outputs, got, remedy):
    text = unlike(outputs, ONE, 2)
    assert text.startswith("must give one tensor of shape (2, 4) for 2 examples, got ")
    assert got in text and remedy in text


def test_what_the_signature_says_is_not_refused():
    assert unlike(LOGITS, ONE, 2) is None
    assert unlike(LOGITS.double(), ONE, 2) is None
    assert unlike(LOGITS.long(), [TensorSpec("output", (4,), "int64")], 2) is None
    assert unlike([LOGITS, LOGITS], [*ONE, TensorSpec("other", (None,))], 2) is None
    assert "a tuple of tensors" in unlike(LOGITS, [*ONE, TensorSpec("other", (4,))], 2)


def test_many_keys_are_cut_short():
    assert described(dict.fromkeys("abcdefg")).endswith("'a', 'b', 'c', 'd', ...")

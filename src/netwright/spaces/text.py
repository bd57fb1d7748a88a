"""Networks for texts: a bag of hashed n-grams, layers over the letters or the words, or both.

A bag of n-grams whose embeddings are summed is as in fastText (Joulin et al., "Bag of Tricks for
Efficient Text Classification", arXiv 1607.01759; n-grams of letters as in Bojanowski et al., arXiv
1607.04606); here their embeddings are the answers themselves, weighed by how rare they are, so that
it is a linear model of TF-IDF. The layers over a sequence are convolutions of several sizes (Kim,
arXiv 1408.5882) and attention. Words are found and hashed within the network, so that it takes the
bytes of a text as they are.

What a text says does not depend on the texts beside it: what is after its end counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.grams import BYTES, Bag, ByteGrams, TokenGrams, Words
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.ready import ready
from netwright.spaces.sequence import POOLS, Attend, Convolve, Embedded

_KERNELS = (3, 5, 7)
_HEAD = 16  # the size of a head of attention


@ready
def text(
    inputs: Sequence[int] | int = (256,),
    outputs: int = 2,
    *,
    tokens: int = BYTES,
    buckets: int = 2**16,
    most_width: int = 128,
    most_depth: int = 3,
) -> Space:
    """The space for texts of shape `inputs` = (t,), ids of tokens with 0 after the end of a text.

    `tokens` is how many ids there are; 257 are the bytes and 0, and then words are found in them.
    Costs are those of a text of t tokens; a network takes any length. n-grams are hashed to so many
    `buckets`.

    Raises:
        SettingError: A shape that is no text, or a size below 1.
    """
    shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
    if len(shape) != 1:
        raise SettingError(
            f"`text(inputs, outputs)` must be given texts of t tokens, got {inputs!r}."
        )
    sizes = {"tokens": tokens, "buckets": buckets, "most_width": most_width}
    check_sizes("text", inputs=shape[0], outputs=outputs, most_depth=most_depth, **sizes)
    takes = TensorSpec(UNNAMED, (None,), "int64", tokens, shape[0])
    signature = Signature((takes,), (TensorSpec("output", (outputs,)),))
    declared = partial(
        network, tokens=tokens, buckets=buckets, most_width=most_width, most_depth=most_depth
    )
    designs = _designs(tokens == BYTES, most_width, most_depth)
    return Space(declared, signature, recipe=recipe, name="text", designs=designs)


def _designs(is_bytes: bool, most_width: int, most_depth: int) -> list[Design]:
    """A bag of n-grams as fastText, convolutions as Kim's (arXiv 1408.5882), and attention."""
    common: dict[str, Answer] = {"learning_rate": 0.002, "weight_decay": 0.1}
    bag = common | {"answer": "bag", "grams.dropped": 0.2}
    bag["grams"] = "both" if is_bytes else "up_to_2"
    reading = {"reading": "words" if is_bytes else "each", "answer": "layers", "dropout": 0.3}
    found = [Design("n-grams", bag)]
    if most_depth:
        for name, layer, pool in (
            ("convolutions", "convolution", "most"),
            ("attention", "attention", "mean_and_most"),
        ):
            answers = {**common, **reading, "depth": 1, "layer0": layer, "pool": pool}
            found.append(Design(name, answers, {"width": 1.0}, usual=most_width))
    return found


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.002, 0.004]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.1, 0.5]),
        "label_smoothing": choose.value("label_smoothing", [0.0, 0.1]),
        "batch": 64,
    }


def network(
    choose: Choose,
    inputs: Any,
    outputs: int,
    tokens: int,
    buckets: int,
    most_width: int,
    most_depth: int,
) -> nn.Module:
    """The declaration."""
    is_bytes = tokens == BYTES

    def bag() -> nn.Module:
        dropped = choose.value("grams.dropped", [0.0, 0.2, 0.4])
        if is_bytes:
            made: nn.Module = choose.one_of(
                "grams",
                letters=lambda: of(ByteGrams((2, 3, 4, 5), 0, buckets), 4, dropped),
                both=lambda: of(ByteGrams((2, 3, 4, 5), 2, buckets), 6, dropped),
            )
            return made
        tried = {
            f"up_to_{longest}": partial(of, TokenGrams(longest, buckets), longest, dropped)
            for longest in (1, 2, 3)
        }
        made = choose.one_of("grams", **tried)
        return made

    def of(grams: nn.Module, kinds: int, dropped: float) -> nn.Module:
        return Bag(grams, kinds, buckets, outputs, dropped)

    def sequence() -> nn.Module:
        return _sequence(choose, outputs, tokens, buckets, most_width, most_depth)

    made: nn.Module = choose.one_of(
        "answer", bag=bag, layers=sequence, both=lambda: Both(bag(), sequence())
    )
    return made


def _sequence(
    choose: Choose, outputs: int, tokens: int, buckets: int, most_width: int, most_depth: int
) -> nn.Module:
    """Embedded letters or words, layers over them, and what becomes of all of them together."""
    step = max(1, most_width // 4)
    width = choose.width("width", step, most_width, step=step)
    dropout = choose.value("dropout", [0.1, 0.3, 0.5])

    def over(stride: int) -> nn.Module:
        return Embedded(nn.Embedding(tokens, width, padding_idx=0), width, stride)

    reading = {
        "each": lambda: over(1),
        "halved": lambda: over(2),
        "quartered": lambda: over(4),
    }
    if tokens == BYTES:
        words = max(2, buckets // 8)
        reading = {
            "letters": lambda: over(4),
            "words": lambda: Words(nn.Embedding(words, width, padding_idx=0), words),
        }

    def layer(i: int) -> nn.Module:
        act = choose.one_of("activation", relu=lambda: nn.ReLU, gelu=lambda: nn.GELU)
        made: nn.Module = choose.one_of(
            f"layer{i}",
            convolution=lambda: Convolve(
                width, choose.value(f"layer{i}.kernel", _KERNELS), act, dropout
            ),
            attention=lambda: Attend(
                width, choose.width(f"layer{i}.heads", 2, 4, step=2), _HEAD, dropout
            ),
        )
        return made

    def head(make: Callable[[int], nn.Module], times: int) -> nn.Module:
        last = nn.Linear(times * width, outputs)
        return nn.Sequential(make(width), nn.Dropout(dropout), last)

    def read(first: Callable[[], nn.Module]) -> nn.Module:
        body = choose.repeat("depth", 0, most_depth, layer)
        heads = {name: partial(head, *pool) for name, pool in POOLS.items()}
        return nn.Sequential(first(), body, choose.one_of("pool", **heads))

    ways = {name: partial(read, first) for name, first in reading.items()}
    made: nn.Module = choose.one_of("reading", **ways)
    return made


class Both(nn.Module):
    """The sum of what a bag of n-grams and a network over a sequence say."""

    def __init__(self, bag: nn.Module, sequence: nn.Module) -> None:
        super().__init__()
        self.bag, self.sequence = bag, sequence

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t) to (b, outputs)."""
        out: Tensor = self.bag(x) + self.sequence(x)
        return out

"""Byte pairs: what plain Python makes of texts is what `tokenizers` makes of them."""

import json

import pytest
import torch

from netwright.data import load
from netwright.data.tokens import Tokens, learn_merges, tokenizer_of, tokens_from
from netwright.data.written_text import merges_in, token_ids
from netwright.export.source.answers import function_source

TEXTS = [
    "The cat sat on the mat, and the cat was flat.",
    "  two  blanks\tand\n\na line ",
    "naïve cafe\u0301 — “quoted” 漢字かな",
    "emoji 😀😀 x1y2 3.14 a_b-c",
    "",
]
LEARNT = [*TEXTS, *(f"the {a} {b} the {a}ing" for a in ("cat", "walk", "sing") for b in "abcdef")]


@pytest.fixture(scope="module")
def merges() -> tuple[tuple[int, int], ...]:
    pytest.importorskip("tokenizers")
    return learn_merges(LEARNT, 330)


def test_ids_are_those_of_tokenizers(merges) -> None:
    import tokenizers

    level = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert len(level) == 256
    made = tokenizer_of(tokenizers, tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=329, initial_alphabet=sorted(level), show_progress=False
    )
    made.train_from_iterator(LEARNT, trainer)
    tokens = Tokens(100, merges=merges)
    told = json.loads(made.to_str())["model"]["merges"]
    assert len(told) == len(merges) > 20
    decoder = tokenizers.decoders.ByteLevel()
    for text in [*TEXTS, "unseen wordings: sitting, catwalk", "a" * 50]:
        given = [made.id_to_token(i) for i in made.encode(text).ids]
        own = token_ids(text, tokens.table)
        assert len(own) == len(given)
        for number, piece in zip(own, given, strict=True):
            shown = tokens.pieces[number].decode("utf-8", "replace")
            assert shown == decoder.decode([piece])


def test_texts_come_back(merges) -> None:
    tokens = Tokens(100, merges=merges)
    assert tokens_from(json.loads(json.dumps(tokens.to_json()))) == tokens
    for text in LEARNT:
        assert tokens.text(token_ids(text, tokens.table)) == text.replace("e\u0301", "é")
    assert tokens.ids == 257 + len(
        {both for _, both in merges_in(list(map(list, merges))).values()}
    )


def test_pairs_of_the_same_bytes_have_one_id() -> None:
    pairs = [[98, 99], [99, 100], [257, 100], [98, 258]]  # ab, bc, ab+c, a+bc
    table = merges_in(pairs)
    assert table[257, 100][1] == table[98, 258][1] == 259


def test_data_of_byte_pairs(merges) -> None:
    data = load((LEARNT * 3, ["a", "b", "c"] * (len(LEARNT))), tokens="bpe")
    (ids,) = data.encode(["the cat", "zzz"])
    assert ids.max() > 256 and data.raw[0].ids == data.tokens.ids > 257
    assert data.tokens.text(ids[0].tolist()) == "the cat"


def test_the_written_source_gives_the_same_ids(merges) -> None:
    data = load((LEARNT * 3, ["a", "b", "c"] * (len(LEARNT))), tokens="bpe")
    name, source = function_source(data.encoder)
    made: dict = {"torch": torch}
    exec(source, made)
    (given,) = made[name]([*TEXTS, None], json.loads(json.dumps(data.encoding)))
    assert torch.equal(given, data.encode([*TEXTS, None])[0])

"""A text whose next tokens are predicted: its pieces, its parts, and what asks about it."""

from pathlib import Path

import pytest
import torch

from netwright.data import load
from netwright.data.split import Split
from netwright.data.stream_data import StreamData, load_stream
from netwright.data.written_text import next_tokens
from netwright.errors import DataError
from netwright.testing.data import DATA_CHECKS

TEXT = "".join(f"{number} is a number. " for number in range(300))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("check", DATA_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check, book: Path) -> None:
    check(lambda: load(book), ["5 is", "", "über", "12 is a number. " * 20])


def test_every_token_of_a_part_is_asked_for_once(book: Path) -> None:
    data = load(book, validation=0.2, test=0.3)
    assert isinstance(data, StreamData)
    bounds = [0, round(len(TEXT) * 0.5), round(len(TEXT) * 0.7), len(TEXT)]
    for place, part in enumerate((data.train, data.validation, data.test)):
        (x,), y = part.batch(slice(None))
        assert data.tokens.text(y[y > 0].tolist()) == TEXT[bounds[place] : bounds[place + 1]]
        assert torch.equal(y[:, :-1][y[:, :-1] > 0], x[:, 1:][y[:, :-1] > 0])
        assert not x[0, 0] and (part.size - part.step == 0 or not y[1, : part.size // 2].any())


def test_a_text_that_is_too_short(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("abc " * 30, encoding="utf-8")
    with pytest.raises(DataError, match=r"short\.txt is too short: its train part has 72 bytes"):
        load(tmp_path / "short.txt")


def test_beginnings_of_texts(book: Path) -> None:
    data = load_stream(book, Split(), context=4)
    assert data.encode(["ab", "", "abcdef"])[0].tolist() == [
        [0, 98, 99, 0],
        [0, 0, 0, 0],
        [100, 101, 102, 103],
    ]
    shares = torch.zeros(257)
    shares[98], shares[230] = 0.7, 0.3
    assert next_tokens(shares, 2, data.encoding) == [
        ("a", pytest.approx(0.7)),
        ("\\xe5", pytest.approx(0.3)),
    ]

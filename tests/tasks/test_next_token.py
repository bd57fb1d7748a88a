"""Next token: what its metrics are, and the n-grams that networks are compared with."""

import math

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.tasks import NextToken, task_from
from netwright.tasks.ngrams import ORDER, interpolated


def test_metrics_are_over_places_with_a_target() -> None:
    task = NextToken(259, (2, 3))
    logits = torch.zeros(2, 3, 259)
    logits[0, 0, 258] = 50.0
    targets = torch.tensor([[258, 5, 0], [0, 0, 7]])
    found = task.measure([(logits[:1], targets[:1]), (logits[1:], targets[1:])])
    loss = 2 * math.log(259) / 3
    assert found["loss"] == pytest.approx(loss, abs=1e-4)
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-3)
    assert found["bits_per_byte"] == pytest.approx(3 * loss / math.log(2) / 5, rel=1e-3)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert float(task.loss(logits, targets)) == pytest.approx(loss, abs=1e-4)


def test_what_it_must_be_given() -> None:
    with pytest.raises(SettingError, match="at least 2"):
        NextToken(1)
    with pytest.raises(SettingError, match="of the 2 ids from 257 on, got 0"):
        NextToken(259)
    task = NextToken(258, (2,), 96)
    assert task_from(task.to_json()) == task


def pieces(text: list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a text with the tokens before them, and what follows each place."""
    stream = [0, *text]
    before = [0] * (ORDER - 1) + stream
    starts = range(0, len(text) - size + 1, size)
    x = [before[start : start + size + ORDER - 1] for start in starts]
    return np.array(x), np.array([stream[start + 1 : start + 1 + size] for start in starts])


def test_ngrams_know_a_periodic_text() -> None:
    x, y = pieces([1, 2, 3, 4, 5] * 40, 20)
    answer = interpolated(7)(x[:5], y[:5])
    given = answer(x[5:])
    assert given.shape == (len(x) - 5, 20, 7)
    shares = given.double().exp().sum(-1)
    torch.testing.assert_close(shares, torch.ones_like(shares), atol=1e-5, rtol=0)
    found = NextToken(7).measure([(given, torch.from_numpy(y[5:]))])
    assert found["perplexity"] < 1.1 and found["accuracy"] == 1.0


def test_ngrams_are_better_than_frequencies() -> None:
    rng = np.random.default_rng(0)
    follows = {token: rng.choice(np.arange(1, 9), 3, replace=False) for token in range(1, 9)}
    text = [1]
    for _ in range(2400):
        text.append(int(rng.choice(follows[text[-1]])))
    x, y = pieces(text, 20)
    given = interpolated(9)(x[:80], y[:80])(x[80:])
    found = NextToken(9).measure([(given, torch.from_numpy(y[80:]))])
    assert 3.0 < found["perplexity"] < 5.0  # 3 is the best there is, and 8 what frequencies reach

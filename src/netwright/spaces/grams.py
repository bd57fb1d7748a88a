"""Words and n-grams of a text as numbers of buckets, by hashing within a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.spaces.sequence import joined

BYTES = 257
"""Ids of the bytes of UTF-8, with 0 for none."""

_PRIME = 2147483629  # below 2^31, so that products with a step stay within int64
_STEP, _SPREAD = 263, 48271
_GAIN = 10.0  # by which a linear model over buckets learns faster than layers, at one learning rate


def _shifted(x: Tensor) -> Tensor:
    """Each place as the one after it, and 0 at the end."""
    return functional.pad(x[:, 1:], (0, 1))


class TokenGrams(nn.Module):
    """The buckets of all tokens, of all pairs of them, and so on up to `longest` of them."""

    def __init__(self, longest: int, buckets: int) -> None:
        super().__init__()
        self.longest, self.buckets = longest, buckets

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Ids (b, t), 0 for none, to `longest` tensors (b, t) of buckets, 0 for none."""
        return _grams(x, range(1, self.longest + 1), self.buckets)


class ByteGrams(nn.Module):
    """The buckets of n-grams of letters, and of words and all that follow one another.

    Letters are compared in lower case, as far as ASCII goes. `letters` are the sizes of n-grams,
    `words` how many words are taken together at most.
    """

    lower: Tensor
    is_word: Tensor

    def __init__(self, letters: Sequence[int], words: int, buckets: int) -> None:
        super().__init__()
        self.letters, self.words, self.buckets = tuple(letters), words, buckets
        _register_letters(self)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Ids (b, t) of bytes to buckets (b, t) and (b, t / 2 + 1), 0 for none."""
        small = torch.take(self.lower, x)
        found: tuple[Tensor, ...] = ()
        if self.letters:
            found += _grams(small, self.letters, self.buckets)
        if self.words:
            sizes = range(1, self.words + 1)
            found += _grams(_words(small, self.is_word), sizes, self.buckets)
        return found


class Words(nn.Module):
    """The words of a text, embedded by the buckets that they are hashed to."""

    lower: Tensor
    is_word: Tensor

    def __init__(self, embedding: nn.Module, buckets: int) -> None:
        super().__init__()
        self.embedding, self.buckets = embedding, buckets
        _register_letters(self)

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t) of bytes to embedded words, with 1 for each, (b, w, width + 1)."""
        (words,) = _grams(_words(torch.take(self.lower, x), self.is_word), (1,), self.buckets)
        return joined(self.embedding(words), (words > 0)[:, :, None].float())


class Bag(nn.Module):
    """The sum of what each n-gram of a text says, by how rare it is, on one scale for all texts.

    How rare is learned as it is seen: of the texts that came while training, how many had it. With
    `grams` of so many `kinds` each kind counts the same. While training a share of the n-grams is
    left out.
    """

    seen: Tensor
    texts: Tensor

    def __init__(
        self, grams: nn.Module, kinds: int, buckets: int, outputs: int, dropped: float
    ) -> None:
        super().__init__()
        self.grams, self.kinds, self.dropped = grams, kinds, dropped
        self.said = nn.Embedding(buckets, outputs, padding_idx=0)
        nn.init.zeros_(self.said.weight)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("seen", torch.zeros(buckets))
        self.register_buffer("texts", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t) to (b, outputs)."""
        found, total = self.grams(x), self.bias
        if self.training:
            self._count(torch.cat(list(found), 1))
        for place in range(self.kinds):
            codes = found[place]
            if self.training and self.dropped:
                codes = codes * (torch.rand(codes.shape, device=codes.device) >= self.dropped)
            rare = torch.log((1 + self.texts) / (1 + torch.take(self.seen, codes)))
            weights = rare.clamp(min=0) * (codes > 0)
            size = weights.square().sum(1, keepdim=True).sqrt().clamp(min=1e-3)
            said = (self.said(codes) * (weights / size)[:, :, None]).sum(1)
            total = total + _GAIN * said
        return total

    @torch.no_grad()
    def _count(self, codes: Tensor) -> None:
        """Take in which buckets texts have, (b, n)."""
        buckets = len(self.seen)
        rows = torch.arange(len(codes), device=codes.device)[:, None]
        different = torch.unique(codes + rows * buckets) % buckets
        self.seen.index_add_(0, different, torch.ones_like(different, dtype=self.seen.dtype))
        self.texts += len(codes)


def _register_letters(module: nn.Module) -> None:
    """Give a module the small letter of each byte, and whether it is part of a word."""
    lower = torch.arange(BYTES)
    lower[1 + ord("A") : 2 + ord("Z")] += 32
    letters = [byte >= 128 or chr(byte).isalnum() for byte in range(256)]
    module.register_buffer("lower", lower)
    module.register_buffer("is_word", torch.tensor([False, *letters]).long())


def _grams(x: Tensor, sizes: Sequence[int], buckets: int) -> tuple[Tensor, ...]:
    """Buckets (b, t) of the n-grams of codes (b, t), for each of the sizes."""
    found = []
    code, following = torch.zeros_like(x), x
    for size in range(1, max(sizes) + 1):
        code = (code * _STEP + following + 7 * size) % _PRIME
        if size in sizes:
            bucket = 1 + code * _SPREAD % _PRIME % (buckets - 1)
            found.append(bucket * (following > 0))
        following = _shifted(following)
    return tuple(found)


def _words(small: Tensor, is_word: Tensor) -> Tensor:
    """Codes (b, t / 2 + 1) of the words of bytes (b, t), one after the other; 0 for none.

    That of a word is the sum of those of all its trigrams.
    """
    inside = torch.take(is_word, small)
    second = _shifted(small) * _shifted(inside)
    third = _shifted(second) * _shifted(inside)
    codes = (small * _STEP + second) * _STEP + third
    codes = inside * (codes * _SPREAD % _PRIME)
    begins = inside * (1 - functional.pad(inside[:, :-1], (1, 0)))
    word = (begins.cumsum(1) - 1).clamp(min=0)
    most = small.shape[1] // 2 + 1
    empty = torch.zeros_like(small)[:, :most]
    return empty.scatter_add(1, word, codes) % _PRIME

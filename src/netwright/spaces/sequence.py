"""Layers over sequences of which some are shorter than others: what is after an end counts nowhere.

Each takes and gives one tensor (b, t, width + 1): the sequence, 0 after its end, and in the last
place 1 where it is and 0 after it. So options of a choice can be mixed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

_FAR = -1e4


def joined(x: Tensor, mask: Tensor) -> Tensor:
    """A sequence (b, t, width) with where it is, (b, t, 1)."""
    return torch.cat([x, mask], -1)


class Embedded(nn.Module):
    """Tokens embedded, and of each `stride` of them one place made by a convolution."""

    def __init__(self, embedding: nn.Module, width: int, stride: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.conv = nn.Conv1d(width, width, 2 * stride + 1, stride, stride)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t), 0 for none, to (b, t / stride, width + 1)."""
        y = self.conv(self.embedding(x).transpose(1, 2)).transpose(1, 2)
        mask = (x[:, :: self.stride] > 0)[:, :, None].float()
        return joined(y * mask, mask)


class Convolve(nn.Module):
    """A convolution, beside which what came in goes on."""

    def __init__(
        self, width: int, kernel: int, act: Callable[[], nn.Module], dropout: float
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.act, self.dropout = act(), nn.Dropout(dropout)

    def forward(self, given: Tensor) -> Tensor:
        """The same shapes."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        y = self.conv((self.norm(x) * mask).transpose(1, 2)).transpose(1, 2)
        return joined(x + self.dropout(self.act(y)) * mask, mask)


class Attend(nn.Module):
    """Attention of all places to all, and a layer over each, beside which what came in goes on."""

    def __init__(self, width: int, heads: int, size: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.size = heads, size
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, heads * size)
        self.key = nn.Linear(width, heads * size)
        self.value = nn.Linear(width, heads * size)
        self.out = nn.Linear(heads * size, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, given: Tensor) -> Tensor:
        """The same shapes."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        b, t, _ = x.shape
        y = self.norm(x)
        q, k, v = (
            layer(y).view(b, t, self.heads, self.size).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        far = (1 - mask.transpose(1, 2)[:, None]) * _FAR
        seen = scaled_dot_product_attention(q, k, v, attn_mask=far)
        made = self.out(seen.transpose(1, 2).reshape(b, t, self.heads * self.size))
        return joined(x + self.dropout(made) * mask, mask)


class Mean(nn.Module):
    """The mean of all places; 0 where there is none."""

    def forward(self, given: Tensor) -> Tensor:
        """To (b, width)."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        return x.sum(1) / mask.sum(1).clamp(min=1)


class Most(nn.Module):
    """The most of all places; 0 where there is none."""

    def forward(self, given: Tensor) -> Tensor:
        """To (b, width)."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        return (x + (1 - mask) * _FAR).amax(1) * mask.amax(1)


class MeanAndMost(nn.Module):
    """Both, side by side."""

    def forward(self, given: Tensor) -> Tensor:
        """To (b, 2 width)."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        mean = x.sum(1) / mask.sum(1).clamp(min=1)
        return torch.cat([mean, (x + (1 - mask) * _FAR).amax(1) * mask.amax(1)], 1)


class Weighed(nn.Module):
    """The sum of all places, each by the weight that a layer gives it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(width, 1)

    def forward(self, given: Tensor) -> Tensor:
        """To (b, width)."""
        x, mask = given[:, :, :-1], given[:, :, -1:]
        weights = (self.weigh(x) + (1 - mask) * _FAR).softmax(1)
        out: Tensor = (x * weights).sum(1)
        return out


POOLS: dict[str, tuple[Callable[[int], nn.Module], int]] = {
    "mean": (lambda width: Mean(), 1),
    "most": (lambda width: Most(), 1),
    "mean_and_most": (lambda width: MeanAndMost(), 2),
    "weighed": (Weighed, 1),
}
"""What makes one row of features of a sequence, by its width, and how many widths that has."""

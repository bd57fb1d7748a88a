"""What the transformers of the ready spaces are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class Attention(nn.Module):
    """Multi-head attention of a sequence to itself (Vaswani et al., arXiv 1706.03762).

    The heads have a fixed size, so that their number is a width of its own (AutoFormer, arXiv
    2107.00651). With `causal` a place sees itself and earlier ones; with `window` only the last so
    many of them.
    """

    def __init__(
        self, width: int, heads: int, size: int, *, causal: bool = False, window: int | None = None
    ) -> None:
        super().__init__()
        self.heads, self.size, self.causal, self.window = heads, size, causal, window
        self.query = nn.Linear(width, heads * size)
        self.key = nn.Linear(width, heads * size)
        self.value = nn.Linear(width, heads * size)
        self.out = nn.Linear(heads * size, width)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) to the same shape."""
        b, t, _ = x.shape
        q, k, v = (
            layer(x).view(b, t, self.heads, self.size).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        if self.window is None:
            seen = scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            place = x.new_ones(t, dtype=torch.int64).cumsum(0)
            back = place[:, None] - place
            near = (back >= 0) & (back < self.window)
            seen = scaled_dot_product_attention(q, k, v, attn_mask=near)
        out: Tensor = self.out(seen.transpose(1, 2).reshape(b, t, self.heads * self.size))
        return out


class DropPath(nn.Module):
    """Leaves out a residual branch for some examples while training (Huang et al., 1603.09382)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; each example is zero with probability p, and scaled up otherwise."""
        if not self.training or self.p == 0.0:
            return x
        shape = (len(x), *[1 for _ in x.shape[1:]])
        kept = torch.rand(shape, device=x.device) >= self.p
        return x * kept / (1.0 - self.p)


class Block(nn.Module):
    """Attention and a two-layer network, each normalised before and added to what came in."""

    def __init__(
        self,
        width: int,
        inner: int,
        attention: nn.Module,
        act: Callable[[], nn.Module],
        *,
        norm: Callable[[int], nn.Module] = nn.LayerNorm,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1, self.norm2 = norm(width), norm(width)
        self.attention = attention
        self.mlp = nn.Sequential(
            nn.Linear(width, inner), act(), nn.Dropout(dropout), nn.Linear(inner, width)
        )
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) to the same shape."""
        x = x + self.drop(self.attention(self.norm1(x)))
        out: Tensor = x + self.drop(self.mlp(self.norm2(x)))
        return out


class Token(nn.Module):
    """Puts a learned token before a sequence, and adds a learned vector to each place."""

    def __init__(self, places: int, width: int, *, positions: bool = True) -> None:
        super().__init__()
        self.places, self.width = places, width
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = (
            nn.Parameter(0.02 * torch.randn(1, places + 1, width)) if positions else None
        )

    def tensor_sizes(self) -> dict[str, Any]:
        """Sizes of the tensors, for supernets."""
        return {"token": (1, 1, self.width), "position": (1, self.places + 1, self.width)}

    def forward(self, x: Tensor) -> Tensor:
        """(b, places, width) to (b, places + 1, width)."""
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return x if self.position is None else x + self.position

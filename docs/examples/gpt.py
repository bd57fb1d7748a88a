"""A small decoder as in GPT-2 (Radford et al. 2019), and the lines that make it searchable."""

import torch
import torch.nn.functional as F
from torch import nn

import netwright as nw


class CausalAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, t, width = x.shape
        q, k, v = self.qkv(x).split(width, dim=2)
        q, k, v = (y.view(b, t, self.heads, width // self.heads).transpose(1, 2) for y in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(b, t, width))


class GPTBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = CausalAttention(width, heads)
        self.up, self.act, self.down = (
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x):
        x = x + self.attention(self.ln1(x))
        return x + self.down(self.act(self.up(self.ln2(x))))


class GPT(nn.Module):
    """Pre-norm decoder of GPT-2; gives the logits of the next token."""

    def __init__(self, tokens=50, width=32, heads=4, depth=3, length=16):
        super().__init__()
        self.token, self.place = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(GPTBlock(width, heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens, bias=False)
        self.head.weight = self.token.weight

    def forward(self, ids):
        x = self.token(ids) + self.place(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1]))


def searchable(tokens: int = 50, length: int = 16) -> nw.Space:
    """The model as a space: its MLPs, blocks and activations; attention is listed in `kept`."""
    model = GPT(tokens, length=length)
    return nw.convert(model, torch.zeros(1, length, dtype=torch.long), tokens=tokens)

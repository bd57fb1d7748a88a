"""Layers that hear: log-mel features of a waveform within a network, and what is over them.

A window of the discrete Fourier transform is a strided convolution with sines and cosines, so that
every runtime has it; training, which needs no other runtime, has it from `torch.fft`. SpecAugment
(Park et al., arXiv 1904.08779) masks times and bands in training.

Layers over pictures of sound take and give one tensor (b, c + 1, bands, t): the picture, 0 after
the end of a recording, and in the last channel 1 where it is and 0 after it. So options of a choice
can be mixed. What is after an end counts nowhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_LEAST = 1e-6


def fourier_basis(window: int) -> Tensor:
    """Cosines and sines under a Hann window, (window + 2, 1, window), in float32."""
    times = torch.arange(window, dtype=torch.float64)
    bins = torch.arange(window // 2 + 1, dtype=torch.float64)[:, None]
    turns = 2 * math.pi * torch.remainder(bins * times, window) / window
    shape = 0.5 - 0.5 * torch.cos(2 * math.pi * times / window)
    return (torch.cat([torch.cos(turns), torch.sin(turns)]) * shape)[:, None].float()


def mel_filters(rate: int, window: int, mels: int) -> Tensor:
    """Triangles over the frequencies of a window (mels, window / 2 + 1), even on the mel scale."""
    bins = torch.arange(window // 2 + 1, dtype=torch.float64) * (rate / window)
    top = 2595 * math.log10(1 + rate / 2 / 700)
    steps = torch.arange(mels + 2, dtype=torch.float64) * (top / (mels + 1))
    edges = 700 * (10 ** (steps / 2595) - 1)
    middle, least = edges[1:-1, None], rate / window  # narrow triangles reach the next bins
    left = torch.minimum(edges[:-2, None], middle - least)
    right = torch.maximum(edges[2:, None], middle + least)
    rise, fall = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return torch.minimum(rise, fall).clamp(min=0).float()


def with_mask(x: Tensor, mask: Tensor) -> Tensor:
    """A picture (b, c, bands, t), 0 where the mask (b, 1, 1, t) is, with that in a channel."""
    return torch.cat([x * mask, mask.expand(-1, -1, x.shape[2], -1)], 1)


class Mel(nn.Module):
    """The power of a waveform in each mel band, frame by frame, compressed.

    `root` takes the power to that exponent; 0 is its logarithm. Frames have their middles at
    multiples of `hop`. `even` takes from a recording its own mean, so that loudness says nothing.
    """

    basis: Tensor
    filters: Tensor

    def __init__(
        self, rate: int, window: int, hop: int, mels: int, root: float, even: bool
    ) -> None:
        super().__init__()
        self.window, self.hop, self.root, self.even = window, hop, root, even
        self.register_buffer("basis", fourier_basis(window))
        self.register_buffer("filters", mel_filters(rate, window, mels))

    def forward(self, x: Tensor) -> Tensor:
        """Samples and where there are any (b, 2, t) to (b, 2, mels, frames)."""
        half = self.window // 2
        wave = functional.pad(x[:, :1], (half, half - 1))
        mask = x[:, 1:, :: self.hop]
        real, imaginary = self._transformed(wave).chunk(2, 1)
        power = torch.matmul(self.filters, real * real + imaginary * imaginary) + _LEAST
        y = power.log() if self.root == 0 else power.pow(self.root)
        if self.even:
            y = y - (y.mean(1, keepdim=True) * mask).sum(2, keepdim=True) / mask.sum(
                2, keepdim=True
            ).clamp(min=1)
        return with_mask(y[:, None], mask[:, None])

    def _transformed(self, wave: Tensor) -> Tensor:
        """Real and imaginary parts of each window, (b, window + 2, frames), of a wave (b, 1, t)."""
        if not self.training:
            return functional.conv1d(wave, self.basis, None, self.hop)
        windows = wave[:, 0].unfold(1, self.window, self.hop) * self.basis[0, 0]  # the Hann window
        found = torch.fft.rfft(windows).transpose(1, 2)
        return torch.cat([found.real, found.imag], 1)


class Crop(nn.Module):
    """In training a stretch of each recording that is longer than `most` samples, at random."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        """(b, 2, t) to (b, 2, t), or (b, 2, most) in training where t is more."""
        if not self.training or x.shape[2] <= self.most:
            return x
        spare = (x[:, 1].sum(1) - self.most).clamp(min=0)
        first = (torch.rand(len(x), device=x.device) * (spare + 1)).long()
        places = first[:, None] + torch.arange(self.most, device=x.device)
        return x.gather(2, places[:, None].expand(-1, 2, -1))


class Statistics(nn.Module):
    """Means and deviations over time of each band and of its changes: no layers over time."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4 * mels)

    def forward(self, given: Tensor) -> Tensor:
        """(b, 2, mels, t) to (b, 4 mels), each on one scale."""
        x, mask = given[:, 0], given[:, 1, :1]
        later = functional.pad(mask[:, :, 1:], (0, 1))
        change = (functional.pad(x[:, :, 1:], (0, 1)) - x) * later
        both = torch.cat([x, change], 1)
        counts = torch.cat([mask.expand(-1, x.shape[1], -1), later.expand(-1, x.shape[1], -1)], 1)
        count = counts.sum(2).clamp(min=1)
        mean = both.sum(2) / count
        square = ((both - mean[:, :, None]) * counts).square().sum(2) / count
        out: Tensor = self.norm(torch.cat([mean, (square + _LEAST).sqrt()], 1))
        return out


class Both(nn.Module):
    """The sum of what two networks say of the same features."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, given: Tensor) -> Tensor:
        """To (b, outputs)."""
        out: Tensor = self.one(given) + self.other(given)
        return out


class EachBand(nn.Module):
    """Each mel band on one scale, as a batch in training says."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(mels)

    def forward(self, given: Tensor) -> Tensor:
        """The same shapes."""
        return with_mask(self.norm(given[:, 0])[:, None], given[:, 1:, :1])


class SpecAugment(nn.Module):
    """Two stretches of time and two of bands are left out of each recording in training.

    A stretch is up to the shares `times` and `bands` of all.
    """

    def __init__(self, times: float, bands: float) -> None:
        super().__init__()
        self.times, self.bands = times, bands

    def forward(self, given: Tensor) -> Tensor:
        """The same shapes."""
        if not self.training or self.times + self.bands == 0:
            return given
        x, mask = given[:, :-1], given[:, -1:, :1]
        b, _, bands, frames = x.shape
        counts = mask.sum(3, keepdim=True)
        for _ in range(2):
            size = torch.rand(b, 1, 1, 1, device=x.device) * self.times * counts
            first = torch.rand(b, 1, 1, 1, device=x.device) * (counts - size)
            place = torch.arange(frames, device=x.device)
            x = x * ((place < first) | (place >= first + size))
            size = torch.rand(b, 1, 1, 1, device=x.device) * self.bands * bands
            first = torch.rand(b, 1, 1, 1, device=x.device) * (bands - size)
            place = torch.arange(bands, device=x.device)[:, None]
            x = x * ((place < first) | (place >= first + size))
        return with_mask(x, mask)


class Within(nn.Module):
    """A layer over pictures of sound, after which what is past an end is 0 again."""

    def __init__(self, body: nn.Module, stride: int) -> None:
        super().__init__()
        self.body, self.stride = body, stride

    def forward(self, given: Tensor) -> Tensor:
        """To every `stride`-th time."""
        return with_mask(self.body(given[:, :-1]), given[:, -1:, :1, :: self.stride])


class Beside(nn.Module):
    """A layer beside which what came in goes on."""

    def __init__(self, body: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.body, self.act = body, act

    def forward(self, given: Tensor) -> Tensor:
        """The same shapes."""
        x = given[:, :-1]
        return with_mask(self.act(x + self.body(x)), given[:, -1:, :1])


class MeanOfBands(nn.Module):
    """The mean of all bands, so that pitch counts by its surroundings alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, bands, t) to (b, c, 1, t)."""
        return x.mean(2, keepdim=True)


class OverTime(nn.Module):
    """What `body` makes of all bands as a sequence over time, for layers over sequences."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, given: Tensor) -> Tensor:
        """(b, c + 1, bands, t) to (b, t, c + 1)."""
        y = with_mask(self.body(given[:, :-1]), given[:, -1:, :1])
        return y[:, :, 0].transpose(1, 2)

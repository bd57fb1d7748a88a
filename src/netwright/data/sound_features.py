"""Recordings as a classical model has them: means and deviations of log-mel features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_MELS = 40
_SECONDS = 0.032, 0.016  # of a window, and from one to the next
_LEAST = 1e-6


def log_mel_features(waves: Sequence[Tensor], rate: int) -> NDArray[np.float32]:
    """Means and deviations of log-mel features and of their changes over time, and the length.

    Rows (n, 4 * 40 + 1) of recordings of int16, each (t,).
    """
    window = 2 * max(8, round(_SECONDS[0] * rate / 2))
    hop = max(1, round(_SECONDS[1] * rate))
    filters = mel_filters(rate, window, _MELS)
    found = []
    for wave in waves:
        logs = log_mel(wave.numpy() / 32768, window, hop, filters)
        change = np.diff(logs, axis=1) if logs.shape[1] > 1 else np.zeros_like(logs)
        sums = [both for x in (logs, change) for both in (x.mean(1), x.std(1))]
        found.append(np.concatenate([*sums, [np.log(1 + len(wave) / rate)]]))
    return np.array(found, np.float32).reshape(len(found), 4 * _MELS + 1)


def log_mel(
    wave: NDArray[np.float64], window: int, hop: int, filters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The logarithms of the power in each mel band (mels, frames); frames have their middles at
    multiples of `hop`, and there is one at least."""
    count = max(1, -(-len(wave) // hop))
    padded = np.zeros((count - 1) * hop + window)
    kept = min(len(wave), len(padded) - window // 2)
    padded[window // 2 : window // 2 + kept] = wave[:kept]
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    power = np.abs(np.fft.rfft(frames * shape, axis=1)) ** 2
    return np.asarray(np.log(power @ filters.T + _LEAST).T)


def mel_filters(rate: int, window: int, mels: int) -> NDArray[np.float64]:
    """Triangles over the frequencies of a window (mels, window / 2 + 1), even on the mel scale."""
    bins = np.arange(window // 2 + 1) * (rate / window)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, mels + 2) / 2595) - 1)
    least = rate / window  # narrow triangles reach the next bins
    left = np.minimum(edges[:-2], edges[1:-1] - least)[:, None]
    right = np.maximum(edges[2:], edges[1:-1] + least)[:, None]
    middle = edges[1:-1][:, None]
    rise, fall = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.asarray(np.clip(np.minimum(rise, fall), 0, None))

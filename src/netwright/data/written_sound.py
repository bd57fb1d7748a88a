"""The encoder of recordings, in plain Python: see `netwright.data.written`, whose rules hold here.

Resampling is by a sinc that a Kaiser window ends, one phase of it for each place between two steps,
as `scipy.signal.resample_poly` does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def encode_sound(rows: Any, book: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Recordings as one tensor (b, t) of float32 at the rate of the data, NaN after each end.

    Rows are a list of b recordings: each the path of a file, a pair of an array and its rate, or an
    array that has the rate of the data already. An array is (t,), or has channels as its shorter
    side, which are mixed; it holds numbers from -1 to 1, or whole numbers of 8, 16 or 32 bits. Of a
    recording that is longer than those of the data its middle is taken.
    """
    rate, longest = book["rate"], book["longest"]
    if hasattr(rows, "keys") or isinstance(rows, str | bytes) or not hasattr(rows, "__iter__"):
        raise ValueError(f"rows must be a list of recordings, got {type(rows).__name__}")
    found = []
    for place, row in enumerate(rows):
        where = f"row {place} (counted from 0)"
        given, was = row, rate
        if isinstance(row, str) or hasattr(row, "__fspath__"):
            given, was = read_sound(row)
        elif isinstance(row, tuple):
            if len(row) != 2:
                raise ValueError(f"{where} must be a pair of an array and its rate, got {len(row)}")
            given, was = row
        found.append(middle_of(compact_sound(given, was, rate, where), longest).float() / 32768)
    size = max([len(wave) for wave in found], default=1)
    padded = torch.full((len(found), max(1, size)), float("nan"))
    for place, wave in enumerate(found):
        padded[place, : len(wave)] = wave
    return (padded,)


def middle_of(wave: Tensor, longest: int) -> Tensor:
    """The middle of a recording that is longer than so many steps."""
    start = max(0, (len(wave) - longest) // 2)
    return wave[start : start + longest]


def read_sound(path: Any) -> tuple[Any, int]:
    """The samples (t, c) of a file and their rate: WAV by Python itself, all else by soundfile."""
    import wave
    from importlib import import_module

    try:
        with wave.open(str(path), "rb") as file:
            width, count = file.getsampwidth(), file.getnchannels()
            rate, data = file.getframerate(), bytearray(file.readframes(file.getnframes()))
        if width in (1, 2, 4):
            dtype = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[width]
            data = data[: len(data) // (width * count) * (width * count)]
            flat = torch.frombuffer(data, dtype=dtype) if data else torch.zeros(0, dtype=dtype)
            return flat.reshape(-1, count), rate
    except (wave.Error, EOFError, RuntimeError):
        pass  # soundfile reads more kinds, and says what is wrong
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        soundfile = import_module("soundfile")
    except ImportError:
        raise ValueError(
            f"{path} is no plain WAV file, and all others need the package 'soundfile'"
        ) from None
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be read as a recording: {error}") from None
    return samples, rate


def compact_sound(samples: Any, was: Any, rate: int, where: str) -> Tensor:
    """Samples with a rate as (t,) of int16 at another rate, their channels mixed."""
    if isinstance(was, bool) or not hasattr(was, "__index__") or not 1 <= int(was) <= 10**6:
        raise ValueError(f"{where} must have a rate from 1 to 1,000,000 Hz, got {was!r}")
    try:
        if hasattr(samples, "__array__") and not isinstance(samples, torch.Tensor):
            samples = samples.__array__().copy()
        x = torch.as_tensor(samples)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(
            f"{where} must be numbers of shape (t,) or (t, channels): {error}"
        ) from None
    if x.dim() not in (1, 2):
        raise ValueError(f"{where} must have shape (t,) or (t, channels), got {tuple(x.shape)}")
    scales = {torch.uint8: 128, torch.int16: 2**15, torch.int32: 2**31}
    if x.dtype not in scales and not x.dtype.is_floating_point:
        raise ValueError(f"{where} must hold floats, or bytes, int16 or int32, got {x.dtype}")
    shift = 128 if x.dtype == torch.uint8 else 0
    x = (x.double() - shift) / scales.get(x.dtype, 1)
    if not x.numel():
        x = x.reshape(0)
    if x.dim() == 2:
        x = x.mean(1 if x.shape[0] >= x.shape[1] else 0)
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{where} holds a value that is no finite number")
    if len(x) and float(x.abs().max()) > 2:
        raise ValueError(
            f"{where} holds {float(x.abs().max()):g}, but floats must be from -1 to 1; divide "
            "them, or give whole numbers of 16 bits as int16"
        )
    made = resampled(x.float(), int(was), rate) * 32768
    return made.round().clamp(-32768, 32767).to(torch.int16)


def resampled(x: Tensor, was: int, rate: int) -> Tensor:
    """Samples (t,) of one rate at another."""
    from fractions import Fraction

    ratio = Fraction(rate, was).limit_denominator(500)  # 4 parts in a million aside at most
    up, down = max(1, ratio.numerator), ratio.denominator
    if up == down or not len(x):
        return x
    cut = min(1.0, up / down)
    width = int(10 / cut) + 1
    taps = torch.arange(-width, width + down, dtype=torch.float64)
    phases = torch.arange(up, dtype=torch.float64)[:, None] * (down / up)
    times = (taps - phases) * cut
    window = torch.special.i0(5 * (1 - (times / 10) ** 2).clamp(min=0).sqrt()) / 27.239871823604442
    kernel = torch.sinc(times) * window * (times.abs() < 10) * cut
    padded = torch.nn.functional.pad(x[None, None], (width, width + down))
    made = torch.nn.functional.conv1d(padded, kernel[:, None].float(), stride=down)[0]
    return made.T.reshape(-1)[: -(-len(x) * up // down)]

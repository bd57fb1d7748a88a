"""Recordings of tones in noise, as arrays and as files: what tests of sound learn from."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 4000


def tone(rng: np.random.Generator, pitch: float, seconds: float, rate: int = RATE) -> NDArray:
    """Samples (t,) of int16: a tone of some loudness and phase, in noise."""
    times = np.arange(round(seconds * rate)) / rate
    phase, loud = rng.uniform(0, 6.28), rng.uniform(0.1, 0.4)
    wave_ = loud * np.sin(2 * np.pi * pitch * times + phase) + 0.02 * rng.normal(size=len(times))
    return (wave_ * 32767).astype(np.int16)


def tones(count: int, seed: int = 0) -> tuple[list[NDArray], list[str]]:
    """Low and high tones of 0.1 to 0.3 seconds."""
    rng = np.random.default_rng(seed)
    names = ["high" if row % 2 else "low" for row in range(count)]
    pitches = [rng.uniform(900, 1400) if n == "high" else rng.uniform(200, 500) for n in names]
    return [tone(rng, pitch, rng.uniform(0.1, 0.3)) for pitch in pitches], names


def write(path: Path, samples: NDArray, rate: int = RATE) -> Path:
    """A WAV file of int16 (t,) or (t, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(samples).tobytes())
    return path


def folder_of_tones(path: Path, count: int) -> Path:
    """A folder with a sub-folder of WAV files for each of two classes."""
    for place, (samples, name) in enumerate(zip(*tones(count), strict=True)):
        write(path / name / f"{place:03}.wav", samples)
    return path

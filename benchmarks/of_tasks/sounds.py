"""Recordings of Debian's `asterisk-core-sounds-*-wav`, and what a user would take for them.

The files lie in the folder `SOUNDS` of the environment, by default where Debian installs them.
*language* is which of five languages a recording is in; *counts or orders* is whether a number is
said as "two" or as "second"; *digit* is which of ten digits is said, in any of the languages.

- the mean and deviation of each of 40 log-mel bands, with a support vector machine;
- netwright: the command line from the files to the export, `netwright search --data FOLDER`, and
  `netwright predict`, which answers by the exported network.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from of_tasks.problem import Answer, Method, Parts, Problem, fitted

FOLDER = Path(os.environ.get("SOUNDS", "/usr/share/asterisk/sounds"))
EACH = 120  # recordings of a language
Rows = list[tuple[Path, str]]


def _languages() -> Rows:
    rng = np.random.default_rng(0)
    rows: Rows = []
    for folder in sorted(each for each in FOLDER.iterdir() if each.is_dir()):
        files = sorted(folder.rglob("*.wav"))
        files = [file for file in files if file.parent.name != "silence"]
        rows += [(files[n], folder.name[:2]) for n in rng.permutation(len(files))[:EACH]]
    return rows


def _digits() -> Rows:
    found = [(file, file.stem) for file in sorted(FOLDER.glob("*/digits/?.wav"))]
    return [(file, stem) for file, stem in found if stem.isdigit()]


def _numbers() -> Rows:
    """Whether a number is said as one that counts or as one that orders."""
    rows: Rows = []
    for file in sorted(FOLDER.glob("*/digits/*.wav")):
        if file.stem.isdigit():
            rows.append((file, "counts"))
        elif file.stem.startswith("h-"):
            rows.append((file, "orders"))
    return rows


def _divided(read: Callable[[], Rows], test: float, seed: int) -> Parts:
    rows = read()
    files, y = [file for file, _ in rows], [label for _, label in rows]
    x, x_test, y, y_test = train_test_split(files, y, test_size=test, random_state=seed, stratify=y)
    return Parts(x, y, x_test, y_test)


def _features(files: Sequence[Path]) -> NDArray[np.float64]:
    """Mean and deviation over time of log-mel bands, (n, 80)."""
    read = import_module("soundfile").read
    return np.stack([_of_recording(*read(file)) for file in files])


def _of_recording(wave: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    size, hop, bands = int(0.025 * rate), int(0.010 * rate), 40
    wave = np.pad(wave, (0, max(0, size - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 1400), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    places = np.fft.rfftfreq(size, 1 / rate)
    rise = (places - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - places) / np.diff(edges)[1:, None]
    weights = np.clip(np.minimum(rise, fall), 0, None)
    levels = np.log(power @ weights.T + 1e-6)
    return np.concatenate([levels.mean(0), levels.std(0)])


def _machine(parts: Parts, seed: int) -> Answer:
    model = make_pipeline(StandardScaler(), SVC(C=10))
    answer = fitted(model, Parts(_features(parts.x), parts.y, [], []))
    return lambda files: answer(_features(files))


def _netwright(parts: Parts, seed: int) -> Answer:
    kept = tempfile.TemporaryDirectory(prefix="sounds-")  # until `answer` is dropped
    folder = Path(kept.name)
    for place, (file, label) in enumerate(zip(parts.x, parts.y, strict=True)):
        named = folder / "train" / label / f"{place}.wav"
        named.parent.mkdir(parents=True, exist_ok=True)
        named.symlink_to(file)
    _run(
        "search", "--data", folder / "train", "--test", "0", "--minutes", parts.minutes,
        "--workers", 1, "--seed", seed, "--out", folder / "best",
    )  # fmt: skip

    def answer(files: Sequence[Path]) -> list[str]:
        asked = Path(kept.name) / "asked"
        asked.mkdir()
        for place, file in enumerate(files):
            (asked / f"{place:05}.wav").symlink_to(file)
        _run("predict", folder / "best", asked, "--out", folder / "answers.csv")
        with (folder / "answers.csv").open(encoding="utf-8", newline="") as lines:
            _, *rows = csv.reader(lines)
        said = {Path(row[0]).stem: row[1] for row in rows}
        return [said[f"{place:05}"] for place in range(len(files))]

    return answer


def _run(*words: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netwright", *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)


PROBLEMS = (
    Problem("language", partial(_divided, _languages, 0.25), FOLDER),
    Problem("counts or orders", partial(_divided, _numbers, 0.25), FOLDER),
    Problem("digit", partial(_divided, _digits, 0.4), FOLDER),
)

METHODS = (Method("log-mel and SVM", _machine), Method("netwright", _netwright))

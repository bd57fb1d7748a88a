"""What is odd about recordings: silence, cut samples, other rates, several channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.data.sound_files import Recording

_QUIET = 8  # of 32,768, the loudest sample of a recording that is silent
_FULL, _OFTEN = 32767, 0.001  # a sample at the top, and their share of a recording that is clipped
_SHOWN = 5


def heard_in(recordings: Sequence[Recording]) -> dict[str, Any]:
    """How many have which rates and channels, and how many are odd."""
    rates = Counter(each.was for each in recordings)
    channels = Counter(each.channels for each in recordings)
    return {
        "rates": {str(rate): count for rate, count in rates.most_common()},
        "channels": {str(number): count for number, count in channels.most_common()},
        "empty": sum(not len(each.wave) for each in recordings),
        "silent": sum(map(is_silent, recordings)),
        "clipped": sum(map(is_clipped, recordings)),
    }


def is_silent(recording: Recording) -> bool:
    """Whether there are samples, and none of them can be heard."""
    wave = recording.wave.int()
    return bool(len(wave)) and int(wave.abs().max()) < _QUIET


def is_clipped(recording: Recording) -> bool:
    """Whether some samples in a thousand are at the top of what 16 bits hold."""
    wave = recording.wave.int().abs()
    return bool(len(wave)) and float((wave >= _FULL).float().mean()) > _OFTEN


def of_sources(recordings: Sequence[Recording], rate: int) -> list[str]:
    """What is said of recordings that had another rate, or several channels."""
    found = []
    other = sum(each.was != rate for each in recordings)
    if other:
        many = "recordings are" if other > 1 else "recording is"
        found.append(f"{other:,} {many} brought from another rate to {rate:,} Hz")
    mixed = sum(each.channels > 1 for each in recordings)
    if mixed:
        found.append(f"{mixed:,} {'recordings have' if mixed > 1 else 'recording has'} several "
                     "channels, which are mixed to one")  # fmt: skip
    return found


def oddities(heard: Mapping[str, Any], recordings: Sequence[Recording]) -> list[str]:
    """What is said of recordings that are empty, silent or clipped."""
    found = []
    for what, told, rule in (
        ("empty", "no samples; remove what is empty", lambda each: not len(each.wave)),
        ("silent", "nothing but silence; remove what is silent", is_silent),
        ("clipped", "samples cut off at full loudness; record with less gain", is_clipped),
    ):
        count = heard[what]
        if count:
            names = ["/".join(Path(each.name).parts[-2:]) for each in recordings if rule(each)]
            shown = ", ".join(names[:_SHOWN]) + ", ..." * (count > _SHOWN)
            many = "recordings have" if count > 1 else "recording has"
            found.append(f"{count:,} {many} {told} ({shown})")
    return found

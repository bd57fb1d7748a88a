"""What there is in recordings, for `netwright data`."""

from __future__ import annotations

from typing import Any

import torch

from netwright.data.histogram import range_of
from netwright.data.sound_data import SoundData


def look_at_sounds(data: SoundData) -> dict[str, Any]:
    """Rate, lengths in seconds as networks see them, and what the sources had."""
    lengths = torch.cat([part.lengths for part in (data.train, data.validation, data.test)])
    seconds = lengths.double().numpy() / data.rate
    return {
        "rate": data.rate,
        "longest": data.longest / data.rate,
        "seconds": {"total": float(seconds.sum()), **range_of(seconds)},
        **data.heard,
    }

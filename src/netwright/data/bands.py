"""Which axis of an array with four of them counts the channels."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.errors import DataError, SettingError

_USUAL = (1, 3, 4)  # channels of pictures


def check_channels(channels: object) -> None:
    """Refuse what is no place of channels.

    Raises:
        SettingError: Says what it must be.
    """
    if channels not in (None, "first", "last"):
        raise SettingError(f"`channels=...` must be 'first' or 'last', got {channels!r}.")


def are_last(shape: Sequence[int], channels: str | None, where: str) -> tuple[bool, str]:
    """Whether the channels of (n, a, b, c) are the last axis, and what is said of that.

    Of the two readings the one whose pictures have equal sides is right; if neither has, the one
    with 1, 3 or 4 channels. `channels`, "first" or "last", goes before that.

    Raises:
        DataError: Both readings are as good.
    """
    if channels is not None:
        return channels == "last", ""
    _, a, b, c = shape
    if a == b == c == 1:
        return False, ""
    square = (b == c, a == b)
    fit = square if any(square) else (a in _USUAL, c in _USUAL)
    if fit[0] == fit[1]:
        sides = "both are square" if fit[0] and any(square) else "neither is square"
        raise DataError(
            f"{where} has the shape {tuple(shape)}: {_told(shape, False)}, or "
            f"{_told(shape, True)}; {sides}. Say which by `channels='first'` or `channels='last'`."
        )
    last = fit[1]
    if (c if last else a) in _USUAL and any(square):
        return last, ""
    other = "first" if last else "last"
    why = "which are square" if any(square) else "which have as many channels as pictures have"
    return last, (
        f"{where}: read as {_told(shape, last)}, {why}; `channels='{other}'` reads it otherwise"
    )


def _told(shape: Sequence[int], last: bool) -> str:
    _, a, b, c = shape
    count, high, wide = (c, a, b) if last else (a, b, c)
    place = "last" if last else "first"
    return f"{count} channel{'s' * (count != 1)} of {high} x {wide} (channels {place})"

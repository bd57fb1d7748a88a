"""Where networks are trained: what can be asked for, and what is here."""

from __future__ import annotations

import torch

from netwright.errors import SettingError


def check_device_name(name: object) -> None:
    """Refuse what is no name of a device.

    Raises:
        SettingError: It is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SettingError(f'`Training(device=...)` must be "auto", "cpu" or "cuda", got {name!r}.')


def device_named(name: str) -> torch.device:
    """The device of a name; "auto" is a GPU where there is one.

    Raises:
        SettingError: There is no CUDA here, and it is asked for.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError(
            '`Training(device="cuda")` needs a GPU that this installation of PyTorch can use, '
            'and there is none here; leave `device` out, or give "cpu".'
        )
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

"""A fitted estimator as files: its network in all exported forms, and the rest as JSON."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netwright.data.again import Items, is_of_items
from netwright.data.columns import column_from
from netwright.data.encodings import Arrays, Columns, encoding_from
from netwright.errors import ExportError
from netwright.files.whole import write_whole

FILE = "estimator.json"
_FORMAT = "netwright.estimator/1"


def write_folder(estimator: Any, folder: Path) -> Path:
    """Write a fitted estimator into a folder.

    Raises:
        ExportError: A file cannot be written.
        SettingError: The folder holds something else.
    """
    known = estimator._known()
    settings = {name: value for name, value in estimator.get_params().items() if _is_plain(value)}
    body = {
        "format": _FORMAT,
        "kind": type(estimator).__name__,
        "settings": settings,
        **known,
    }
    estimator.best_.export(folder)
    try:
        write_whole(folder / FILE, (json.dumps(body, indent=2) + "\n").encode("utf-8"))
    except OSError as error:
        raise ExportError(f"{folder / FILE} cannot be written: {error.strerror}.") from error
    return folder


def _is_plain(value: Any) -> bool:
    """Whether a setting is the same after it was JSON; others are left out."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False


def read_folder(folder: Path) -> Mapping[str, Any]:
    """What estimator.json of a folder says.

    Raises:
        ExportError: There is none, or it is damaged or of another version.
    """
    try:
        body = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ExportError(
            f"There is no {FILE} in {str(folder)!r}; give a folder that `save` of an estimator "
            "wrote. An exported network alone is loaded by its model.py."
        ) from error
    except (OSError, ValueError) as error:
        raise ExportError(f"{folder / FILE} cannot be read: {error}.") from error
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise ExportError(f"{folder / FILE} is of no version that is known here.")
    return body


def encoding_in(body: Mapping[str, Any]) -> Columns | Arrays | Items:
    """How rows become tensors, as `to_json` said it."""
    if is_of_items(body):
        return Items(body)
    if body["kind"] == "columns":
        return Columns(tuple(map(column_from, body["columns"])))
    found = encoding_from(body)
    assert isinstance(found, Arrays)
    return found


def network_in(folder: Path) -> nn.Module:
    """The network of an exported folder: of model.py, or of model.pt2 where there is no source.

    Raises:
        ExportError: There is neither, or it cannot be loaded.
    """
    source, program = folder / "model.py", folder / "model.pt2"
    try:
        if source.is_file():
            return _of_source(source)
        if program.is_file():
            return torch.export.load(program).module()
    except Exception as error:  # whatever a file that was changed raises
        raise ExportError(f"The network in {str(folder)!r} cannot be loaded: {error}.") from error
    raise ExportError(
        f"There is no model.py and no model.pt2 in {str(folder)!r}; card.md says why, or they were "
        "removed."
    )


def _of_source(path: Path) -> nn.Module:
    """What `load()` of a model.py gives; the module is not kept under a name."""
    spec = importlib.util.spec_from_file_location("netwright_exported_model", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network: nn.Module = module.load()
    return network

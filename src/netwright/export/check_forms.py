"""Run as a script in a fresh process: loads each exported form and says what it computes.

Imports nothing of netwright and makes it impossible. Reads `inputs.pt` (raw batches, and the test
part if there is one) from the second argument's folder; prints one JSON document.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch


class Forbidden:
    """A finder that refuses netwright."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Refuse netwright, leave all else to the others."""
        if name.split(".")[0] == "netwright":
            raise ImportError("an exported network must not need netwright")


def from_source(folder: Path) -> Any:
    """`load()` of model.py."""
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def from_program(folder: Path) -> Any:
    """The exported program of model.pt2."""
    return torch.export.load(folder / "model.pt2").module()


def from_onnx(folder: Path) -> Any:
    """A session of ONNX Runtime on model.onnx."""
    import onnxruntime

    path = str(folder / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0])


FORMS = {"model.py": from_source, "model.pt2": from_program, "model.onnx": from_onnx}


def compared(folder: Path, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of every form that is there how far it is off, and how many of the test part it has right."""
    found = {}
    for form, load in FORMS.items():
        if not (folder / form).is_file():
            continue
        row: dict[str, Any]
        try:
            network = load(folder)
            with torch.no_grad():
                made = [network(x.float()) for x in given["batches"]]
                row = {
                    "difference": max(
                        float((a - b).abs().max())
                        for a, b in zip(made, given["logits"], strict=True)
                    ),
                    "right": None,
                }
                if "x" in given:
                    parts = zip(given["x"].split(500), given["y"].split(500), strict=True)
                    row["right"] = sum(
                        int((network(x.float()).argmax(1) == y).sum()) for x, y in parts
                    )
        except Exception as error:
            row = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        found[form] = row
    return found


def main(folder: Path, given: Path) -> None:
    """Print what `compared` finds, without netwright."""
    sys.meta_path.insert(0, Forbidden())
    torch.set_num_threads(1)
    data = torch.load(given / "inputs.pt", weights_only=True)
    print(json.dumps(compared(folder, data)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Run as a script in a fresh process: loads each exported form and says what it computes.

Imports nothing of netwright and makes it impossible. Reads from standard input what `compared` is
given (raw batches, and those of the test part if there is one), and writes to standard output what
it gives, both by `torch.save`.
"""

import importlib.util
import os
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


def from_source(folder: Path, given: dict[str, Any]) -> Any:
    """`load()` of model.py."""
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load().eval()


def from_program(folder: Path, given: dict[str, Any]) -> Any:
    """The exported program of model.pt2."""
    return torch.export.load(folder / "model.pt2").module()


def from_onnx(folder: Path, given: dict[str, Any]) -> Any:
    """A session of ONNX Runtime on model.onnx, its inputs and outputs by their names."""
    import onnxruntime

    path = str(folder / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(*tensors: torch.Tensor) -> list[torch.Tensor]:
        feed = {name: t.numpy() for name, t in zip(given["names"], tensors, strict=True)}
        return [torch.from_numpy(x) for x in session.run(given["gives"], feed)]

    return run


FORMS = {"model.py": from_source, "model.pt2": from_program, "model.onnx": from_onnx}
ANY_DTYPE = ("model.py",)  # takes the same values of another dtype too


def outputs_of(network: Any, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """What a form gives, one tensor or several."""
    found = network(*tensors)
    return [found] if isinstance(found, torch.Tensor) else list(found)


def compared(folder: Path, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of every form how far it is off, and its outputs for the test part.

    `given` has the names of what the forms take and give, raw `batches` (for each a list of
    tensors) of the dtypes that the forms say they take, the `outputs` of each (lists, too), the
    `forms` to look at, and maybe the batches `x` of the test part.
    """
    compared_forms = {}
    for form in given["forms"]:
        load = FORMS[form]
        row: dict[str, Any]
        try:
            network = load(folder, given)
            with torch.no_grad():
                row = {"difference": _difference(network, given), "outputs": None}
                if form in ANY_DTYPE:
                    floats = [[x.float() for x in tensors] for tensors in given["batches"]]
                    other = _difference(network, {**given, "batches": floats})
                    row["difference"] = max(row["difference"], other)
                if "x" in given:
                    row["outputs"] = [outputs_of(network, tensors) for tensors in given["x"]]
        except Exception as error:
            row = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        compared_forms[form] = row
    return compared_forms


def _difference(network: Any, given: dict[str, Any]) -> float:
    """The largest difference of an output over all batches; NaN where one is."""
    differences = [
        (made.double() - wanted.double()).abs().max()
        for tensors, outputs in zip(given["batches"], given["outputs"], strict=True)
        for made, wanted in zip(outputs_of(network, tensors), outputs, strict=True)
    ]
    return float(torch.stack(differences).max())


def main(folder: Path) -> None:
    """Write what `compared` finds without netwright, whatever a form prints."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        sys.meta_path.insert(0, Forbidden())
        torch.set_num_threads(1)
        given = torch.load(sys.stdin.buffer, weights_only=True)
        torch.save(compared(folder, given), answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

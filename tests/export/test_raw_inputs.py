"""Every form takes the same raw tensors and gives the same answers: bytes, numbers, ids."""

import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from netwright.export import Card, export, package
from netwright.network.normalised import Deployment, Normalised, Standardise
from netwright.network.signature import Signature


class Sentence(nn.Module):
    """Takes ids as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(30, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x).mean(1))


class Branching(nn.Module):
    """Depends on a size, which is not written as source."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x.mean((2, 3)) if x.shape[-1] > 4 else x.amax((2, 3)))


class Case(NamedTuple):
    """A kind of data: what is taken, its normalisation if any, and a network after that."""

    signature: Signature
    scale: tuple[Tensor, Tensor] | None
    network: nn.Module


def channels(*values: float, axes: int) -> Tensor:
    return torch.tensor(values).reshape(-1, *[1] * axes)


def case(name: str) -> Case:
    torch.manual_seed(0)
    picture = Signature.single((3, 6, 6), (4,), dtype="uint8")
    scale = channels(90.0, 130.0, 20.0, axes=2), channels(60.0, 70.0, 5.0, axes=2)
    convolutions = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(80, 4)
    )
    row = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 4))
    numbers = torch.tensor([1000.0, -3.0, 0.2]), torch.tensor([40.0, 2.0, 0.01])
    series = nn.Sequential(nn.Conv1d(2, 4, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    times = channels(5.0, -5.0, axes=1), channels(3.0, 2.0, axes=1)
    return {
        "pictures": Case(picture, scale, convolutions),
        "pictures without source": Case(picture, scale, Branching()),
        "pictures as they are": Case(picture, None, convolutions),
        "rows": Case(Signature.single((3,), (4,)), numbers, row),
        "series": Case(Signature.single((2, 9), (4,)), times, series),
        "open series": Case(Signature.single((2, None), (4,)), times, series),
        "ids": Case(Signature.single((7,), (4,), ids=30), None, Sentence()),
        "ids without source": Case(Signature.single((7,), (4,), ids=30), None, Words()),
    }[name]


class Words(Sentence):
    """The same, and not written as source."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.shape[-1] > 4 else super().forward(x[:, :4])


CASES = (
    "pictures", "pictures without source", "pictures as they are", "rows", "series", "open series",
    "ids", "ids without source",
)  # fmt: skip


def raw_rows(case: Case, count: int) -> Tensor:
    """Rows as they are in the data: bytes up to 255, numbers on the scale of the data, ids."""
    (x,) = case.signature.example(np.random.default_rng(count), count)
    if case.signature.input.dtype == "uint8":
        return x * 2
    return x if case.scale is None else x * case.scale[1] + case.scale[0]


def wanted(case: Case, x: Tensor) -> Tensor:
    """What the network computes of raw rows, without the module that is under test."""
    normal = x if case.signature.input.ids else x.float()
    if case.scale is not None:
        normal = (normal - case.scale[0]) / case.scale[1]
    with torch.no_grad():
        return case.network.eval()(normal)


def deployed(case: Case) -> Normalised:
    normalise = None if case.scale is None else Standardise(*case.scale)
    return Deployment(case.signature, normalise).raw(case.network)


def loaded(folder: Path) -> nn.Module:
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


@pytest.mark.parametrize("name", CASES)
def test_every_form_takes_raw_rows(name: str, tmp_path: Path) -> None:
    one = case(name)
    made = export(
        deployed(one), tmp_path / "o", signature=one.signature, card=Card(name),
        examples=[raw_rows(one, 8)],
    )  # fmt: skip
    assert set(made.checks) == {"model.py", "model.pt2", "model.onnx"}
    assert ("without source" in name) == any("no source of its own" in note for note in made.notes)
    program = torch.export.load(tmp_path / "o" / "model.pt2").module()
    session = onnxruntime.InferenceSession(str(tmp_path / "o" / "model.onnx"))
    (taken,) = session.get_inputs()
    kinds = {"uint8": "uint8", "float32": "float", "int64": "int64"}
    assert taken.type == f"tensor({kinds[one.signature.input.dtype]})"
    for count in (1, 5):
        x = raw_rows(one, count)
        assert x.dtype == one.signature.input.torch_dtype
        forms = {
            "best": deployed(one)(x),
            "model.py": loaded(tmp_path / "o")(x),
            "model.pt2": program(x),
            "model.onnx": torch.from_numpy(session.run(None, {taken.name: x.numpy()})[0]),
        }
        for form, answer in forms.items():
            torch.testing.assert_close(answer, wanted(one, x), rtol=1e-4, atol=1e-4, msg=form)


@pytest.mark.parametrize("name", CASES)
def test_the_same_values_of_another_dtype_give_the_same_answers(name: str, tmp_path: Path) -> None:
    one = case(name)
    export(deployed(one), tmp_path / "o", signature=one.signature, card=Card(name))
    x = raw_rows(one, 4)
    dtypes = [torch.float32, torch.float64]
    if not x.dtype.is_floating_point:
        dtypes += [torch.int32, torch.int64]
    for network in (deployed(one), loaded(tmp_path / "o")):
        for dtype in dtypes:
            torch.testing.assert_close(network(x.to(dtype)), wanted(one, x), rtol=1e-4, atol=1e-4)


def test_a_size_that_is_open_may_change(tmp_path: Path) -> None:
    one = case("open series")
    export(deployed(one), tmp_path / "o", signature=one.signature, card=Card("Series"))
    x = torch.cat([raw_rows(one, 3)] * 2, dim=2)
    session = onnxruntime.InferenceSession(str(tmp_path / "o" / "model.onnx"))
    answers = [
        loaded(tmp_path / "o")(x),
        torch.export.load(tmp_path / "o" / "model.pt2").module()(x),
        torch.from_numpy(session.run(None, {"input": x.numpy()})[0]),
    ]
    for answer in answers:
        torch.testing.assert_close(answer, wanted(one, x), rtol=1e-4, atol=1e-4)


def test_a_program_has_modes_and_refuses_what_is_no_byte(tmp_path: Path) -> None:
    one = case("pictures without source")
    export(deployed(one), tmp_path / "o", signature=one.signature, card=Card("Pictures"))
    network = loaded(tmp_path / "o")
    assert not network.training
    with pytest.warns(UserWarning, match="stay as in eval mode"):
        assert network.train() is network
    assert network.training
    assert network.eval() is network
    assert not network.training
    for wrong in (0.5, 256.0, -1.0):
        with pytest.raises(ValueError, match=r"whole numbers that torch\.uint8 holds"):
            network(torch.full((1, 3, 6, 6), wrong))


def other_scale(one: Case) -> Case:
    """The same with its mean added, not taken away."""
    return one._replace(scale=(-one.scale[0], one.scale[1]))


def spoil_source(monkeypatch: pytest.MonkeyPatch, one: Case) -> None:
    written = package.model_source
    monkeypatch.setattr(
        package,
        "model_source",
        lambda *given, **settings: written(*given, **settings).replace("- self.m", "+ self.m"),
    )


def spoil_program(monkeypatch: pytest.MonkeyPatch, one: Case) -> None:
    exporter = torch.export.export
    monkeypatch.setattr(
        torch.export,
        "export",
        lambda network, *given, **settings: exporter(
            deployed(other_scale(one)), *given, **settings
        ),
    )


def spoil_graph(monkeypatch: pytest.MonkeyPatch, one: Case) -> None:
    exporter = package.onnx_bytes
    monkeypatch.setattr(
        package,
        "onnx_bytes",
        lambda network, *given, **settings: exporter(
            deployed(other_scale(one)), *given, **settings
        ),
    )


def spoil_dtype(monkeypatch: pytest.MonkeyPatch, one: Case) -> None:
    floats = Signature.single(one.signature.input.shape, one.signature.output.shape)
    exporter = package.onnx_bytes
    monkeypatch.setattr(
        package,
        "onnx_bytes",
        lambda network, signature, **settings: exporter(network, floats, **settings),
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_source, r"model\.py is missing: it differs from the trained network"),
        (spoil_program, r"model\.pt2 is missing: it differs from the trained network"),
        (spoil_graph, r"model\.onnx is missing: it differs from the trained network"),
        (
            spoil_dtype,
            r"model\.onnx is missing: it cannot be used: .*[Uu]nexpected input data type",
        ),
    ],
)
def test_the_form_that_takes_something_else_is_named(spoil, message, tmp_path, monkeypatch) -> None:
    one = case("pictures")
    spoil(monkeypatch, one)
    made = export(deployed(one), tmp_path / "o", signature=one.signature, card=Card("Pictures"))
    assert any(re.match(message, fault) for fault in made.faults)
    assert len(made.checks) == 2


def test_a_source_that_takes_one_dtype_alone_is_named(tmp_path: Path, monkeypatch) -> None:
    one, written = case("pictures without source"), package.program_source
    monkeypatch.setattr(
        package,
        "program_source",
        lambda *given, **settings: written(*given, **settings).replace(
            "whole(input, torch.uint8)",
            "input & 255",  # no operation on floats
        ),
    )
    made = export(deployed(one), tmp_path / "o", signature=one.signature, card=Card("Pictures"))
    assert re.match(r"model\.py is missing: it (cannot be used|differs)", made.faults[0])


def test_forms_are_compared_on_rows_of_the_data(tmp_path: Path, monkeypatch) -> None:
    one, given = case("rows"), []
    monkeypatch.setattr(
        package,
        "verify",
        lambda network, folder, signature, batches, test, **named: (
            given.append(batches) or {},
            {},
        ),
    )
    rows = raw_rows(one, 20)
    export(
        deployed(one), tmp_path / "o", signature=one.signature, card=Card("Rows"), examples=[rows]
    )
    ((first,), (second,)) = given[0]
    assert torch.equal(torch.cat([first, second]), rows[:8])


def test_the_card_says_in_one_line_what_is_taken(tmp_path: Path) -> None:
    one, card = case("pictures"), Card("Pictures", data={"name": "pictures"})
    export(deployed(one), tmp_path / "o", signature=one.signature, card=card)
    line = (
        "takes `input: uint8 (b, 3, 6, 6)`, raw as in the data, and gives `output: float32 (b, 4)`"
    )
    assert line in (tmp_path / "o" / "card.md").read_text(encoding="utf-8")
    assert "input: uint8 (b, 3, 6, 6)" in (tmp_path / "o" / "model.py").read_text(encoding="utf-8")

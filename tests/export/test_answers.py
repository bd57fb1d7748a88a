"""What exported networks answer: rows in, names out; each form says of itself how."""

import csv
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pandas
import pytest
import torch
from torch import Tensor, nn

from netwright import data as datasets
from netwright.errors import DataError, ExportError
from netwright.export import Card, export
from netwright.export.source.answers import function_source, literal
from netwright.network.normalised import Deployment, Encoder, arguments_of
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks import Classification

OFFSET = 3


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "pets.csv"
    lines = ["color,size,wild,pet"]
    for i in range(60):
        lines.append(f'red,{i},{bool(i % 2)},cat\nit\'s "blue",{i}.5,False,dog'.replace('"', '""'))
    text = "\n".join(lines).replace('it\'s ""blue""', '"it\'s ""blue"""')
    path.write_text(text + "\n", encoding="utf-8")
    return path


def deployed(data: datasets.Data) -> Deployment:
    """How networks for some data are deployed."""
    signature = Signature(data.raw, data.task.outputs)
    return Deployment(signature, data.normalise, given=len(data.signature.inputs))


def exported(data: datasets.Data, network: nn.Module, folder: Path) -> list[str]:
    signature = Signature(data.raw, data.task.outputs)
    made = export(
        deployed(data).raw(network), folder, signature=signature, card=Card("Rows"),
        task=data.task, encoder=data.encoder,
    )  # fmt: skip
    return list(made.notes)


def written(folder: Path):
    spec = importlib.util.spec_from_file_location("written", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Branching(nn.Module):
    """Depends on a size, which is not written as source."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out = nn.Linear(features, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x if x.shape[-1] > 1 else -x)


@pytest.mark.parametrize("kind", [nn.Linear, Branching], ids=["source", "program"])
def test_rows_of_a_table_are_answered_by_names(kind, table: Path, tmp_path: Path) -> None:
    data = datasets.load(table)
    torch.manual_seed(1)
    (features,) = data.signature.input.shape
    network = kind(features, 2) if kind is nn.Linear else kind(features)
    exported(data, network.eval(), tmp_path / "o")
    model = written(tmp_path / "o")
    assert model.CLASSES == ["cat", "dog"]
    with table.open(encoding="utf-8", newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "pet"} for row in csv.DictReader(file)][::13]
    typed = [
        {"color": r["color"], "size": float(r["size"]), "wild": r["wild"] == "True"} for r in rows
    ]
    numbers, codes = data.encode(typed)
    with torch.no_grad():
        chances = deployed(data).raw(network)(numbers, codes)
    names = data.task.answers(chances)
    assert len({*names}) == 2
    net = model.load()
    for given in (rows, typed):  # text as a CSV has it, and values
        assert net.predict(given) == names
        torch.testing.assert_close(net.predict_proba(given), chances.softmax(1))
    session = onnxruntime.InferenceSession(str(tmp_path / "o" / "model.onnx"))
    told = session.get_modelmeta().custom_metadata_map
    fed = {"numbers": numbers.numpy(), "categories": codes.numpy()}
    (logits,) = session.run(None, fed)
    by_name = json.loads(told["decoding"])["names"]
    assert [by_name[place] for place in logits.argmax(1)] == names
    assert json.loads(told["encoding"]) == data.encoding
    with pytest.raises(ValueError, match=r"row 1 \(counted from 0\) has no column 'size'"):
        net.predict([typed[0], {"color": "red", "wild": True}])
    with pytest.raises(
        ValueError, match="holds 'big' in the column 'size', which must be a number"
    ):
        net.predict([{**typed[0], "size": "big"}])
    assert net.predict([]) == [] and net.predict_proba([]).shape == (0, 2)
    frame = pandas.DataFrame(typed)
    assert net.predict(frame) == names and net.predict(frame.to_dict("list")) == names
    refused_alike(data, net, typed[0])
    strange = [{**typed[0], "color": "mauve", "size": None}]
    numbers, codes = data.encode(strange)
    fed = {"numbers": numbers.numpy(), "categories": codes.numpy()}
    assert codes.tolist() == [[0]] and numbers[0, 0].isnan()
    given = model.encode_columns(strange, model.BOOK)
    torch.testing.assert_close(given, (numbers, codes), equal_nan=True)
    logits = torch.from_numpy(session.run(None, fed)[0])
    torch.testing.assert_close(net.predict_proba(strange), logits.softmax(1))


def refused_alike(data: datasets.Data, net: nn.Module, row: dict[str, object]) -> None:
    """What is no row is refused by data and by model.py, in the same sentence."""
    for odd, said in (
        (row, "or a DataFrame, got one row alone: put it into a list"),
        (pandas.Series(row), "or a DataFrame, got Series"),
        ("red", "or a DataFrame, got str"),
        (None, "or a DataFrame, got NoneType"),
        ([list(row.values())], "row 0 .* must be a mapping from columns to values, got list"),
        ([{**row, "size": 10**400}], "in the column 'size', which must be a number that float32"),
        ([row, {**row, "size": "x"}], r"row 1 \(counted from 0\) holds 'x' in the column 'size'"),
        ({**{key: [value] for key, value in row.items()}, "size": []}, "of one length"),
    ):
        with pytest.raises(ValueError, match=said) as one:
            net.predict(odd)
        with pytest.raises(DataError) as other:
            data.encode(odd)
        assert str(other.value) == f"{one.value}."


def test_written_source_is_tidy(table: Path, tmp_path: Path) -> None:
    data = datasets.load(table)
    for place, network in enumerate((nn.Linear(data.features, 2), Branching(data.features))):
        exported(data, network.eval(), tmp_path / f"o{place}")
    for call in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B"]):
        command = [sys.executable, "-m", "ruff", *call, "--isolated", "--line-length", "100"]
        files = [str(path) for path in tmp_path.rglob("model.py")]
        done = subprocess.run([*command, *files], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_arrays_are_answered_as_they_are_in_the_data(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(256, size=(60, 5, 5)).astype(np.uint8)
    data = datasets.from_arrays(x, np.arange(60) % 3, class_names=["a", "b", "c"])
    network = nn.Sequential(nn.Flatten(), nn.Linear(25, 3)).eval()
    assert exported(data, network, tmp_path / "o") == []
    net = written(tmp_path / "o").load()
    answers = net.predict(x)
    assert len(answers) == 60 and {*answers} <= {"a", "b", "c"}
    assert net.predict(x.tolist()) == net.predict(torch.from_numpy(x)[:, None]) == answers
    with pytest.raises(ValueError, match=r"whole numbers that torch\.uint8 holds"):
        net.predict(x / 2)
    with pytest.raises(ValueError, match=r"rows must have the shape \(b, 1, 5, 5\)"):
        net.predict(x[:, :4])


class Unscaled(nn.Module):
    """A number in the units of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(7.0))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0] * self.scale


@dataclass(frozen=True)
class Scaled(Classification):
    """Answers with numbers by a decoder that has a tensor."""

    def decoder(self) -> nn.Module:
        return Unscaled()

    @property
    def decoding(self):
        return {"answer": "values", "names": [], "decoder": "times 7"}


def test_a_decoder_with_tensors_is_exported_with_them(tmp_path: Path) -> None:
    data = datasets.from_arrays(np.eye(12), np.arange(12) % 2, task=Scaled(("a", "b")))
    network = nn.Linear(12, 2).eval()
    exported(data, network, tmp_path / "o")
    rows = np.eye(12, dtype=np.float32)
    net = written(tmp_path / "o").load()
    with torch.no_grad():
        wanted = 7 * net(torch.from_numpy(rows))[:, 0]
    assert net.predict(rows) == pytest.approx(wanted.tolist())
    assert not hasattr(written(tmp_path / "o"), "CLASSES")


def test_an_encoder_that_is_no_plain_function_leaves_raw_tensors(tmp_path: Path) -> None:
    data = datasets.from_arrays(np.eye(12), np.arange(12) % 2, class_names=["a", "b"])

    def elsewhere(rows, book):
        return (torch.as_tensor(rows) + OFFSET,)

    with pytest.raises(ExportError, match=r"needs torch alone .* got one that uses OFFSET"):
        function_source(Encoder({}, elsewhere))
    signature = Signature(data.raw, data.task.outputs)
    made = export(
        Deployment(signature, data.normalise).raw(nn.Linear(12, 2)), tmp_path / "o",
        signature=signature, card=Card("Rows"), task=data.task, encoder=Encoder({}, elsewhere),
    )  # fmt: skip
    assert "`predict` of model.py takes raw tensors and no rows" in made.notes[0]
    assert {*written(tmp_path / "o").load().predict(torch.eye(12))} <= {"a", "b"}


def test_an_encoder_is_written_without_annotations() -> None:
    def encode(rows: list[float], book: dict[str, int]) -> tuple[Tensor, ...]:
        """Doubled."""
        return (torch.tensor(rows) * book["by"],)

    name, text = function_source(Encoder({}, encode))
    made: dict[str, object] = {"torch": torch}
    exec(text, made)
    assert text.startswith("def encode(rows, book):\n") and "Tensor" not in text
    assert made[name]([1.0], {"by": 2})[0].tolist() == [2.0]


class Deaf(nn.Module):
    """Does not listen to its second input."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3, 2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.out(a)


def test_an_input_without_effect_stays_an_input_of_every_form(tmp_path: Path) -> None:
    signature = Signature(
        (TensorSpec("a", (3,)), TensorSpec("for", (2,), "int64", ids=4)),
        (TensorSpec("output", (2,)),),
    )
    network = Deployment(signature).raw(Deaf())
    export(network, tmp_path / "o", signature=signature, card=Card("Deaf"))
    session = onnxruntime.InferenceSession(str(tmp_path / "o" / "model.onnx"))
    assert [node.name for node in session.get_inputs()] == ["a", "for"]
    assert "def forward(self, a, x1):" in (tmp_path / "o" / "model.py").read_text(encoding="utf-8")


def test_arguments_are_names_that_python_takes() -> None:
    assert arguments_of(["a", "for", "my-codes", "self", "x1", "torch"]) == [
        "a", "x1", "x2", "x3", "x1_", "x5",
    ]  # fmt: skip


def test_literals_are_what_they_say() -> None:
    book = {
        "a": [None, True, 1.5, "it's", 'say "x"', "\\n"],
        "long": [f"name {i}" for i in range(40)],
    }
    text = literal(book)
    assert eval(text) == book
    assert all(len(line) <= 100 for line in text.splitlines())

"""Several named tensors go all the way: from the data to every exported form, and to answers."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

import netwright as nw
from netwright.data import Augmentation
from netwright.data.named import NamedData, from_named
from netwright.errors import SettingError
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.reference import reference
from netwright.export import Card, export, verify
from netwright.network.signature import TensorSpec
from netwright.oneshot import Setting, shared_score
from netwright.targets.measured import measured
from netwright.tasks import Metric, check_fractions


@dataclass(frozen=True)
class AgeAndKind(nw.Task):
    """Two outputs: a number and one of three kinds; targets are float32 (b, 2) of both."""

    @property
    def outputs(self):
        return (TensorSpec("age", (1,)), TensorSpec("kind", (3,)))

    @property
    def metrics(self):
        return (Metric("error", "minimize"), Metric("right", "maximize", fraction=True))

    def loss(self, outputs, targets, weights=None, *, smoothing=0.0):
        age, kind = outputs
        each = (age[:, 0] - targets[:, 0]) ** 2 + functional.cross_entropy(
            kind, targets[:, 1].long(), reduction="none"
        )
        return each.mean() if weights is None else (each * weights).sum() / weights.sum()

    def measure(self, batches):
        squares, right, rows = 0.0, 0, 0
        for (age, kind), targets in batches:
            squares += float(((age[:, 0] - targets[:, 0]) ** 2).sum())
            right += int((kind.argmax(1) == targets[:, 1]).sum())
            rows += len(targets)
        return {"error": squares / rows, "right": right / rows}

    def soft_targets(self, outputs):
        age, kind = outputs
        return torch.stack([age.detach()[:, 0], kind.detach().argmax(1).float()], 1)

    def split(self, targets, *, validation, test, rng, source):
        check_fractions(validation, test)
        order = rng.permutation(len(targets))
        ends = np.cumsum([round(len(order) * (part or 0.0)) for part in (validation, test)])
        return order[ends[1] :], order[: ends[0]], order[ends[0] : ends[1]]

    def decoder(self):
        return AgeThenKind()

    def to_json(self):
        return {"kind": "age and kind", "metrics": [m.to_json() for m in self.metrics]}


class AgeThenKind(nn.Module):
    """The age, and the number of the kind."""

    def forward(self, age: Tensor, kind: Tensor) -> Tensor:
        return torch.cat([age, kind.argmax(1, keepdim=True).float()], 1)


class Reader(nn.Module):
    """Takes numbers or a picture, and codes, in the order of the signature."""

    def __init__(self, first: TensorSpec, width: int, outputs: list[int]) -> None:
        super().__init__()
        self.numbers = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(first.shape)), width))
        self.codes = nn.Sequential(
            nn.Embedding(7, width), nn.Flatten(), nn.Linear(2 * width, width)
        )
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in outputs)


class OneHead(Reader):
    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.heads[0](torch.relu(self.numbers(numbers) + self.codes(codes)))


class TwoHeads(Reader):
    def forward(self, numbers: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(self.numbers(numbers) + self.codes(codes))
        return self.heads[0](hidden), self.heads[1](hidden)


class WithoutSource(OneHead):
    """Depends on a size, which is not written as source."""

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return super().forward(numbers, codes if codes.shape[1] > 1 else codes * 0)


def network(choose, inputs, outputs):
    first, _ = inputs.values()
    width = choose.width("width", 8, 24, step=8)
    if isinstance(outputs, int):
        return OneHead(first, width, [outputs])
    return TwoHeads(first, width, [spec.shape[0] for spec in outputs.values()])


def without_source(choose, inputs, outputs):
    return WithoutSource(inputs["numbers"], choose.width("width", 8, 24, step=8), [outputs])


def data(kind: str = "numbers", task: nw.Task | None = None) -> NamedData:
    """The class is known by the codes alone, but for what the first input says."""
    rng = np.random.default_rng(0)
    codes, first = rng.integers(7, size=(240, 2)), 50 + 10 * rng.normal(size=(240, 3))
    if kind == "picture":
        first = rng.integers(256, size=(240, 1, 6, 6)).astype(np.uint8)
    y = codes[:, 0] % 3
    targets = y if task is None else np.stack([codes[:, 1] / 7, y], 1)
    return from_named(
        {kind: first, "codes": codes}, targets, ids={"codes": 7}, name="coded", task=task,
        class_names=None if task else ["low", "middle", "high"],
    )  # fmt: skip


def searched(given: NamedData, declared=network, **settings) -> nw.Run:
    training = nw.Training(given, 4, 8, folds=1, learning_rate=0.05, **settings)
    return nw.search(
        nw.Space(declared, given), training, strategy="random", trials=2, finals=[(1, 8)],
        workers=0, store=nw.MemoryStore(),
    )  # fmt: skip


def written(folder: Path):
    spec = importlib.util.spec_from_file_location("written", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def metadata(folder: Path) -> list[dict[str, object]]:
    """What each form says of itself, by name."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    extra = dict.fromkeys(("signature", "task", "decoding", "encoding"), "")
    torch.export.load(folder / "model.pt2", extra_files=extra)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        head = file.metadata()
    told = [session.get_modelmeta().custom_metadata_map, extra, head]
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return [
        *({k: json.loads(each[k]) for k in extra} for each in told),
        {k: card[k] for k in extra},
    ]


def outputs_of_forms(folder: Path, tensors) -> list[tuple[Tensor, ...]]:
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    feed = {name: x.numpy() for name, x in tensors.items()}
    given = [
        written(folder).load()(**tensors),
        torch.export.load(folder / "model.pt2").module()(*tensors.values()),
        tuple(map(torch.from_numpy, session.run(None, feed))),
    ]
    return [(x,) if isinstance(x, Tensor) else tuple(x) for x in given]


@pytest.mark.parametrize("declared", [network, without_source], ids=lambda f: f.__name__)
def test_a_run_on_numbers_and_codes(declared, tmp_path: Path) -> None:
    given = data()
    run = searched(given, declared)
    assert run.best.metrics["test_accuracy"] > 0.9
    assert run.record.reference["accuracy"] > 0.9
    folder = run.export(tmp_path / "best")
    record = run.record
    assert set(record.exported.checks) == {"model.py", "model.pt2", "model.onnx"}
    run.report(tmp_path / "report.html")
    (numbers, codes), y = given.test.batch(slice(None))
    tensors = {"numbers": numbers, "codes": codes}
    assert (numbers.dtype, codes.dtype) == (torch.float32, torch.int64)
    wanted = run.best.model()(numbers=numbers, codes=codes)
    names = [given.task.names[place] for place in wanted.argmax(1).tolist()]
    for (made,) in outputs_of_forms(folder, tensors):
        torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-4)
    told, *others = metadata(folder)
    assert all(other == told for other in others)
    assert [spec["name"] for spec in told["signature"]["inputs"]] == ["numbers", "codes"]
    assert told["decoding"] == {
        "answer": "class", "names": ["low", "middle", "high"], "decoder": "Softmax(dim=1)",
    }  # fmt: skip
    for (made,) in outputs_of_forms(folder, tensors):
        assert [told["decoding"]["names"][place] for place in made.argmax(1).tolist()] == names
    rows = {"numbers": numbers.tolist(), "codes": codes.tolist()}
    answers = written(folder).load()
    assert answers.predict(rows) == run.best.predict(rows) == names
    assert answers.predict_proba(rows).sum(1).tolist() == pytest.approx([1.0] * len(y))
    each = [{"numbers": rows["numbers"][0], "codes": rows["codes"][0]}]
    assert answers.predict(each) == names[:1]
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "`numbers: float32 (b, 3)`, `codes: int64 (b, 2), ids below 7`" in card
    assert "a probability for each of: low, middle, high" in card


class PictureAndNumbers(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.picture, self.numbers = nn.Conv2d(1, width, 3), nn.Linear(3, width)
        self.head = nn.Linear(width, 2)

    def forward(self, picture: Tensor, numbers: Tensor) -> Tensor:
        return self.head(self.picture(picture).mean((2, 3)) + self.numbers(numbers))


def test_normalisations_of_other_axes_are_written_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    numbers = rng.normal(3.0, 2.0, size=(60, 3)).astype(np.float32)
    data = from_named({"picture": pictures, "numbers": numbers}, np.arange(60) % 2)
    space = nw.Space(lambda choose, inputs, outputs: PictureAndNumbers(4), data)
    network = space.build(space.smallest(), seed=0).eval()
    training = nw.Training(data, epochs=1, full_epochs=1)
    deployment = training.deployment(space)
    made = export(
        deployment.raw(network), tmp_path / "best", signature=deployment.signature,
        card=Card("Both"), examples=deployment.examples, task=data.task,
    )  # fmt: skip
    assert not any("model.py" in note for note in made.notes)
    assert {"model.py", "model.onnx", "model.pt2"} <= {
        p.name for p in (tmp_path / "best").iterdir()
    }
    assert all(check["largest_difference"] < 1e-4 for check in made.checks.values())


def test_a_task_of_two_outputs(compared_here, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(verify, "_run", compared_here)  # in a fresh process, as users' exports
    given = data(task=AgeAndKind())
    run = searched(given)
    assert run.best.metrics["test_right"] > 0.8
    assert run.plan.objectives == (nw.minimize("error"),)
    folder = run.export(tmp_path / "best")
    assert set(run.record.exported.checks) == {"model.py", "model.pt2", "model.onnx"}
    (numbers, codes), _ = given.test.batch(slice(None))
    age, kind = run.best.model()(numbers, codes)
    for made in outputs_of_forms(folder, {"numbers": numbers, "codes": codes}):
        torch.testing.assert_close(made, (age, kind), rtol=1e-4, atol=1e-4)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    assert [node.name for node in session.get_outputs()] == ["age", "kind"]
    rows = {"numbers": numbers, "codes": codes}
    answers = np.array(written(folder).load().predict(rows))
    np.testing.assert_allclose(answers, run.best.predict(rows), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(answers[:, 1], kind.argmax(1))


@pytest.mark.parametrize("strategy", [nw.GDAS, nw.OnceForAll, nw.ENAS, nw.FewShot])
@pytest.mark.parametrize("task", [None, AgeAndKind()], ids=["one output", "two outputs"])
def test_shared_weights_learn_from_several_inputs(strategy, task) -> None:
    given = data(task=task)
    space = nw.Space(deep if task is None else network, given)
    shared = strategy(epochs=2, batch=24).begin(Setting(space, given, Augmentation()))
    assert np.isfinite(shared.advance()["loss"])
    best, *_ = shared.candidates(np.random.default_rng(0), 2)
    assert np.isfinite(shared_score(shared, best))


class Deep(OneHead):
    def __init__(self, choose, first: TensorSpec, width: int, outputs: list[int]) -> None:
        super().__init__(first, width, outputs)
        self.numbers = choose.one_of(
            "way", flat=lambda: nn.Linear(3, width), none=lambda: nn.Linear(3, width, bias=False)
        )


def deep(choose, inputs, outputs):
    return Deep(choose, inputs["numbers"], choose.width("width", 8, 24, step=8), [outputs])


def test_a_shared_run_keeps_to_memory_and_ends_with_a_network(tmp_path: Path) -> None:
    given = data()
    run = nw.search(
        nw.Space(deep, given), nw.Training(given, epochs=2, full_epochs=4), trials=1,
        strategy=nw.GDAS(epochs=2, batch=24), finals=[], workers=0, store=tmp_path / "runs.db",
    )  # fmt: skip
    assert run.status == "done"
    assert "codes" in (run.export(tmp_path / "best") / "model.py").read_text(encoding="utf-8")


def test_targets_measure_several_inputs() -> None:
    given = data()
    space = nw.Space(network, given)
    deployment = nw.Training(given).deployment(space)
    model = space.build(space.largest(), seed=0)
    for target in (nw.PyTorch(seconds=0.01), nw.OnnxRuntime(seconds=0.01)):
        assert all(value > 0 for value in measured(target, model, deployment).values())


def test_an_image_among_inputs_is_augmented_and_not_mixed() -> None:
    given = data("picture")
    space = nw.Space(network, given)
    candidate = Candidate(space, space.largest(), seed=0)
    plain, changed = (
        nw.Training(given, **settings).evaluate(candidate, nw.Budget(2), Context(seed=0)).metrics
        for settings in ({}, {"flip": True, "crop": 1, "cutout": 2})
    )
    assert plain["loss"] != changed["loss"]
    with pytest.raises(SettingError, match=r"what a row of 'coded' has beside, codes, cannot be"):
        nw.Training(given, cutmix=1.0)
    with pytest.raises(SettingError, match=r"the data '[a-z]+' have none"):
        nw.Training(data(), flip=True)
    two = from_named(
        {"left": given.train.x[0], "right": given.train.x[0]}, given.train.y, name="eyes"
    )
    with pytest.raises(SettingError, match=r"those of one row of 'eyes', left and right"):
        nw.Training(two, flip=True)


def test_the_reference_reads_numbers_and_ids() -> None:
    assert reference(data())["accuracy"] > 0.9
    wide = from_named(
        {"numbers": np.eye(60), "ids": np.zeros((60, 3), int)}, np.arange(60) % 3,
        ids={"ids": 5000},
    )  # fmt: skip
    assert reference(wide)["left_out"] == ["ids"]
    alone = from_named({"ids": np.zeros((60, 3), int)}, np.arange(60) % 3, ids={"ids": 5000})
    assert reference(alone) is None

"""The targets that come with netwright, and a target of a user's own in a whole search."""

import math
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.errors import EvaluationError, LimitError, MissingExtra, SettingError
from netwright.evaluate.costs import Costs
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.objective import limits_from
from netwright.targets import FileArtifact, OnnxRuntime, PyTorch, Target
from netwright.targets.asked import TARGETS, asked, default_target, target_named
from netwright.targets.measured import measured
from netwright.testing.spaces import SPACES
from netwright.testing.targets import TARGET_CHECKS

FLAT = Deployment(Signature.single((256,), (256,)))


def chain(depth: int) -> nn.Module:
    layers = [nn.Sequential(nn.Linear(256, 256), nn.ReLU()) for _ in range(depth)]
    return nn.Sequential(*layers).eval()


@dataclass(frozen=True)
class Mine(Target):
    """A device whose energy follows from the weights; `factor` says how."""

    metrics = ("energy_mj", "flash_kib")
    factor: float = 1.0
    name: str = "mine"

    def prepare(self, module, signature, calibration=()) -> FileArtifact:
        with torch.no_grad():
            module(*signature.example(np.random.default_rng(0), 1))
        size = sum(p.numel() for p in module.parameters())
        return FileArtifact(signature, b"\0" * size, ".bin")

    def measure(self, artifacts) -> list[dict[str, float]]:
        sizes = [len(artifact.content) for artifact in artifacts]
        return [{"energy_mj": self.factor * n / 100, "flash_kib": n / 256} for n in sizes]

    @property
    def fingerprint(self) -> str:
        return f"mine {self.factor}"


# -- ours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", TARGET_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "make", [*(lambda kind=kind: kind(seconds=0.002) for kind in TARGETS.values()), Mine],
    ids=[*TARGETS, "mine"],
)  # fmt: skip
def test_conformance(make, check) -> None:
    check(make)


@pytest.mark.parametrize("kind", TARGETS.values(), ids=TARGETS)
def test_a_network_forty_times_as_deep_is_slower(kind) -> None:
    one, many = (measured(kind(), chain(d), FLAT, whole=True) for d in (1, 40))
    low, median, high = (
        one[f"{key}@{kind.name}"] for key in ("latency_ms_low", "latency_ms", "latency_ms_high")
    )
    assert low <= median <= high
    assert 2 * median < many[f"latency_ms@{kind.name}"]


def test_threads_are_restored() -> None:
    before = torch.get_num_threads()
    measured(PyTorch(threads=2, seconds=0.005), chain(1), FLAT)
    assert torch.get_num_threads() == before


def test_what_cannot_be_run_is_said() -> None:
    wrong = Deployment(Signature.single((5,), (3,)))
    for target in (PyTorch(), OnnxRuntime()):
        said = rf"network on .* costs on {target.name} cannot be measured"
        with pytest.raises(EvaluationError, match=said):
            measured(target, chain(1), wrong)


def test_a_missing_runtime_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'netwright\[onnx\]'"):
        measured(OnnxRuntime(), chain(1), FLAT)


def test_a_wrong_setting_is_refused() -> None:
    for kind in (PyTorch, OnnxRuntime):
        for setting in ({"threads": 0}, {"threads": 1.5}, {"seconds": 0}, {"seconds": math.nan}):
            with pytest.raises(SettingError, match=f"{kind.__name__}\\({next(iter(setting))}="):
                kind(**setting)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "1"])
def test_a_figure_that_is_no_number_is_refused(value) -> None:
    class Broken(Mine):
        def measure(self, artifacts):
            return [{"energy_mj": value, "flash_kib": 1.0} for _ in artifacts]

    with pytest.raises(EvaluationError, match="'mine' must measure energy_mj as a finite number"):
        measured(Broken(), chain(1), FLAT)


# -- which targets a run has -----------------------------------------------------------------------


def test_targets_by_name() -> None:
    assert target_named("pytorch") == PyTorch()
    assert target_named("onnxruntime") == OnnxRuntime()
    assert default_target() == OnnxRuntime()
    with pytest.raises(SettingError, match="onnxruntime, pytorch, got 'tpu'"):
        target_named("tpu")
    with pytest.raises(SettingError, match="Did you mean 'pytorch'"):
        target_named("pytorsch")


def test_a_name_says_the_settings_that_are_not_the_defaults() -> None:
    assert OnnxRuntime(threads=1).name == OnnxRuntime.name == "onnxruntime"
    assert OnnxRuntime(seconds=0.5, threads=2).name == "onnxruntime(threads=2, seconds=0.5)"
    assert Mine(2.0).name == "mine"  # which the class says

    @dataclass(frozen=True)
    class Board(Mine):
        name: ClassVar[str] = "board"

    @dataclass(frozen=True)
    class Own(Target):
        metrics = ("energy_mj",)
        fast: bool = False
        host: str = "board@lab"
        probe: Any = None
        prepare, measure, fingerprint = Mine.prepare, Mine.measure, Mine.fingerprint

    assert Board(2.0).name == "board"
    own = Own(True, "me@here", object())  # of which the last cannot be said
    assert own.name == "own(fast=True, host='me@here')"
    limit = nw.at_most("energy_mj", 1.0, on=own)
    assert (limit.metric.name, limit.metric.target) == ("energy_mj", own.name)
    text = "own(host = 'me@here', fast=True)"
    assert asked((), limits_from({f"energy_mj@{text}": 1.0}), [Own()]).targets == (
        Own(), Own(True, "me@here"),
    )  # fmt: skip


@pytest.mark.parametrize("kind", TARGETS.values(), ids=TARGETS)
def test_settings_in_words(kind) -> None:
    two = kind(threads=2)
    assert target_named(two.name) == two
    found = asked(
        [nw.minimize(f"latency_ms@{kind.name}( threads = 2 )")],
        limits_from({f"latency_ms@{kind.name}": 1.0, f"latency_ms@{kind.name}(threads=3)": 2.0}),
    )
    assert found.targets == (two, kind(), kind(threads=3))
    assert found.objectives[0].metric == f"latency_ms@{kind.name}(threads=2)"
    assert keys(found) == [f"latency_ms@{kind.name}", f"latency_ms@{kind.name}(threads=3)"]


def test_a_name_without_settings_means_the_one_that_is_given() -> None:
    bare = limits_from({"latency_ms@pytorch": 1.0})
    found = asked((), bare, [PyTorch(threads=2)])
    assert found.targets == (PyTorch(threads=2),)
    assert keys(found) == ["latency_ms@pytorch(threads=2)"]
    assert asked((), bare, [PyTorch(threads=2), PyTorch()]).limits == bare
    with pytest.raises(SettingError, match=r"pytorch\(threads=2\) or pytorch\(threads=3\)"):
        asked((), bare, [PyTorch(threads=2), PyTorch(threads=3)])
    twice = limits_from({"latency_ms@pytorch": 1.0, "latency_ms@pytorch(threads=2)": 1.0})
    with pytest.raises(SettingError, match="must have one bound"):
        asked((), twice, [PyTorch(threads=2)])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("onnxruntime(thread=2)", "no setting 'thread'; did you mean 'threads'. Its settings are "
         "threads=1, seconds=0.05"),
        ("onnxruntime(threads=0)", r"`onnxruntime\(threads=...\)` must be at least 1, got 0"),
        ("onnxruntime(threads='a')", "must be a whole number, got 'a'"),
        ("onnxruntime(2)", "has a value without a name"),
        ("onnxruntime(threads=int('2'))", "'threads' what is no literal"),
        ("onnxruntime(threads=2", "must be a name such as"),
        ("(threads=2)", "must be a name such as"),
        ("pytorsch(threads=2)", "one of onnxruntime, pytorch, got .* Did you mean 'pytorch'"),
    ],
)  # fmt: skip
def test_wrong_settings_in_words_are_refused(target, said) -> None:
    with pytest.raises(SettingError, match=said):
        asked((), limits_from({f"latency_ms@{target}": 1.0}))


def keys(found) -> list[str]:
    return [str(limit.metric) for limit in found.limits]


def test_a_metric_without_a_target_is_that_of_the_only_one() -> None:
    plain = limits_from({"latency_ms": 1.0, "params": 5})
    assert keys(asked((), plain)) == ["latency_ms@onnxruntime", "params"]
    assert keys(asked((), plain, [PyTorch()])) == ["latency_ms@pytorch", "params"]
    wanted = asked([nw.minimize("latency_ms@pytorch")], plain)
    assert keys(wanted) == ["latency_ms@pytorch", "params"]
    assert wanted.targets == (PyTorch(),)
    with pytest.raises(SettingError, match="onnxruntime and pytorch: say which"):
        asked((), plain, [OnnxRuntime(), PyTorch()])
    assert keys(asked((), plain, known=["latency_ms"])) == ["latency_ms", "params"]


def test_targets_come_from_limits_and_objectives() -> None:
    limits = [nw.at_most("energy_mj", 3.0, on=Mine()), nw.at_most("latency_ms@pytorch", 1.0)]
    found = asked([nw.minimize("flash_kib", on=Mine())], limits)
    assert found.targets == (Mine(), PyTorch())
    assert keys(found) == ["energy_mj@mine", "latency_ms@pytorch"]
    assert found.objectives[0].metric == "flash_kib@mine"
    assert found.metrics == ("energy_mj@mine", "flash_kib@mine", "latency_ms@pytorch")


@pytest.mark.parametrize(
    ("limits", "targets", "said"),
    [
        ([nw.at_most("energy_mj", 3, on=Mine()), nw.at_most("flash_kib", 3, on=Mine(2.0))], None,
         "two of the name 'mine'"),
        ({"latency_ms@mine": 1}, [Mine()], "asked for one of energy_mj, flash_kib"),
        ({"energy_mj@mine": 1}, None, r"A target must be one of .* got 'mine'.*targets=\["),
        ({"latency_ms": 1, "latency_ms@onnxruntime": 2}, None, "must have one bound for"),
        ({}, ["pytorch"], "must be a `netwright.Target`, got 'pytorch'"),
        ({}, PyTorch(), r"targets=...\)` must be a list"),
        ({}, [Mine(name="a@b")], "metric@target"),
    ],
)  # fmt: skip
def test_what_no_target_measures_is_refused(limits, targets, said) -> None:
    with pytest.raises(SettingError, match=said):
        asked((), limits_from(limits), targets)


# -- a whole run -----------------------------------------------------------------------------------


def train(model: nn.Module, epochs: int) -> dict[str, float]:
    size = sum(p.numel() for p in model.parameters())
    trained.append(size)
    return {"accuracy": math.tanh(size / 300)}


trained: list[int] = []


def test_a_target_of_ones_own_beside_ours_in_one_search(tmp_path) -> None:
    space = SPACES["conditional"]()
    sizes = sorted(space.survey(member).params for member in space.enumerate())
    bound = sizes[len(sizes) // 2] / 100
    trained.clear()
    run = nw.search(
        space, train, strategy="random", trials=6, baseline=2, finals=[(2, 2)], workers=0,
        objectives=[nw.maximize("accuracy"), nw.minimize("energy_mj@mine")],
        limits={"energy_mj@mine": bound, "latency_ms@pytorch": 1000.0},
        targets=[Mine()], store=tmp_path / "runs.db", run="a",
    )  # fmt: skip
    assert run.status == "done"
    assert trained and max(trained) <= 100 * bound < sizes[-1]
    for trial in run.record.history:
        assert trial.metrics["energy_mj@mine"] == trial.metrics["params"] / 100 <= bound
        assert trial.metrics["flash_kib@mine"] == trial.metrics["params"] / 256
        assert trial.metrics["latency_ms@pytorch"] > 0
    front = [(f.metrics["accuracy"], f.metrics["energy_mj@mine"]) for f in run.front]
    assert front == sorted(front)
    settings = run.record.settings
    assert [limit["metric"] for limit in settings["limits"]] == [
        "energy_mj@mine", "latency_ms@pytorch",
    ]  # fmt: skip
    assert settings["fingerprints"] == {
        "mine": "mine 1.0", "pytorch": PyTorch().fingerprint,
    }  # fmt: skip
    assert "energy on mine, mj" in run.report(tmp_path / "r.html").read_text(encoding="utf-8")


def test_two_settings_of_one_target_in_one_search(tmp_path) -> None:
    quick, slow = "latency_ms@pytorch(seconds=0.001)", "latency_ms@pytorch(seconds=0.002)"
    run = nw.search(
        SPACES["flat"](), lambda model, epochs: 0.5, trials=2, workers=0, strategy="random",
        limits={quick: 1e4, "latency_ms@pytorch(seconds=2e-3)": 1e4}, store=tmp_path / "runs.db",
    )  # fmt: skip
    assert {quick, slow} <= run.best.metrics.keys()
    assert [limit.metric for limit in run.record.limits] == [quick, slow]
    assert "seconds=0.001" in run.report(tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_plain_name_is_logged_with_its_target(tmp_path) -> None:
    run = nw.search(
        SPACES["flat"](), lambda model, epochs: 0.5, trials=1, workers=0, strategy="random",
        limits={"energy_mj": 1e6}, targets=[Mine()], store=tmp_path / "runs.db",
    )  # fmt: skip
    assert run.record.settings["limits"] == [{"metric": "energy_mj@mine", "bound": 1e6}]
    assert run.best.metrics["energy_mj@mine"] > 0


# -- limits in one place ---------------------------------------------------------------------------


class Counting(Mine):
    def prepare(self, module, signature, calibration=()):
        artifact = super().prepare(module, signature, calibration)
        prepared.append(len(artifact.content))
        return artifact


prepared: list[int] = []


def test_a_descent_measures_each_network_once_for_all_limits() -> None:
    space = SPACES["conditional"]()
    least = min(space.survey(member).params for member in space.enumerate())
    limits = limits_from({"energy_mj@mine": least / 100, "flash_kib@mine": least / 256})
    costs = Costs(space, limits, [Counting()])
    prepared.clear()
    costs.check_can_be_met()
    once = len(prepared)
    assert 0 < once <= sum(1 for _ in space.enumerate())
    costs.check_can_be_met()
    other = costs.with_limits(limits_from({"energy_mj@mine": 1e-3}))
    with pytest.raises(LimitError, match=f"energy_mj@mine <= 0.001 .* least .* is {least / 100}"):
        other.check_can_be_met()
    measured_now = len(prepared)
    with pytest.raises(LimitError):
        other.check_can_be_met()
    assert len(prepared) == measured_now
    assert len(prepared) <= sum(1 for _ in space.enumerate())


def test_search_looks_once_whether_limits_can_be_met(tmp_path, monkeypatch) -> None:
    looked = []
    check = Costs.check_can_be_met
    monkeypatch.setattr(Costs, "check_can_be_met", lambda c: (looked.append(c), check(c)))
    given = {"trials": 1, "workers": 0, "strategy": "random", "store": tmp_path / "runs.db"}
    nw.search(SPACES["flat"](), train, limits={"params": 1e6}, **given)
    assert len(looked) == 1
    with pytest.raises(LimitError, match="the least found"):
        nw.search(SPACES["flat"](), train, limits={"energy_mj": 1e-3}, targets=[Mine()], **given)


def test_networks_that_no_target_runs_are_said_to_be_so() -> None:
    class Refusing(Mine):
        def prepare(self, module, signature, calibration=()):
            raise RuntimeError("no such operator")

    costs = Costs(SPACES["flat"](), limits_from({"energy_mj@mine": 1.0}), [Refusing()])
    with pytest.raises(EvaluationError, match=r"on mine cannot be measured: .*no such operator"):
        costs.check_can_be_met()


def test_calibration_is_raw_training_examples(tmp_path) -> None:
    seen = []

    class Calibrated(Mine):
        def prepare(self, module, signature, calibration=()):
            seen.append((signature, calibration))
            return super().prepare(module, signature, calibration)

    data = nw.data.load("digits")

    def network(choose, inputs, outputs):
        width = choose.width("width", 4, 8, step=4)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    nw.search(
        nw.Space(network, data), nw.Training(data, epochs=1, full_epochs=1),
        strategy="random", trials=1, finals=[], refit=False, workers=0, targets=[Calibrated()],
        store=tmp_path / "runs.db",
    )  # fmt: skip
    signature, (examples,) = seen[0]
    assert signature.input.shape == (1, 8, 8)
    assert torch.equal(examples, data.train.x[: len(examples)])
    assert signature.input.torch_dtype == examples.dtype == torch.uint8
    assert len(examples) == 64

"""A network that is scored is the one that is handed back, or it is said what is lost, by name."""

import copy
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

import netwright as nw
from netwright.errors import EvaluationError, NetwrightError, SpaceError
from netwright.evaluate.kept import check_kept
from netwright.run.result import Run

OUTSIDE = nn.Linear(6, 6)
DRAWN = torch.randn(6, 6)


class Net(nn.Module):
    """A network with something `beside` its layers, which `use` computes with."""

    def __init__(self, beside: Callable[[nn.Module], None], use: Callable) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)
        self.use = use
        beside(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.use(self, x))


class ReadsOutside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x @ OUTSIDE.weight.to(x.device) @ DRAWN.to(x.device))


class Holder:
    def __init__(self) -> None:
        self.layer = nn.Linear(6, 6)


def hold(name: str, make: Callable[[], object]) -> Callable[[nn.Module], None]:
    return lambda net: setattr(net, name, make())


def linear() -> nn.Module:
    return nn.Linear(6, 6)


HIDDEN = {
    "layers in a list": (hold("a", lambda: [linear()]), lambda n, x: n.a[0](x), "nn.ModuleList"),
    "in a tuple": (hold("a", lambda: (linear(),)), lambda n, x: n.a[0](x), "nn.ModuleList"),
    "in a dict": (hold("a", lambda: {"b": linear()}), lambda n, x: n.a["b"](x), "nn.ModuleDict"),
    "in lists": (hold("a", lambda: [[linear()]]), lambda n, x: n.a[0][0](x), "nn.ModuleList"),
    "in an object": (hold("a", Holder), lambda n, x: n.a.layer(x), "in `self.a` itself"),
    "a tensor": (hold("a", lambda: torch.randn(6, 6)), lambda n, x: x @ n.a, "nn.Parameter"),
    "tensors": (hold("a", lambda: [torch.randn(6, 6)]), lambda n, x: x @ n.a[0], "nn.Parameter"),
    "a buffer": (
        lambda n: n.register_buffer("a", torch.randn(6, 6), persistent=False),
        lambda n, x: x @ n.a,
        "persistent=False",
    ),
}


def space_of(made: Callable[[], nn.Module]) -> nw.Space:
    def network(choose, inputs, outputs):
        choose.value("which", [1, 2])
        return made()

    return nw.Space(network, (6,), 3)


def memory() -> str:
    return f"memory://{secrets.token_hex(8)}"


def searched(space: nw.Space, train: Callable, **given) -> Run:
    given = {"strategy": "random", "trials": 1, "finals": [], "workers": 0, "targets": ()} | given
    return nw.search(space, train, **{"store": memory(), **given})


def changed(model: nn.Module, epochs: int) -> dict[str, float]:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5)
    return {"accuracy": 0.9}


@pytest.mark.parametrize("which", HIDDEN)
def test_what_is_drawn_and_not_kept_is_refused_before_a_training(which: str) -> None:
    beside, use, remedy = HIDDEN[which]
    trained = []
    with pytest.raises(SpaceError, match=r"`a` of Net") as error:
        searched(space_of(lambda: Net(beside, use)), lambda m, e: trained.append(e) or 0.5)
    assert remedy in str(error.value) and not trained


@pytest.mark.parametrize(
    ("beside", "use"),
    [
        (hold("a", lambda: torch.ones(6)), lambda n, x: x * n.a),
        (lambda n: n.register_buffer("a", torch.ones(6), persistent=False), lambda n, x: x * n.a),
        (lambda n: setattr(n, "a", [n.head]), lambda n, x: x),
        (lambda n: n.register_buffer("a", torch.randn(6, 6)), lambda n, x: x @ n.a),
        (lambda n: setattr(n, "a", nn.ModuleList([linear()])), lambda n, x: n.a[0](x)),
        (lambda n: setattr(n, "a", weight_norm(linear())), lambda n, x: n.a(x)),
    ],
    ids=["constant", "constant buffer", "its own layer", "kept", "ModuleList", "weight_norm"],
)
def test_what_is_kept_or_made_anew_is_trained(beside: Callable, use: Callable) -> None:
    space = space_of(lambda: Net(beside, use))
    check_kept(space)
    run = searched(space, changed)
    assert run.status == "done"
    assert [t.reason for t in run.record.history] == [""]


def test_what_only_training_changes_is_found_after_the_first() -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        model.a = model.a + 2.0
        return changed(model, epochs)

    space = space_of(lambda: Net(hold("a", lambda: torch.ones(6)), lambda n, x: x * n.a))
    with pytest.raises(EvaluationError, match=r"built anew.*`a` of Net is a plain tensor"):
        searched(space, train, trials=5)


def test_what_all_networks_share_may_be_read_and_not_trained() -> None:
    space = space_of(ReadsOutside)
    assert searched(space, changed).status == "done"

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        with torch.no_grad():
            OUTSIDE.weight.add_(1.0)
        return changed(model, epochs)

    with pytest.raises(EvaluationError, match=r"`OUTSIDE`, which ReadsOutside reads, is outside"):
        searched(space, train)


def replaced(model: nn.Module) -> None:
    model.head = nn.Linear(6, 3)


def larger(model: nn.Module) -> None:
    model.head = nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 3))


def other_shape(model: nn.Module) -> None:
    model.head = nn.Linear(6, 4)


def parametrized(model: nn.Module) -> None:
    weight_norm(model.head)


def with_a_buffer(model: nn.Module) -> None:
    model.register_buffer("seen", torch.ones(3))


def without(model: nn.Module) -> None:
    model.head.bias = None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (larger, r"holds `head.0.weight`, which the space does not build"),
        (other_shape, r"has `head.weight` of shape \(4, 6\) after its training.* builds \(3, 6\)"),
        (parametrized, "holds `head.parametrizations.weight.original0`"),
        (with_a_buffer, "holds `seen`"),
        (without, "lacks `head.bias`, which the space builds"),
    ],
)
def test_layers_that_training_changes_are_named(change: Callable, told: str) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        change(model)
        return changed(model, epochs)

    space = space_of(lambda: Net(lambda n: None, lambda n, x: x))
    with pytest.raises(EvaluationError, match=told):
        searched(space, train)


@pytest.mark.parametrize(
    "change",
    [
        replaced,
        lambda m: m.half(),
        lambda m: m.double(),
        lambda m: m.requires_grad_(False),
        lambda m: m.train(),
        copy.deepcopy,
    ],
    ids=["same layer", "half", "double", "frozen", "in train mode", "an EMA copy beside"],
)
def test_a_training_may_change_what_is_loaded_as_it_was_scored(change: Callable) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        change(model)
        return changed(model, epochs)

    run = searched(space_of(lambda: Net(lambda n: None, lambda n, x: x)), train)
    assert run.status == "done" and run.notes == []


class Compiled(nw.Evaluator):
    """Hands back a network in a wrapper, as `torch.compile` gives it."""

    epochs = full_epochs = 1

    def evaluate(self, candidate, budget, context):
        from netwright.evaluate.base import Result

        model = candidate.build()
        changed(model, 1)
        return Result({"accuracy": 0.5}, model=torch.compile(model))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_wrapper_is_taken_off() -> None:
    run = searched(space_of(lambda: Net(lambda n: None, lambda n, x: x)), Compiled())
    assert run.best.model().network.head.weight.shape == (3, 6)


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 3))


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: torch.optim.swa_utils.AveragedModel(m)]
)
def test_a_training_of_a_copy_ends_the_run(copied: Callable) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        return changed(copied(model), epochs)

    with pytest.raises(EvaluationError, match=r"unchanged, and made a copy of it.*load_state_dict"):
        searched(space_of(plain), train, trials=5)


def test_what_was_not_trained_is_handed_back_as_that(tmp_path: Path) -> None:
    claimed = {"accuracy": 0.8765432}
    run = searched(space_of(plain), lambda model, epochs: claimed, out=tmp_path / "out")
    assert run.status == "done" and run.notes[0].startswith("NOT TRAINED: the training left")
    card = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert "NOT TRAINED" in card and "0.8765" not in card and "87.65" not in card


def test_a_network_without_weights_is_no_copy() -> None:
    class Sums(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :3]

    run = searched(
        space_of(Sums), lambda m, e: copy.deepcopy(m) and {"accuracy": 0.9}, rehearse=False
    )
    assert [t.reason for t in run.record.history] == [""]


def test_networks_of_training_are_compared_on_its_data() -> None:
    y = torch.arange(60) % 3
    data = nw.data.load((torch.rand(60, 6), y))
    run = searched(space_of(plain), nw.Training(data, epochs=1, full_epochs=1), refit=True)
    assert run.status == "done" and all(not t.reason for t in run.record.history)


def test_in_workers_too(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        return changed(copy.deepcopy(model), epochs)

    with pytest.raises(NetwrightError, match="unchanged"):
        searched(space_of(plain), train, trials=5, workers=2, store=tmp_path / "runs.db")

"""What every ready space must do: build, train a step, be drawn and be exported."""

import os

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from netwright import spaces
from netwright.drawing.files import draw_svg
from netwright.drawing.sketch import sketch
from netwright.export import Card, export
from netwright.export.source.source import model_source
from netwright.network.normalised import Deployment
from netwright.testing.spaces import READY

DEAR = ("nasnet", "pnas", "enas_micro")  # large, with cells such as those of darts
MANY = int(os.environ.get("NETWRIGHT_TEST_MEMBERS", "50"))  # 500 take half an hour


def test_every_ready_space_is_here():
    assert set(READY) == set(spaces.__all__)


def trains_a_step(space, model):
    (x,) = space.example(np.random.default_rng(0), 4)
    logits = model.train()(x)
    assert logits.shape == (4, space.outputs)
    loss = nn.functional.cross_entropy(logits, torch.arange(4) % space.outputs)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(g.isfinite().all() for g in gradients)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
    assert model.eval()(x).isfinite().all()


def is_written_as_source(space, model, folder):
    model.eval()
    text = model_source(model, space.signature, docstring="A network.")
    save_file(dict(model.state_dict()), folder / "model.safetensors")
    (folder / "model.py").write_text(text)
    made = {"__file__": str(folder / "model.py"), "__name__": "model"}
    exec(compile(text, "model.py", "exec"), made)
    (x,) = space.example(np.random.default_rng(1), 3)
    with torch.no_grad():
        assert torch.allclose(made["load"](folder / "model.safetensors")(x), model(x), atol=1e-5)


def check_members(name, count, folder):
    space = READY[name]()
    rng = np.random.default_rng(0)
    for number in range(count):
        member = space.sample(rng)
        model = space.build(member, seed=number)
        trains_a_step(space, model)
        is_written_as_source(space, model, folder)
        assert draw_svg(sketch(model, space.signature)).startswith("<svg")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.thorough] if n in DEAR else []) for n in READY]
)
def test_members_build_train_draw_and_export(name, tmp_path):
    check_members(name, 3, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", READY)
def test_many_members_build_train_draw_and_export(name, tmp_path):
    check_members(name, MANY, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", READY)
def test_a_member_is_exported_in_every_form(name, tmp_path):
    space = READY[name]()
    model = space.build(space.sample(np.random.default_rng(3)), seed=0).eval()
    deployment = Deployment(space.signature)
    made = export(
        deployment.raw(model), tmp_path / "out", signature=deployment.signature, card=Card(name)
    )
    assert set(made.checks) == {"model.py", "model.pt2", "model.onnx"} and not made.notes
    assert all(check["largest_difference"] < 1e-4 for check in made.checks.values())

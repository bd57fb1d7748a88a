"""model.py: parity with the network it was written from, and what a reader sees."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from netwright import spaces
from netwright.errors import ExportError
from netwright.export import model_source
from netwright.network.normalised import Deployment, Standardise
from netwright.network.signature import Signature


def takes(*inputs: int) -> Signature:
    return Signature.single(inputs, (2,))


def reloaded(model: nn.Module, inputs, folder: Path) -> nn.Module:
    """The network of the written source, with the weights read back by its own `load`."""
    (folder / "model.py").write_text(model_source(model, takes(*inputs)), encoding="utf-8")
    save_file(
        {k: v.detach().contiguous().clone() for k, v in model.state_dict().items()},
        folder / "model.safetensors",
    )
    spec = importlib.util.spec_from_file_location("written", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def assert_parity(model: nn.Module, inputs, folder: Path, *given: Tensor) -> None:
    for module in model.modules():  # statistics that are not those of a fresh network
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    model.eval()
    x = given[0] if given else torch.randn(5, *inputs)
    with torch.no_grad():
        assert (reloaded(model, inputs, folder)(x) - model(x)).abs().max() < 1e-5


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mix = nn.MultiheadAttention(width, heads, batch_first=True)
        self.scale = nn.Parameter(torch.randn(width))
        self.register_buffer("shift", torch.randn(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        y, _ = self.mix(y, y, y, need_weights=False)
        return x + self.scale * y + self.shift


class Sequence(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.blocks = nn.ModuleList(Attention(16, heads) for heads in (2, 4))
        self.rnn = nn.GRU(16, 8, batch_first=True, bidirectional=True)
        self.heads = nn.ModuleDict({"a": nn.Linear(16, 3), "b": nn.Linear(16, 3)})

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.gelu(self.embed(x))
        for block in self.blocks:
            x = block(x)
        states, _ = self.rnn(x)
        last = states[:, -1]
        return self.heads["a"](last) - 2 * self.heads["b"](last).tanh()


class Pyramid(nn.Module):
    """Many uses of one value, reused names, in-place activations, functions and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.side = nn.Conv2d(3, 8, 1, stride=2)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(24, 4)

    def forward(self, x: Tensor) -> Tensor:
        a = self.act(self.down(x))
        b = torch.sigmoid(self.side(x)) * a
        x = torch.cat([a, b, (a - b) ** 2], dim=1)
        x = nn.functional.avg_pool2d(x, 2)
        x = x.mean(dim=(2, 3)) / (1 + x.flatten(1).std(1, keepdim=True))
        return self.head(x)


def test_parity_of_every_kind_of_convnet(tmp_path: Path) -> None:
    space = spaces.convnet((1, 14, 14), 10)
    rng = np.random.default_rng(0)
    for _ in range(12):
        assert_parity(space.build(space.sample(rng), seed=0), (1, 14, 14), tmp_path)


def test_parity_of_mlps(tmp_path: Path) -> None:
    space = spaces.mlp((7,), 3)
    rng = np.random.default_rng(0)
    for _ in range(6):
        assert_parity(space.build(space.sample(rng), seed=0), (7,), tmp_path)


def test_parity_of_own_modules(tmp_path: Path) -> None:
    assert_parity(Sequence(), (5, 6), tmp_path)
    assert_parity(Pyramid(), (3, 16, 16), tmp_path)
    assert_parity(nn.Linear(4, 2), (4,), tmp_path)


def test_tied_weights_stay_tied(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.second(torch.relu(self.first(x)))

    model = Tied().eval()
    assert_parity(model, (4,), tmp_path)
    made = reloaded(model, (4,), tmp_path)
    assert made.second.weight is made.first.weight


def test_classes_that_differ_in_numbers_are_one_with_parameters() -> None:
    model = nn.Sequential(*(Attention(8, heads) for heads in (1, 2, 4, 8)))
    source = model_source(model, takes(5, 8))
    assert source.count("class Attention") == 1
    assert "def __init__(self, num_heads):" in source
    assert source.count("Attention(num_heads=") == 4


def test_the_source_needs_torch_alone_and_is_tidy(tmp_path: Path) -> None:
    space = spaces.convnet((1, 14, 14), 10)
    rng = np.random.default_rng(1)
    models = [(space.build(space.sample(rng), seed=0), (1, 14, 14)) for _ in range(6)]
    models += [(Sequence(), (5, 6)), (Pyramid(), (3, 16, 16))]
    for i, (model, inputs) in enumerate(models):
        channels = torch.ones(inputs[0], 1, 1)
        deployment = Deployment(takes(*inputs), Standardise(0 * channels, channels))
        source = model_source(deployment.raw(model), deployment.signature, docstring="A network.")
        (tmp_path / f"m{i}.py").write_text(source)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                assert {a.name for a in node.names} <= {"json", "torch"}
            elif isinstance(node, ast.ImportFrom):
                assert node.module in {"collections", "pathlib", "torch", "torch.nn"}
    for call in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *call, "--isolated", "--line-length", "100", tmp_path],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_normalisation_is_inside(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
    mean, std = torch.full((1, 1, 1), 100.0), torch.full((1, 1, 1), 50.0)
    deployment = Deployment(takes(1, 2, 2), Standardise(mean, std))
    made = reloaded(deployment.raw(model), (1, 2, 2), tmp_path)
    x = torch.randint(0, 256, (3, 1, 2, 2), dtype=torch.uint8)
    assert torch.allclose(made(x), model((x.float() - mean) / std), atol=1e-6)


def test_cut_off_weights_are_said(tmp_path: Path) -> None:
    reloaded(nn.Sequential(nn.Linear(50, 50)), (50,), tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    spec = importlib.util.spec_from_file_location("written", tmp_path / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(ValueError, match="cut off"):
        module.load()


def test_what_cannot_be_written_is_named() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    class Holding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.randn(100)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.table

    with pytest.raises(ExportError, match=r"1 \(.*Branching\) cannot be traced"):
        model_source(nn.Sequential(nn.Linear(2, 2), Branching()), takes(2))
    with pytest.raises(ExportError, match="'table' of 0 holds 100 values"):
        model_source(nn.Sequential(Holding()), takes(100))


class Block(nn.Sequential):
    """Convolution and activation."""

    def __init__(self, before: int, after: int, kernel: int = 3) -> None:
        conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(after, affine=False), nn.ReLU(inplace=True))


class Twice(Block):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Corners(nn.Module):
    """Shared children, odd names, functions, precedence, defaults."""

    def __init__(self) -> None:
        super().__init__()
        act, conv = nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)
        self.stem = Block(1, 8)
        self.rest = nn.Sequential(conv, act, conv, act, Twice(8, 8, 5))
        self.again = self.rest
        self.edges = nn.ModuleDict({"3x3": nn.Conv2d(8, 8, 3, padding=1), "none": nn.Identity()})
        self.down = None
        self.alpha = nn.Parameter(torch.ones(2))
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("nothing", torch.empty(0, dtype=torch.int64))
        self.pool = nn.AdaptiveAvgPool2d((2, 2))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.rest(self.stem(x))
        identity = x
        x = self.again(x)
        w = self.alpha.softmax(0)
        x = w[0] * self.edges["3x3"](x) + w[1] * self.edges["none"](x)
        x += identity
        if mask is not None:
            x = x * mask
        b, c, height, _ = x.shape
        y = x.reshape(b, c, height * height).mean(-1) / self.count
        x = nn.functional.max_pool2d(x, 2) * (-2) ** 2 - (x.mean() - (1 - x.amax())) ** 2
        x = -(x**2) / (2 * x.abs().pow(0.5) + 1) * y[:, :, None, None]
        x = nn.functional.dropout(torch.where(x > 0, x, 0.1 * x), 0.5, self.training)
        return self.head(self.pool(x).flatten(1))


def test_parity_of_corners(tmp_path: Path) -> None:
    model = Corners()
    assert_parity(model, (1, 14, 14), tmp_path)
    made = reloaded(model, (1, 14, 14), tmp_path)
    assert made.again is made.rest
    assert made.rest[2].weight is made.rest[0].weight


class Narrow(nn.Module):
    """A layer of some dtype between two of float32."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.first = nn.Linear(4, 6)
        self.inner = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 6)).to(dtype)
        self.last = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inner(self.first(x).to(self.dtype)).float())


def test_layers_keep_their_dtypes(tmp_path: Path) -> None:
    both = nn.Sequential(nn.Linear(4, 4), Narrow(torch.bfloat16), nn.Linear(2, 4))
    both.append(Narrow(torch.float64))  # the same class but for the dtype
    for model in (both, Narrow(torch.float16), nn.Linear(4, 2, dtype=torch.float64)):
        given = torch.randn(5, 4, dtype=next(model.parameters()).dtype)
        assert_parity(model, (4,), tmp_path, given)
    written = model_source(both, takes(4))
    assert "nn.Linear(6, 6).to(torch.bfloat16)" in written and written.count("nn.Linear(4, 4)") == 1


def test_the_source_reads_as_it_was_written() -> None:
    source = model_source(Corners(), takes(1, 14, 14))
    for line in (
        "class Block(nn.Sequential):",
        '"""Convolution and activation."""',
        "b, c, height, _ = x.shape",
        "identity = x",
        "y2 = (x.mean() - (1 - x.amax())) ** 2",
        "x = F.max_pool2d(x, 2) * 4 - y2",
        "x = -x**2 / (2 * x.abs().pow(0.5) + 1) * y[:, :, None, None]",
        'self.edges["3x3"](x)',
        "def forward(self, x):",
    ):
        assert line in source
    assert "mask" not in source


def test_a_residual_block_is_one_class_of_its_sizes() -> None:
    class Residual(nn.Module):
        def __init__(self, width: int, wide: int, kernel: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(width, wide, kernel, padding=kernel // 2), nn.Conv2d(wide, width, 1)
            )
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.act(x + self.body(x))

    source = model_source(nn.Sequential(Residual(4, 8, 3), Residual(4, 6, 5)), takes(4, 8, 8))
    assert source.count("class Residual") == 1
    assert "def __init__(self, hidden_channels, kernel_size):" in source
    assert "nn.Conv2d(4, hidden_channels, kernel_size, padding=kernel_size // 2)" in source
    assert "return self.act(x + self.body(x))" in source
    assert "Residual(6, kernel_size=5)" in source


def test_a_tensor_changed_in_place_unseen_is_refused() -> None:
    class InPlace(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            y.add_(1)
            return y

    with pytest.raises(ExportError, match=r"write `\.add\(\)`"):
        model_source(InPlace(), takes(3))

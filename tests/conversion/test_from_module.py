import copy
import warnings

import cloudpickle
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netwright as nw
from gpt import GPT
from gpt import searchable as searchable_gpt
from mobilenet_v2 import MobileNetV2
from mobilenet_v2 import searchable as searchable_mobilenet
from netwright.errors import SettingError, SpaceError
from netwright.supernet import Supernet
from resnet18 import BasicBlock, ResNet18
from resnet18 import searchable as searchable_resnet


def trained(model, seed=0):
    """The model with weights and statistics other than the first, as training leaves them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.1, generator=generator)
    return model.eval()


# -- small networks, each with one way of coupling channels -------------------------------------


class Concatenated(nn.Module):
    """Dense connections, arXiv:1608.06993, of 1-D convolutions, and a flattened end."""

    def __init__(self):
        super().__init__()
        self.stem, self.one = nn.Conv1d(6, 8, 3, padding=1), nn.Conv1d(8, 12, 5, padding=2)
        self.two, self.norm = nn.Conv1d(20, 4, 1), nn.BatchNorm1d(24)
        self.head = nn.Linear(24 * 8, 3)

    def forward(self, x):
        x = self.stem(x).relu()
        y = torch.cat([x, self.one(x).relu()], 1)
        z = self.norm(torch.cat([y, self.two(y)], 1))
        return self.head(z.flatten(1))


class Grouped(nn.Module):
    """Grouped convolutions, GroupNorm and PReLU."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, groups=4)
        self.norm, self.act = nn.GroupNorm(8, 32), nn.PReLU(32)
        self.deep = nn.Conv2d(32, 64, 3, groups=32)
        self.head = nn.Linear(64, 4)

    def forward(self, x):
        return self.head(self.deep(self.act(self.norm(self.conv(self.stem(x))))).amax((2, 3)))


class Excited(nn.Module):
    """Squeeze-and-excitation, arXiv:1709.01507, and a learned scale."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner = nn.Conv2d(3, 12, 3), nn.Linear(12, 8)
        self.outer, self.scale = nn.Linear(8, 12), nn.Parameter(torch.linspace(0.5, 1.5, 12))
        self.register_buffer("shift", torch.linspace(0, 1, 12)[:, None, None])
        self.up, self.head = nn.ConvTranspose2d(12, 10, 2, 2), nn.Conv2d(10, 3, 1)

    def forward(self, x):
        x = self.stem(x) + self.shift
        gate = torch.sigmoid(self.outer(F.silu(self.inner(x.mean((2, 3))))))
        x = x * gate[:, :, None, None] * self.scale.view(1, -1, 1, 1)
        return self.head(self.up(x)).mean((2, 3))


class Vision(nn.Module):
    """A transformer with a class token and torch's own attention, arXiv:2010.11929."""

    def __init__(self, width=16):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.place = nn.Parameter(torch.randn(1, 5, width))
        self.layer = nn.TransformerEncoderLayer(width, 2, 32, batch_first=True, norm_first=True)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        return self.head(self.layer(x)[:, 0])


class Twice(nn.Module):
    """One layer in two places, and a layer that nothing uses."""

    def __init__(self):
        super().__init__()
        self.stem, self.layer, self.unused = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(6, 9)
        self.act, self.head = nn.ReLU(), nn.Linear(8, 3)

    def forward(self, x):
        x = self.layer(self.act(self.layer(self.stem(x))))
        return self.head(x)


class Shuffled(nn.Module):
    """Channels that are split by `view`, and a width written into the code."""

    def __init__(self):
        super().__init__()
        self.stem, self.mid = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 12, 1)
        self.last, self.head = nn.Conv2d(12, 16, 1), nn.Linear(16, 3)

    def forward(self, x):
        b, c, h, w = (x := self.stem(x)).shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)
        return self.head(self.last(self.mid(x).relu()).mean((2, 3)).view(-1, 16))


class Mixer(nn.Module):
    """Layers across places, arXiv:2105.01601, and a gated unit."""

    def __init__(self):
        super().__init__()
        self.embed, self.tokens = nn.Linear(8, 12), nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 6))
        self.norm, self.gate = nn.LayerNorm(12), nn.Linear(12, 20)
        self.head = nn.Linear(10, 3)

    def forward(self, x):
        x = self.embed(x)
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return self.head(F.glu(self.gate(x)).mean(1))


SMALL = {
    Concatenated: (6, 8),
    Grouped: (3, 8, 8),
    Excited: (3, 6, 6),
    Vision: (3, 8, 8),
    Twice: (6,),
    Shuffled: (3, 4, 4),
    Mixer: (6, 8),
}


def spaced(cls, shape):
    torch.manual_seed(0)
    model = trained(cls())
    return model, nw.convert(model, torch.randn(2, *shape))


def full(space, **changed):
    """The model's own answers, with these changed."""
    own = {name: choice.options[-1] for name, choice in space.choices.items()}
    return space.architecture({**own, **changed})


def least(space):
    """The smallest member that has the model's activations."""
    answers = {
        name: choice.options[-1 if name.startswith("activation") else 0]
        for name, choice in space.choices.items()
    }
    return space.architecture(answers)


def params(model):
    return sum(p.numel() for p in model.parameters())


def reasons(space):
    return {(name, reason.partition(":")[0]): reason for name, reason in space.kept}


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    model = trained(ResNet18(10))
    return model, nw.convert(model, torch.randn(1, 3, 32, 32))


@pytest.fixture(scope="module")
def mobilenet():
    torch.manual_seed(0)
    model = trained(MobileNetV2(10))
    return model, nw.convert(model, torch.randn(1, 3, 32, 32))


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(0)
    model = GPT().eval()
    return model, nw.convert(model, torch.zeros(1, 16, dtype=torch.long), tokens=50)


@pytest.fixture(params=["resnet", "mobilenet", "gpt"])
def converted(request):
    return request.getfixturevalue(request.param)


def test_the_networks_are_those_of_their_papers():
    with torch.device("meta"):
        assert params(ResNet18()) == 11_689_512
        assert params(MobileNetV2()) == 3_504_872


@pytest.mark.parametrize(
    ("searchable", "given", "members"),
    [
        (searchable_resnet, ((1, 3, 32, 32), 10), 516_096_000),
        (searchable_mobilenet, ((1, 3, 32, 32), 10), 10**16),
        (searchable_gpt, (), 337),
    ],
)
def test_the_examples_of_the_docs_are_large_spaces(searchable, given, members):
    space = searchable(*given)
    assert space.count() >= members
    rng = np.random.default_rng(0)
    small = space.build(space.smallest()).eval()
    assert small(*space.example(rng)).shape == (2, space.outputs)
    assert params(small) < params(space.build(space.largest())) / 2


def test_the_full_member_is_the_model_and_others_run(converted):
    model, space = converted
    before = copy.deepcopy(model.state_dict())
    (x,) = space.example(np.random.default_rng(1), 3)
    whole = space.build(space.largest(), seed=1).eval()
    with torch.no_grad():
        assert whole(x).equal(model(x))
    assert type(whole) is type(model) and not {*whole.parameters()} & {*model.parameters()}
    assert full(space) == space.largest()
    rng = np.random.default_rng(0)
    for _ in range(20):
        member = space.sample(rng)
        network = space.build(member)
        with torch.no_grad():
            out = network.eval()(x)
        assert out.shape == (3, space.outputs) and out.isfinite().all()
        assert space.contains(member) and space.contains(space.mutate(member, rng))
        assert space.build(member, seed=5).eval()(x).equal(out)  # inherited, whatever the seed
    assert space.count() > 100 and space.encode([member]).sum() == len(member.answers)
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())


def test_params_fall_with_every_width(converted):
    model, space = converted
    assert params(space.build(full(space))) == params(model)
    for name, choice in space.choices.items():
        if not name.endswith(".width"):
            continue
        sizes = [params(space.build(full(space, **{name: n}))) for n in choice.options]
        assert sizes == sorted(set(sizes)) and len(sizes) == 4


def test_a_residual_stage_of_resnet_has_one_width(resnet):
    model, space = resnet
    network = space.build(full(space, **{"layer2.0.conv2.width": 64, "layer2.1.conv1.width": 32}))
    one, two = network.layer2
    assert one.conv2.out_channels == one.downsample[0].out_channels == two.conv2.out_channels == 64
    assert two.conv1.in_channels == network.layer3[0].downsample[0].in_channels == 64
    assert (one.conv1.out_channels, two.conv1.out_channels) == (128, 32)
    assert one.bn2.num_features == len(one.downsample[1].running_mean) == 64
    assert network.layer3[0].conv1.weight.shape == (256, 64, 3, 3)
    stem = space.build(full(space, **{"conv1.width": 16}))
    assert stem.conv1.out_channels == stem.layer1[1].conv2.out_channels == 16
    widths = [name for name in space.choices if name.endswith("width")]
    assert len(widths) == 1 + 3 * 2 + 2 + 3  # the stem's, two a stage, and inside of its blocks
    assert {name for name, _ in space.kept} == {"layer2.0", "layer3.0", "layer4.0", "fc"}


def test_the_channels_with_the_largest_norm_are_kept_in_order(resnet):
    model, space = resnet
    name = "layer1.0.conv1.width"
    network = space.build(full(space, **{name: 16}))
    norm = model.layer1[0].conv1.weight.abs().sum((1, 2, 3))
    kept = norm.argsort(descending=True)[:16].sort().values
    assert network.layer1[0].conv1.weight.equal(model.layer1[0].conv1.weight[kept])
    assert network.layer1[0].conv2.weight.equal(model.layer1[0].conv2.weight[:, kept])
    assert network.layer1[0].bn1.running_var.equal(model.layer1[0].bn1.running_var[kept])


def test_blocks_kernels_and_activations_of_resnet(resnet):
    model, space = resnet
    answers = {"layer1.0.depth": 1, "layer3.1.block": "drop", "conv1.kernel": 3}
    member = full(space, **answers, **{"activation.relu": "silu"})
    network = space.build(member)
    assert type(network.layer1[1]) is type(network.layer3[1]) is nn.Identity
    assert type(network.layer1[0]) is BasicBlock and type(network.layer1[0].relu) is nn.SiLU
    assert (network.conv1.kernel_size, network.conv1.padding) == ((3, 3), (1, 1))
    assert network.conv1.weight.equal(model.conv1.weight[..., 2:5, 2:5])
    assert "layer3.1.conv1.width" not in member.answers  # what is gone has no choices
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_a_depthwise_convolution_of_mobilenet_follows(mobilenet):
    model, space = mobilenet
    network = space.build(full(space, **{"features.4.conv.0.width": 48}))
    expand, depthwise, project = (network.features[4].conv[i] for i in (0, 3, 6))
    assert expand.out_channels == 48 == project.in_channels
    assert (depthwise.in_channels, depthwise.out_channels, depthwise.groups) == (48, 48, 48)
    assert {"features.7.depth", "features.5.block"} < {*space.choices}
    assert [str(kept) for kept in space.kept] == [
        "classifier.1: width: it gives the model's output"
    ]


def test_the_mlps_of_a_gpt_are_searched_and_its_attention_is_listed(gpt):
    model, space = gpt
    assert space.choices["blocks.0.depth"].options == (0, 1, 2, 3)
    network = space.build(full(space, **{"blocks.1.up.width": 32}))
    assert (network.blocks[1].up.out_features, network.blocks[1].down.in_features) == (32, 32)
    assert network.head.weight is network.token.weight  # tied weights stay tied
    kept = reasons(space)
    assert "`split`" in kept["blocks.0.attention.qkv", "width"]
    assert "too many values to unpack" in kept["blocks.0.attention.proj", "width"]
    assert {("token", "width"), ("place", "width"), ("head", "width")} < {*kept}
    listed = {name for name, _ in kept}
    assert not any(f"blocks.{i}.up" in listed for i in range(3))


@pytest.mark.parametrize("cls", SMALL)
def test_small_networks_are_followed(cls):
    model, space = spaced(cls, SMALL[cls])
    (x,) = space.example(np.random.default_rng(0))
    with torch.no_grad():
        assert space.build(space.largest()).eval()(x).equal(model(x))
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert space.build(space.sample(rng)).eval()(x).isfinite().all()
    shared = Supernet(space, seed=0).eval()
    assert torch.allclose(shared(x), model(x), atol=1e-5)
    for name, choice in space.choices.items():
        if name.endswith(".width"):
            assert params(space.build(full(space, **{name: choice.options[0]}))) < params(model)


def test_concatenated_and_flattened_channels_are_cut_in_their_places():
    model, space = spaced(Concatenated, SMALL[Concatenated])
    network = space.build(full(space, **{"one.width": 6}))
    kept = model.one.weight.abs().sum((1, 2)).argsort(descending=True)[:6].sort().values
    channels = torch.cat([torch.arange(8), 8 + kept, torch.arange(20, 24)])
    assert network.two.weight.equal(model.two.weight[:, channels[:-4]])
    assert network.norm.weight.equal(model.norm.weight[channels])
    assert network.head.weight.view(3, 18, 8).equal(model.head.weight.view(3, 24, 8)[:, channels])
    assert (network.two.in_channels, network.head.in_features) == (14, 18 * 8)


def test_groups_shrink_alike():
    model, space = spaced(Grouped, SMALL[Grouped])
    assert space.choices["stem.width"].options == (4, 8, 12, 16)
    network = space.build(full(space, **{"stem.width": 8, "conv.width": 16}))
    assert (network.conv.groups, network.conv.weight.shape) == (4, (16, 2, 3, 3))
    assert (network.norm.num_groups, network.norm.num_channels) == (8, 16)
    assert (network.deep.groups, network.deep.out_channels) == (16, 32)


def test_what_is_not_converted_is_listed_with_the_reason():
    shuffled = reasons(spaced(Shuffled, SMALL[Shuffled])[1])
    assert "`view` splits" in shuffled["stem", "width"]
    assert "members with less of it fail: RuntimeError" in shuffled["last", "width"]
    assert ("mid", "width") not in shuffled
    assert "does not use it" in reasons(spaced(Twice, SMALL[Twice])[1])["unused", "width"]
    mixer = reasons(spaced(Mixer, SMALL[Mixer])[1])
    assert "dimension of the data" in mixer["tokens.1", "width"]
    assert "`glu` is not followed" in mixer["gate", "width"]
    vision = reasons(spaced(Vision, SMALL[Vision])[1])
    assert "MultiheadAttention" in vision["layer.self_attn", "width"]
    assert "(4, 4) is not odd" in vision["patch", "kernel"]


def test_include_and_exclude_hold_for_all_that_is_inside(resnet):
    model, _ = resnet
    x = torch.randn(1, 3, 32, 32)
    space = nw.convert(model, x, include=["layer4.*"])
    assert [*space.choices] == [
        "layer4.0.conv1.width", "layer4.0.conv2.width", "activation.relu", "layer4.1.block",
        "layer4.1.conv1.width",
    ]  # fmt: skip
    kept = reasons(space)
    assert "not included" in kept["conv1", "width"] and "not included" in kept["conv1", "kernel"]
    assert kept["layer1.0", "depth"] == "depth: not included"
    assert type(space.build(full(space, **{"activation.relu": "gelu"})).layer3[0].relu) is nn.ReLU
    without = nw.convert(model, x, exclude=[BasicBlock, nn.ReLU], kernels=False)
    assert [*without.choices] == []
    partly = nw.convert(
        model, x, exclude=["layer2.1.conv2"], depths=False, activations=False, widths=[0.5]
    )
    assert "layer2.0.conv2.width" not in partly.choices
    assert partly.choices["layer2.1.conv1.width"].options == (64, 128)
    assert "which is excluded" in reasons(partly)["layer2.0.conv2", "width"]


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers, self.head = [nn.Linear(6, 8)], nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layers[0](x))


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.a(x)
        return self.b(-x if x.sum() > 0 else x)


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda f: f(Branching(), torch.ones(1, 6)), SpaceError, "without branches on the values"),
        (
            lambda f: f(nn.Conv2d(3, 4, 3), torch.ones(1, 3, 8, 8)),
            SpaceError,
            r"shape \(b, outputs",
        ),
        (
            lambda f: f(nn.Conv2d(1, 4, 3), torch.ones(1, 8, 8)),
            SpaceError,
            "a batch of what the mo",
        ),
        (lambda f: f(Listed(), torch.ones(1, 6)), SpaceError, "`layers` of Listed is a plain list"),
        (lambda f: f(Twice, torch.ones(1, 6)), SettingError, "must be given an nn.Module, got"),
        (lambda f: f(Twice(), torch.ones(6)), SettingError, r"a batch of examples .* got \(6,\)"),
        (lambda f: f(GPT(), torch.zeros(1, 16).long()), SettingError, r"give `tokens=\.\.\.`"),
        (lambda f: f(Twice(), torch.ones(1, 6), widths=[2]), SettingError, "between 0 and 1"),
        (lambda f: f(Twice(), torch.ones(1, 6), include="stem"), SettingError, "sequences of"),
        (lambda f: f(Twice(), torch.ones(1, 6), exclude=["stam"]), SettingError, "which none has"),
    ],
)
def test_what_cannot_be_converted_is_refused(call, error, part):
    with pytest.raises(error, match=part):
        call(nw.convert)


def test_nothing_is_written_or_warned(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, space = spaced(Twice, (6,))
        with pytest.raises(SpaceError):
            nw.convert(Branching(), torch.ones(1, 6))
        str(space), str(space.kept[0])
    assert capfd.readouterr() == ("", "")


def test_a_supernet_of_resnet_holds_the_model(resnet):
    model, space = resnet
    shared = Supernet(space, seed=0).eval()
    (x,) = space.example(np.random.default_rng(0))
    with torch.no_grad():
        assert torch.allclose(shared(x), model(x), atol=1e-5)
        shared.activate(space.sample(np.random.default_rng(0)))
        assert torch.allclose(shared(x), shared.extract(shared.architecture)(x), atol=1e-5)


def test_a_space_goes_to_workers(gpt):
    model, space = gpt
    sent = cloudpickle.loads(cloudpickle.dumps(space))
    (x,) = space.example(np.random.default_rng(0))
    member = space.sample(np.random.default_rng(0))
    assert sent.build(member).eval()(x).equal(space.build(member).eval()(x))
    assert sent.digest == space.digest and sent.kept == space.kept


class Answering(nn.Module):
    def __init__(self, gives):
        super().__init__()
        self.layer, self.head, self.gives = nn.Linear(6, 8), nn.Linear(8, 3), gives

    def forward(self, x):
        return self.gives(self.head(self.layer(x).relu()))


@pytest.mark.parametrize(
    ("gives", "got"),
    [
        (lambda x: {"logits": x}, "got a dict with the keys 'logits'. Wrap it in a module"),
        (lambda x: (x,), r"got a tuple of 1: \(2, 3\). Wrap it"),
        (lambda x: None, "got None"),
    ],
)
def test_a_model_that_gives_no_tensor_is_told_what_it_gives(gives, got):
    with pytest.raises(SpaceError, match=rf"Answering must give one tensor .* {got}"):
        nw.convert(Answering(gives), torch.rand(1, 6))

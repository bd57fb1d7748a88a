"""What relaxations make of logits, and the members that logits stand for."""

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.oneshot import (
    DARTS,
    GDAS,
    PCDARTS,
    PDARTS,
    SNAS,
    DARTSMinus,
    DrNAS,
    FairDARTS,
    ProxylessNAS,
    RobustDARTS,
)
from netwright.oneshot.logits import Logits
from netwright.oneshot.relaxations.gdas import gumbel
from netwright.oneshot.shared_scores import ignores_input
from netwright.supernet import Supernet
from netwright.testing.oneshot import begun
from netwright.testing.spaces import SPACES

LOGITS = torch.tensor([0.5, -1.0, 2.0, 0.0])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("make", [DARTS, GDAS, SNAS, DrNAS, ProxylessNAS])
def test_weights_sum_to_one(make) -> None:
    logits = LOGITS.clone().requires_grad_()
    made = make().weigh(logits, 0.5, generator())
    assert float(made.weights.detach().sum()) == pytest.approx(1.0, abs=1e-5)
    assert (made.weights.detach() >= 0).all()
    (gradient,) = torch.autograd.grad(made.weights[2], logits)
    assert gradient.any()


def test_gdas_runs_what_a_gumbel_softmax_draws() -> None:
    count = torch.zeros(4)
    source = generator()
    for _ in range(4000):
        made = GDAS().weigh(LOGITS, 1.0, source)
        assert made.weights.argmax() == made.running[0]
        assert sorted(made.weights.tolist()) == [0, 0, 0, 1]
        count[made.running[0]] += 1
    assert torch.allclose(count / 4000, LOGITS.softmax(0), atol=0.03)


def test_gdas_at_a_temperature_of_nearly_nothing_is_the_arg_max() -> None:
    """Of logits with noise; its soft weights, through which the gradient goes, are one-hot too."""
    noise = gumbel(LOGITS, generator(3))
    place = int((LOGITS.log_softmax(0) + noise).argmax())
    logits = LOGITS.clone().requires_grad_()
    made = GDAS(coldest=1e-4).weigh(logits, 1.0, generator(3))
    assert made.running == (place,)
    assert made.weights.tolist() == torch.eye(4)[place].tolist()
    sharp = SNAS(hottest=1.0, coldest=1e-4).weigh(LOGITS, 1.0, generator(3))
    assert torch.allclose(sharp.weights, torch.eye(4)[place])


def test_proxylessnas_compares_two_and_weights_learn_with_one() -> None:
    logits = LOGITS.clone().requires_grad_()
    made = ProxylessNAS().weigh(logits, 0.5, generator())
    assert len(made.running) == 2
    gains = torch.tensor([1.0, 2.0, 3.0, 4.0])  # of each option, were it to run
    (found,) = torch.autograd.grad((made.weights * gains).sum(), logits)
    i, j = made.running
    p = float(LOGITS[[i, j]].softmax(0)[0])
    slope = p * (1 - p) * float(gains[i] - gains[j])  # equation 4 of the paper, over two
    assert found[[i, j]].tolist() == pytest.approx([slope, -slope], abs=1e-6)
    assert not found[[k for k in range(4) if k not in (i, j)]].any()
    with torch.no_grad():
        assert len(ProxylessNAS().weigh(LOGITS, 0.5, generator()).running) == 1


def test_drnas_begins_with_the_uniform_distribution_and_is_anchored_to_it() -> None:
    draws = [DrNAS().weigh(torch.zeros(3), 0.0, source) for source in [generator()] * 2000]
    mean = torch.stack([d.weights for d in draws]).mean(0)
    assert torch.allclose(mean, torch.full((3,), 1 / 3), atol=0.02)
    assert float(DrNAS().penalty([torch.zeros(3)])) == 0.0
    assert float(DrNAS(anchor=1.0).penalty([torch.tensor([3.0, 4.0])])) == 5.0


def test_fair_darts_lets_options_grow_together_and_decides_them() -> None:
    weights = FairDARTS().weigh(torch.tensor([3.0, 3.0, -3.0]), 0.0, generator()).weights
    assert weights[:2].sum() > 1.8
    undecided = FairDARTS().penalty([torch.zeros(2)])
    decided = FairDARTS().penalty([torch.tensor([9.0, -9.0])])
    assert float(undecided) == 0.0
    assert float(decided) == pytest.approx(-10 * 0.25, abs=0.01)


def test_the_cell_of_darts_is_derived_by_the_rule_of_the_paper() -> None:
    """Of each node the two inputs whose best operations are the likeliest, with these."""
    shared = begun(DARTS, "darts")
    space, logits = shared.setting.space, shared.logits
    rng = np.random.default_rng(0)
    for value in logits.values.values():
        value.data = torch.from_numpy(rng.normal(size=len(value))).float()
    found = logits.best()
    for kind in ("normal", "reduction"):
        for node in range(4):
            edges = [logits.values[f"{kind}.node{node}.from{i}"] for i in range(node + 2)]
            strength = [float(e.detach().softmax(0).max()) for e in edges]
            best = sorted(sorted(range(node + 2), key=lambda i: -strength[i])[:2])
            assert found[f"{kind}.node{node}.inputs"] == tuple(best)
            for i in best:
                name = f"{kind}.node{node}.from{i}"
                place = int(edges[i].detach().argmax())
                assert found[name] == space.choices[name].options[place]


def test_logits_stand_for_members_also_where_rules_forbid_the_likeliest() -> None:
    shared = begun(DARTS, "nasbench101")
    space, logits = shared.setting.space, shared.logits
    for name, value in logits.values.items():
        value.data.zero_()
        if name.startswith("edge"):  # all edges at once are too many
            value.data[-1] = 0.5
    found = logits.best()
    assert space.contains(found)
    assert all(space.contains(logits.draw(np.random.default_rng(i))) for i in range(5))


def test_inputs_that_are_not_mixed_have_a_chance_for_each_option() -> None:
    space = SPACES["cells"]()
    logits = Logits(Supernet(space, seed=0))
    options = space.choices["feeds2"].options
    assert "feeds2" in logits.drawn
    assert len(options) == 6  # one or two of three
    for place, option in enumerate(options):
        logits.values["feeds2"].data.zero_()[place] = 50.0
        assert logits.best()["feeds2"] == option
        drawn = [logits.draw(np.random.default_rng(i)) for i in range(10)]
        assert {member["feeds2"] for member in drawn} == {option}


def test_entropy_falls_from_one_to_nothing() -> None:
    logits = begun(DARTS).logits
    assert logits.entropy() == pytest.approx(1.0)
    for value in logits.values.values():
        value.data[0] = 50.0
    assert logits.entropy() == pytest.approx(0.0, abs=1e-9)


def epochs(make, name="darts", count=2):
    shared = begun(make, name)
    for _ in range(count):
        shared.advance()
    return shared


def test_pc_darts_with_all_channels_and_no_edge_weights_is_darts() -> None:
    settings = {"epochs": 2, "batch": 24, "waiting": 0.0}
    plain = epochs(lambda: DARTS(**settings)).state()
    ours = epochs(lambda: PCDARTS(**settings, channel_parts=1, edge_normalization=False)).state()
    assert plain.keys() == ours.keys()
    assert all(torch.equal(value, ours[key]) for key, value in plain.items())


def test_pc_darts_trains_the_first_channels_and_lets_the_others_go_by() -> None:
    shared = begun(lambda: PCDARTS(epochs=2, waiting=0.0, channel_parts=2, weight_decay=0), "darts")
    assert shared.partial == 1.0
    net = shared.supernet
    before = {k: v.clone() for k, v in net.named_parameters()}
    assert shared.advance()["partial"] == 1.0
    moved = [
        (name, value - before[name])
        for name, value in net.named_parameters()
        if ".ways." in name and value.ndim == 4
    ]
    for name, change in moved:
        assert change[: len(change) // 2].any(), name
        assert not change[len(change) // 2 :].any(), name
    member = shared.candidates(np.random.default_rng(0), 1)[0]
    plain = shared.setting.space.build(member)
    shapes = [p.shape for p in net.extract(member).parameters()]
    assert shapes == [p.shape for p in plain.parameters()]


def test_pc_darts_takes_edges_by_their_weights_too() -> None:
    shared = begun(PCDARTS, "darts")
    name = "normal.node3.inputs"
    assert shared.logits.best().answers[name] == (0, 1)
    shared.logits.values[name].data[2:4] = 1.0
    assert shared.logits.best().answers[name] == (2, 3)


def test_darts_minus_adds_a_skip_that_fades() -> None:
    search, weights, skips = DARTSMinus(), torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.0, 1, 0])
    early, late = (search.with_skips(weights, skips, done, generator()) for done in (0.0, 1.0))
    assert early.tolist() == pytest.approx([0.5, 1.3, 0.2])
    assert late.tolist() == pytest.approx(weights.tolist())
    shared = begun(DARTSMinus)
    options = shared.setting.space.choices["edge01"].options
    assert [options[i] for i in shared._skips["edge01"].nonzero()] == ["skip_connect"]


def test_p_darts_takes_options_away_in_stages() -> None:
    shared = begun(lambda: PDARTS(epochs=3, waiting=0.0, batch=24))
    value = shared.logits.values["edge01"]
    running = []
    for place in range(3):
        value.data += torch.linspace(0, 1, 5)
        shared.advance()
        running.append(shared.relaxation.weigh(value, 1.0, generator()).running)
        if place == 0:
            assert running[0] == (0, 1, 2, 3, 4)
    assert running[1] == (2, 3, 4)
    assert running[2] == (3, 4)
    options = shared.setting.space.choices["edge01"].options
    assert shared.logits.best().answers["edge01"] in options[3:]


def test_p_darts_drops_skips_out_but_keeps_their_mean() -> None:
    search, weights, skips = PDARTS(dropped=0.5), torch.ones(2), torch.tensor([0.0, 1.0])
    source = generator()
    drawn = torch.stack([search.with_skips(weights, skips, 0.0, source) for _ in range(2000)])
    assert set(drawn[:, 1].tolist()) == {0.0, 2.0}
    assert drawn.mean(0).tolist() == pytest.approx([1.0, 1.0], abs=0.07)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PCDARTS(channel_parts=0), "PCDARTS\\(channel_parts=...\\)` must be"),
        (lambda: PDARTS(stages=1), "PDARTS\\(stages=...\\)` must be"),
        (lambda: PDARTS(left=0.0), "PDARTS\\(left=...\\)` must be"),
        (lambda: PDARTS(dropped="no"), "PDARTS\\(dropped=...\\)` must be"),
        (lambda: RobustDARTS(over=0), "RobustDARTS\\(over=...\\)` must be"),
    ],
)
def test_settings_of_their_own_are_checked(make, said) -> None:
    with pytest.raises(SettingError, match=said):
        make()


def test_a_network_that_reads_no_input_is_named_only_where_there_are_no_others() -> None:
    shared = begun(GDAS, "nasbench201")
    space = shared.setting.space
    cut = space.architecture(dict.fromkeys(space.choices, "none"))
    for value in shared.logits.values.values():
        value.data = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    assert shared.logits.best() == cut
    named = shared.candidates(np.random.default_rng(0), 12)
    assert len(named) == 12
    assert not any(ignores_input(shared, member) for member in named)
    assert ignores_input(shared, cut)
    for value in shared.logits.values.values():
        value.data *= 1000.0
    assert shared.candidates(np.random.default_rng(0), 12) == [cut]

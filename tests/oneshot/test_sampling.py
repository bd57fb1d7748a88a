"""Shared weights that are trained one member a step."""

from collections import Counter

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.errors import SettingError
from netwright.oneshot import ENAS, RandomSharing, SinglePath, shared_score
from netwright.oneshot.base import laid_out
from netwright.testing.oneshot import begun


def test_fair_sampling_trains_every_option_equally_often() -> None:
    shared = begun(lambda: SinglePath(fair=True))
    shared._rng = np.random.default_rng(0)
    drawn = [shared._next() for _ in range(10)]
    for name, choice in shared.setting.space.choices.items():
        counts = Counter(member[name] for member in drawn)
        assert set(counts.values()) == {10 // len(choice.options)}


def test_any_strategy_finds_members_by_shared_weights() -> None:
    shared = begun(lambda: SinglePath(finder=nw.Auto(), scored=12))
    shared.advance()
    found = shared.candidates(np.random.default_rng(0), 12)
    scores = [shared_score(shared, member) for member in found]
    assert len(found) == 12
    assert scores == sorted(scores, reverse=True)
    with pytest.raises(SettingError, match=r"`SinglePath\(finder=...\)` must be a Strategy"):
        SinglePath(finder="evolution")


def test_a_score_is_that_of_the_plain_network_with_statistics_of_its_own() -> None:
    shared = begun(lambda: RandomSharing(scored=2))
    shared.advance()
    member = shared.setting.space.sample(np.random.default_rng(3))
    data = shared.setting.data
    plain = shared.supernet.extract(member).train()
    for module in plain.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        plain(laid_out(data.normalise(data.train.x)))
        found = plain.eval()(laid_out(data.normalise(data.validation.x))).argmax(1)
    exact = float((found == data.validation.y).float().mean())
    assert shared_score(shared, member) == pytest.approx(exact)


def test_the_controller_of_enas_learns_what_is_rewarded() -> None:
    shared = begun(lambda: ENAS(rewards=1, controller=nw.REINFORCE(learning_rate=0.05)))
    rng = np.random.default_rng(0)

    def share() -> float:
        drawn = [shared._draw(rng) for _ in range(40)]
        return float(np.mean([m["edge01"] == "nor_conv_3x3" for m in drawn]))

    before = share()
    for _ in range(120):
        member = shared._draw(rng)
        shared._observe(member, float(member["edge01"] == "nor_conv_3x3"))
    assert before < 0.5
    assert share() > 0.8


@pytest.mark.parametrize("setting", [{"rewards": 0}, {"controller": nw.Auto()}])
def test_bad_settings_are_refused(setting) -> None:
    with pytest.raises(SettingError, match=rf"`ENAS\({next(iter(setting))}=...\)` must be"):
        ENAS(**setting)


def test_several_objectives_are_searched_by_nsga2_over_shared_weights() -> None:
    shared = begun(lambda: SinglePath(scored=30))
    shared.advance()
    objectives = (nw.maximize("accuracy"), nw.minimize("params"))
    object.__setattr__(shared.setting, "objectives", objectives)
    found = shared.candidates(np.random.default_rng(0), 30)
    gains = [(shared_score(shared, m), -shared.setting.costs.of(m)["params"]) for m in found]
    best = {g for g in gains if not any(a >= g[0] and b >= g[1] for a, b in gains if (a, b) != g)}
    assert len(best) > 1
    assert set(gains[: len(best)]) == best

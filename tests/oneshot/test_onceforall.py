"""Once-for-all: what is open when, and who learns from whom."""

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.oneshot import OnceForAll
from netwright.testing.oneshot import begun


def opened(shared, epoch):
    shared.epoch = epoch
    return shared._open()


def test_kernels_then_depths_then_widths_become_elastic_the_larger_ones_first() -> None:
    shared = begun(lambda: OnceForAll(epochs=20, largest=0.2), "mobilenet_v3")
    choices = shared.setting.space.choices
    of = {kind: [n for n, c in choices.items() if c.kind == kind] for kind in ("value", "repeat")}
    assert all(len(options) == 1 for options in opened(shared, 3).values())
    largest = shared.setting.space.largest().answers
    assert all(
        options[-1] == largest[n] for n, options in opened(shared, 3).items() if n in largest
    )
    second = opened(shared, 4)
    assert all(second[n] == choices[n].options for n in of["value"])
    assert all(len(second[n]) == 1 for n in of["repeat"])
    half = next(e for e in range(20) if any(len(opened(shared, e)[n]) > 1 for n in of["repeat"]))
    name = of["repeat"][0]
    options = choices[name].options
    assert opened(shared, half)[name] == options[len(options) // 2 :]
    assert opened(shared, 19) == {n: c.options for n, c in choices.items()}


def test_without_progress_everything_is_elastic_behind_the_largest() -> None:
    make = lambda: OnceForAll(epochs=20, largest=0.2, progressive=False)  # noqa: E731
    shared = begun(make, "mobilenet_v3")
    choices = shared.setting.space.choices
    assert all(len(options) == 1 for options in opened(shared, 3).values())
    assert opened(shared, 4) == {n: c.options for n, c in choices.items()}


def test_a_step_trains_the_largest_the_smallest_and_random_ones() -> None:
    shared = begun(lambda: OnceForAll(epochs=4, largest=0.25, sampled=2, batch=24), "convnet")
    space, seen = shared.setting.space, []
    activate = shared.supernet.activate
    shared.supernet.activate = lambda member: (seen.append(member), activate(member))
    shared.advance()
    assert set(seen) == {space.largest()}
    shared.epoch = 3
    seen.clear()
    shared.advance()
    assert seen[0] == space.largest()
    assert seen[1] == space.smallest()
    assert len(seen) == 4 * shared.steps
    assert len(set(seen[2:4])) == 2


def test_the_smaller_ones_learn_what_the_largest_says() -> None:
    shared = begun(lambda: OnceForAll(epochs=2, largest=0.0, sampled=0, batch=24), "mlp")
    taught = []
    learn = shared._learn_from

    def kept(target, batch):
        with torch.no_grad():
            shared.supernet.activate(shared.setting.space.largest())
            said = shared.supernet(*batch.inputs).softmax(1)
        shared.supernet.activate(shared.setting.space.smallest())
        taught.append((target, said))
        learn(target, batch)

    shared._learn_from = kept
    shared.supernet.eval()
    shared._generator, shared._rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
    (batch,) = shared._some("train", 1)
    shared._step(0, batch, batch)
    ((target, said),) = taught
    assert torch.allclose(target, said, atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [{"largest": 1.0}, {"sampled": -1}, {"scored": 1}, {"finder": 1}, {"progressive": "no"}],
)
def test_bad_settings_are_refused(given) -> None:
    (name,) = given
    with pytest.raises(SettingError, match=rf"`OnceForAll\({name}=...\)` must be"):
        OnceForAll(**given)

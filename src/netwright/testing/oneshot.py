"""What every one-shot search must do, on spaces of every kind that can be shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from netwright.data import Augmentation, Data, load
from netwright.oneshot import Bilevel, OneShot, Setting, Shared, shared_metrics, shared_score
from netwright.testing.spaces import READY

MakeOneShot = Callable[[], OneShot]
SHARED = ("nasbench201", "nats_size", "forest")
"""Ready spaces of cells and of widths that are quick to share."""


def small_data(inputs: tuple[int, ...], outputs: int) -> Data:
    """Noise on a pattern for each class, for checks that take seconds."""
    rng = np.random.default_rng(0)
    y = np.arange(96) % outputs
    patterns = rng.normal(size=(outputs, *inputs))
    x = patterns[y] + 0.5 * rng.normal(size=(len(y), *inputs))
    return load((x.astype(np.float32), y), seed=0)


def begun(make: MakeOneShot, name: str = "nasbench201", seed: int = 0) -> Shared:
    """The state of a search on a ready space, before the first epoch."""
    space = READY[name]()
    data = small_data(space.inputs, space.outputs)
    return make().begin(Setting(space, data, Augmentation(), seed))


def in_double(shared: Bilevel) -> None:
    """Let a relaxation compute in double precision, with logits and random numbers of its own."""
    shared.supernet.double().train()
    for value in shared.logits.values.values():
        value.data = value.data.double()
        value.data += torch.linspace(-0.5, 0.5, len(value), dtype=torch.float64)
    outside_an_epoch(shared)


def outside_an_epoch(shared: Shared) -> None:
    """Let single steps be taken and batches be drawn, as if in an epoch."""
    shared.supernet.train()
    shared._generator = torch.Generator().manual_seed(0)
    shared._rng = np.random.default_rng(0)


def weights_are_learned(make: MakeOneShot, names: Sequence[str] = SHARED) -> None:
    """An epoch changes weights and the loss is a number, on spaces of several kinds."""
    for name in names:
        shared = begun(make, name)
        before = [p.detach().clone() for p in shared.supernet.parameters()]
        assert np.isfinite(shared.advance()["loss"]), name
        after = list(shared.supernet.parameters())
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)), name


def candidates_are_members(make: MakeOneShot, names: Sequence[str] = SHARED) -> None:
    """What is named is different members of the space, with a score from 0 to 1.

    Where there is no time one at least is named, and no more than one is scored.
    """
    for name in names:
        shared = begun(make, name)
        assert shared.candidates(np.random.default_rng(0), 3, lambda: False), name
        assert len(shared.scores) <= 1, name
        found = shared.candidates(np.random.default_rng(0), 3)
        assert len(found) == len(set(found)) == 3, name
        assert all(shared.setting.space.contains(each) for each in found), name
        assert 0 <= shared_score(shared, found[0]) <= 1, name


def scoring_leaves_no_trace(make: MakeOneShot) -> None:
    """A score changes no weight and no statistic, and is forgotten with other weights."""
    shared = begun(make)
    shared.advance()
    before = {k: v.clone() for k, v in shared.state().items()}
    member = shared.setting.space.smallest()
    assert shared.scores == {member: shared_metrics(shared, member)}
    assert all(torch.equal(v, before[k]) for k, v in shared.state().items())
    shared.load(before)
    assert not shared.scores


def goes_on_to_the_same_weights(make: MakeOneShot) -> None:
    """Two epochs are one, then another from what the first left on disk."""
    whole = begun(make)
    told = [whole.advance(), whole.advance()]
    first = begun(make)
    first.advance()
    kept = {k: v.clone() for k, v in first.state().items()}
    second = begun(make, seed=0)
    second.load(kept)
    assert second.epoch == 1
    assert second.advance() == told[1]
    state = whole.state()
    assert state.keys() == second.state().keys()
    assert all(torch.equal(v, state[k]) for k, v in second.state().items())
    rngs = [np.random.default_rng(1) for _ in range(2)]
    assert whole.candidates(rngs[0], 3) == second.candidates(rngs[1], 3)


def globals_are_left_alone(make: MakeOneShot) -> None:
    """The global generators stay as they were."""
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    shared = begun(make)
    shared.advance()
    shared.candidates(np.random.default_rng(0), 2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # type: ignore[index]


ONE_SHOT_CHECKS: tuple[Callable[[MakeOneShot], None], ...] = (
    weights_are_learned,
    candidates_are_members,
    scoring_leaves_no_trace,
    goes_on_to_the_same_weights,
    globals_are_left_alone,
)

"""Series: unequal lengths, gaps, channels, and the same answers from every form."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.utils.data import StackDataset

import netwright as nw
from netwright.data.series_data import SeriesData
from netwright.errors import DataError
from netwright.export import Card, export
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.reuse import open_exported
from netwright.spaces import conv1d
from netwright.spaces.names import default_space

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2


def unequal(channels: int = 2, count: int = 40) -> list[np.ndarray]:
    """Series of 10 to 30 steps whose second half has a level by the class."""
    found = []
    for row in range(count):
        steps = 10 + row * 7 % 21
        x = RNG.normal(size=(channels, steps))
        x[0, steps // 2 :] += 3 * (row % 2)
        found.append(x)
    return found


def series(x: object, **told: object) -> SeriesData:
    data = nw.data.from_arrays(x, Y, kind="series", **told)
    assert isinstance(data, SeriesData)
    return data


def test_unequal_lengths_are_open_and_masked() -> None:
    data = series(unequal())
    assert data.raw[0].shape == (2, None)
    assert data.raw[0].sizes == (2, 24)
    assert data.signature.input.shape == (3, None)
    assert default_space(data.signature, data) == "conv1d(masked=True)"
    items = StackDataset(unequal(), Y.tolist())
    assert nw.data.from_dataset(items, kind="series").raw == nw.data.load(items, kind="series").raw
    assert nw.data.from_dataset(items, kind="series").raw[0].shape == (2, None)
    (raw,), _ = data.train.batch(slice(0, 5))
    taken = data.normalise(raw)
    assert torch.equal(taken[:, 2] > 0, ~raw.isnan().all(1))
    assert bool((taken[:, :2][raw.isnan()] == 0).all())


def test_series_of_one_length_have_no_mask() -> None:
    data = series(RNG.normal(size=(40, 3, 12)) * 5 + 100)
    assert data.raw[0].shape == data.signature.input.shape == (3, 12)
    (raw,), _ = data.train.batch(slice(None))
    taken = data.normalise(raw)
    assert torch.allclose(taken.mean((0, 2)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(taken.std((0, 2)), torch.ones(3), atol=0.01)
    with pytest.raises(DataError, match=r"row 0 .* has 11 steps, but all .* have 12"):
        data.encode([np.zeros((3, 11))])


def test_a_gap_of_one_channel_has_a_mask_of_its_own() -> None:
    x = RNG.normal(size=(40, 3, 12))
    x[5, 1, 4] = np.nan
    data = series(x)
    assert (data.gaps, data.masked, data.length) == ((1,), True, 12)
    (encoded,) = data.encode(x[5:6])
    taken = data.normalise(encoded)[0]
    assert taken.shape == (5, 12)
    assert [int(v) for v in taken[3]] == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]
    assert bool((taken[4] == 1).all())


def test_nothing_is_lost_by_an_offset() -> None:
    x = RNG.normal(size=(40, 1, 12)) * 40
    data, far = series(x), series(x + 514_000_000)
    same = torch.allclose(data.normalise(data.train.x[0]), far.normalise(far.train.x[0]), atol=1e-4)
    assert same
    assert torch.allclose(far.encode(x + 514_000_000)[0], data.encode(x)[0], atol=10)


def test_odd_series_are_said() -> None:
    x = RNG.normal(size=(40, 2, 12))
    x[:, 1] = 7
    x[3] = np.nan
    said = " ".join(series(x).remarks)
    assert "channel '1' has the one value 7" in said
    assert "1 series have no value at all (row 3)" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.__setitem__(3, np.full((2, 11), np.inf)), "row 3 .* holds inf in channel 0"),
        (lambda x: x.__setitem__(3, np.zeros((3, 11))), "row 3 .* has 3 channels, but row 0 has 2"),
        (lambda x: x.__setitem__(3, np.array([["a"] * 11] * 2)), "row 3 .* must hold numbers"),
    ],
)
def test_what_is_no_series_is_named(change, message: str) -> None:
    x = unequal()
    change(x)
    with pytest.raises(DataError, match=message):
        series(x)


def test_times_first_are_told_to_be_turned() -> None:
    with pytest.raises(DataError, match=r"channels first: `\[x.T for x in X\]`"):
        series([x.T for x in unequal()])


def test_numbered_arrays_are_series(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    rows = {f"x{n}": x for n, x in enumerate(unequal(1))}
    np.savez(path, y=Y, **rows)
    data = nw.data.load(path)
    assert data.raw[0].shape == (1, None)
    assert "unequal lengths" in " ".join(data.remarks)
    del rows["x7"]
    np.savez(path, y=Y, **rows)
    with pytest.raises(DataError, match="must hold `x7`"):
        nw.data.load(path)


def test_an_answer_does_not_depend_on_the_batch() -> None:
    space = conv1d((2, 30), 2, width=8, masked=True)
    rng = np.random.default_rng(1)
    x = torch.randn(3, 2, 40)
    x[:, 1] = 1
    x[1, :, 23:] = x[2, :, 7:] = 0
    for _ in range(4):
        network = space.build(space.sample(rng), seed=0).eval()
        with torch.no_grad():
            whole = network(x)
            assert torch.allclose(whole[1], network(x[1:2, :, :23])[0], atol=1e-5)
            assert torch.allclose(whole[2], network(x[2:3, :, :7])[0], atol=1e-5)


def test_every_form_answers_series_alike(tmp_path: Path) -> None:
    rows = unequal()
    rows[2][1, 3:5] = np.nan  # a gap of one channel
    data = series(rows)
    space = conv1d((4, 30), 2, width=8, stages=2, most_depth=1, masked=True)
    assert data.signature.input.shape == space.signature.input.shape
    network = space.build(space.sample(np.random.default_rng(3)), seed=0).eval()
    signature = Signature(data.raw, data.task.outputs)
    deployment = Deployment(signature, data.normalise, data.train.x, 1, data.encoder)
    raw = deployment.raw(network)
    card = Card("A network for series", data=data.settings)
    made = export(
        *(raw, tmp_path / "out"),
        signature=signature,
        card=card,
        examples=data.train.x,
        task=data.task,
        encoder=data.encoder,
        fresh=False,
    )
    assert not made.notes
    asked = [*rows[:60], RNG.normal(size=(2, 90)), RNG.normal(size=(2, 4))]  # longer, and shorter
    (encoded,) = data.encode(asked)
    with torch.no_grad():
        wanted = raw(encoded)
        alone = torch.cat([raw(data.encode([row])[0]) for row in asked])
    assert torch.allclose(wanted, alone, atol=1e-5)
    program = torch.export.load(tmp_path / "out" / "model.pt2").module()
    assert torch.allclose(program(encoded), wanted, atol=1e-4)
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    assert np.allclose(session.run(None, {"input": encoded.numpy()})[0], wanted, atol=1e-4)
    exported = open_exported(tmp_path / "out")
    shares = exported.module.predict(asked)
    assert len(shares) == len(asked)
    assert torch.allclose(exported.outputs(exported.encode(asked))[0], wanted, atol=1e-4)

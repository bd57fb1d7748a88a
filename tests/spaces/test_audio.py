"""Sound in networks: features as numpy makes them, ends of recordings, masks, exported forms."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from test_text import exported, trained

from netwright.data import load
from netwright.data.sound_features import log_mel
from netwright.data.sound_features import mel_filters as numpy_filters
from netwright.data.split import Split
from netwright.evaluate.training import Training
from netwright.reuse import open_exported, predict
from netwright.reuse.again import read_again
from netwright.spaces import audio
from netwright.spaces.hearing import Crop, Mel, SpecAugment
from netwright.spaces.names import default_space
from tones import RATE, folder_of_tones, tone, tones, write

ANSWERS = {
    "mels": 32, "window_ms": 32, "hop_ms": 16, "root": 0.0, "even": True, "masked": "some",
    "activation": "relu", "stage0.width": 4, "stage0.depth": 1, "stage0.block0": "plain",
    "stage1.width": 8, "stage1.depth": 1, "stage1.block0": "separable", "dropout": 0.1,
    "bands": "each", "answer": "both", "statistics.width": 32, "statistics.dropped": 0.0,
    "crop_seconds": 1.5,
    "over_time": "attention", "pool": "mean_and_most", "learning_rate": 0.008,
    "weight_decay": 0.01, "label_smoothing": 0.0,
}  # fmt: skip


def test_features_are_those_of_a_fourier_transform() -> None:
    wave = np.random.default_rng(0).normal(size=1003) * 0.1
    filters = numpy_filters(RATE, 128, 24)
    wanted = log_mel(wave, 128, 40, filters)
    x = torch.stack([torch.from_numpy(wave).float(), torch.ones(len(wave))])[None]
    made = Mel(RATE, 128, 40, 24, 0.0, False)(x)
    assert made.shape == (1, 2, 24, 26) and (made[:, 1] == 1).all()
    np.testing.assert_allclose(made[0, 0].numpy(), wanted, atol=1e-3)


def test_features_are_the_same_in_training() -> None:
    """There they come from `torch.fft`, elsewhere from what every runtime has."""
    features = Mel(RATE, 128, 40, 24, 0.25, True)
    x = torch.stack([torch.randn(3, 1003) * 0.1, torch.ones(3, 1003)], 1)
    x[1, :, 700:] = 0
    torch.testing.assert_close(features.train()(x), features.eval()(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pool", ["mean_and_most", "weighed"])
@pytest.mark.parametrize("even", [True, False])
def test_an_answer_depends_on_its_recording_alone(pool: str, even: bool) -> None:
    space = audio((2, 1200), 3, rate=RATE, most_width=4, stages=2, most_depth=1)
    answers = {**ANSWERS, "pool": pool, "even": even}
    answers |= {"stage0.width": 4, "stage1.width": 8, "root": 0.25}
    model = space.build(space.architecture(answers), seed=0)
    x = torch.stack([torch.randn(3, 1201) * 0.1, torch.ones(3, 1201)], 1)
    x[1, :, 703:] = 0
    model.train()(x)
    model.eval()
    with torch.no_grad():
        whole = model(x)
        longer = model(torch.cat([x, torch.zeros(3, 2, 555)], 2))
        torch.testing.assert_close(longer, whole, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(model(x[1:2, :, :703]), whole[1:2], atol=1e-5, rtol=1e-4)
        silent = torch.cat([x[1:2, :, :703], torch.tensor([[[0.0], [1.0]]]).repeat(1, 1, 400)], 2)
        assert (model(silent) - whole[1:2]).abs().max() > 1e-4  # silence is heard
        assert model(torch.zeros(2, 2, 1)).isfinite().all()


def test_masks_are_drawn_in_training_alone() -> None:
    x = torch.ones(8, 2, 20, 50)
    layer = SpecAugment(0.25, 0.3)
    torch.manual_seed(3)
    first = layer(x)
    torch.manual_seed(3)
    torch.testing.assert_close(layer(x), first)
    assert (first[:, 1] == 1).all()
    kept = first[:, 0].mean((1, 2))
    assert kept.min() > 0.3 and kept.max() <= 1 and len(set(kept.tolist())) > 4
    assert layer.eval()(x) is x


def test_a_step_sees_a_stretch_of_long_recordings() -> None:
    x = torch.stack([torch.arange(1.0, 101).repeat(4, 1), torch.ones(4, 100)], 1)
    x[1, :, 30:] = 0
    x[2, :, 12:] = 0
    torch.manual_seed(0)
    made = Crop(20)(x)
    assert made.shape == (4, 2, 20)
    assert made[:, 1].sum(1).tolist() == [20, 20, 12, 20]
    assert (made[[0, 1, 3], 0].diff(dim=1) == 1).all() and made[1, 0].max() <= 30
    assert made[0, 0, 0] != made[3, 0, 0]
    assert Crop(20).eval()(x) is x


def test_tones_are_told_apart_and_every_form_answers_alike(tmp_path: Path) -> None:
    waves, names = tones(120)
    data = load((waves, names), kind="sound", rate=RATE)
    assert default_space(data.signature, data) == "audio(rate=4000)"
    space = audio((2, data.longest), 2, rate=RATE, most_width=8, stages=2, most_depth=1)
    model = trained(data, space, {**ANSWERS, "stage0.width": 4, "stage1.width": 8}, 20)
    assert Training(data).test(model)["accuracy"] > 0.9
    network, raw = exported(data, model, tmp_path / "out")
    rng = np.random.default_rng(5)
    fresh, told = tones(92, seed=1)
    file = write(tmp_path / "stereo.wav", np.stack([tone(rng, 300, 0.3, 11025)] * 2, 1), 11025)
    rows = [*fresh, file, str(file), (tone(rng, 1200, 0.2, 8000), 8000), tone(rng, 300, 2.0),
            tone(rng, 300, 0.01), np.zeros(500, np.int16), np.zeros(0, np.int16),
            fresh[0] / 32768]  # fmt: skip
    (x,) = data.encode(rows)
    with torch.no_grad():
        wanted = raw(x)
        program = torch.export.load(tmp_path / "out" / "model.pt2").module()
        torch.testing.assert_close(program(x), wanted, atol=1e-4, rtol=1e-4)
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    (given,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(given), wanted, atol=1e-4, rtol=1e-4)
    shares = network.predict_proba(rows)
    torch.testing.assert_close(shares, wanted.softmax(1), atol=1e-4, rtol=1e-4)
    one_by_one = torch.cat([network.predict_proba([row]) for row in rows])
    torch.testing.assert_close(one_by_one, shares, atol=1e-4, rtol=1e-4)
    right = [said == name for said, name in zip(network.predict(fresh), told, strict=True)]
    assert sum(right) / len(right) > 0.9
    with pytest.raises(ValueError, match="list of recordings"):
        network.predict("a.wav")
    folder = folder_of_tones(tmp_path / "new", 20)
    found = predict(open_exported(tmp_path / "out"), folder)
    assert found.rows[0][0] == "high/001.wav" and len(found.rows) == 20
    assert found.metrics["accuracy"] > 0.9
    again = read_again(open_exported(tmp_path / "out"), folder, Split())
    assert again.encoding == data.encoding

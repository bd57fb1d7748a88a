"""Recordings as data: what is read, resampled, mixed, cut, refused and told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly
from torch.utils.data import StackDataset

from netwright.data import load, look
from netwright.data.sound_data import Heard, SoundData
from netwright.data.written_sound import resampled
from netwright.errors import DataError, SettingError
from tones import RATE, folder_of_tones, tone, tones, write


def test_a_folder_of_recordings_is_told_of(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = folder_of_tones(tmp_path / "tones", 30)
    loud = np.where(np.arange(800) % 20 < 10, 32767, -32768).astype(np.int16)
    write(folder / "low" / "stereo.wav", np.stack([tone(rng, 300, 0.2, 8000)] * 2, 1), 8000)
    write(folder / "low" / "silent.wav", np.zeros(600, np.int16))
    write(folder / "low" / "empty.wav", np.zeros(0, np.int16))
    write(folder / "high" / "clipped.wav", loud)
    (folder / "high" / "notes.txt").write_text("no sound", encoding="utf-8")
    data = load(folder, rate=RATE)
    assert isinstance(data, SoundData) and data.task.names == ("high", "low")
    sounds = look(data)["sounds"]
    assert sounds["rates"] == {"4000": 33, "8000": 1} and sounds["channels"] == {"1": 33, "2": 1}
    assert (sounds["empty"], sounds["silent"], sounds["clipped"]) == (1, 1, 1)
    told = " / ".join(data.remarks)
    for part in (
        "1 recording has no samples; remove what is empty (low/empty.wav)",
        "nothing but silence; remove what is silent (low/silent.wav)",
        "cut off at full loudness; record with less gain (high/clipped.wav)",
        "1 recording has several channels, which are mixed to one",
        "1 recording is brought from another rate to 4,000 Hz",
        "are left out: notes.txt",
    ):
        assert part in told
    assert data.train.flat.dtype == torch.int16


def test_a_table_of_paths_and_labels(tmp_path: Path) -> None:
    waves, names = tones(24)
    lines = ["speaker,file,pitch"]
    for place, (wave, name) in enumerate(zip(waves, names, strict=True)):
        write(tmp_path / "wav" / f"{place}.wav", wave)
        lines.append(f"{place % 3},wav/{place}.wav,{name}")
    table = tmp_path / "tones.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = load(table, label="pitch")
    assert isinstance(data, SoundData) and data.label == "pitch" and data.rate == 8000
    assert any("beside recordings: speaker" in remark for remark in data.remarks)
    with pytest.raises(SettingError, match=r"`load\(time=...\)` belongs to a table of values"):
        load(table, label="pitch", time="speaker")
    table.write_text("\n".join([*lines, "1,wav/none.wav,low"]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"1 of 25 recordings are not there: .*none\.wav"):
        load(table, label="pitch")


def test_a_dataset_of_recordings_is_the_same_as_their_list() -> None:
    waves, names = tones(24)
    waves = [wave[: len(wave) - row] for row, wave in enumerate(waves)]
    given = load(StackDataset(waves, names), kind="sound", rate=RATE)
    assert given.digest == load((waves, names), kind="sound", rate=RATE).digest


def test_broken_files_are_counted_and_named(tmp_path: Path) -> None:
    folder = folder_of_tones(tmp_path / "tones", 20)
    (folder / "low" / "x.wav").write_bytes(b"RIFF no sound")
    (folder / "high" / "y.wav").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 22 files cannot be read.*Remove them or save"):
        load(folder)


@pytest.mark.parametrize(("was", "rate"), [(44_100, 8000), (8000, 16_000), (11_025, 8000)])
def test_resampling_is_that_of_scipy(was: int, rate: int) -> None:
    times = np.arange(was // 4) / was
    wave = np.sin(2 * np.pi * 440 * times) + 0.3 * np.sin(2 * np.pi * 1700 * times)
    wanted = resample_poly(wave, rate, was)
    made = resampled(torch.from_numpy(wave).float(), was, rate).numpy()
    assert len(made) == len(wanted)
    np.testing.assert_allclose(made[200:-200], wanted[200:-200], atol=2e-3)


def test_rows_are_paths_pairs_and_arrays(tmp_path: Path) -> None:
    waves, names = tones(30)
    data = load((waves, names), kind="sound", rate=RATE)
    stereo = np.stack([waves[1], waves[1]], 1)
    path = write(tmp_path / "a.wav", waves[0])
    rows = [path, (waves[0], RATE), waves[0] / 32768, str(path), stereo, (waves[1], 2 * RATE)]
    (x,) = data.encode(rows)
    lengths = (~x.isnan()).sum(1).tolist()
    assert lengths == [*[len(waves[0])] * 4, len(waves[1]), -(-len(waves[1]) // 2)]
    for row in (1, 2, 3):
        torch.testing.assert_close(x[row], x[0], equal_nan=True)
    torch.testing.assert_close(x[4, : lengths[4]], torch.from_numpy(waves[1] / 32768).float())
    long = np.arange(data.longest + 100, dtype=np.int16)
    (middle,) = data.encode([long])
    torch.testing.assert_close(middle[0] * 32768, torch.arange(50.0, 50 + data.longest))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a.wav", "must be a list of recordings"),
        (["none.wav"], "none.wav cannot be read: No such file"),
        ([np.zeros((2, 3, 4))], r"must have shape \(t,\)"),
        ([np.array([0.0, np.nan])], "no finite number"),
        ([np.array([0.0, 3000.0])], "floats must be from -1 to 1"),
        ([(np.zeros(3), 0)], "a rate from 1"),
        ([["a", "b"]], "must be numbers"),
        ([np.zeros(4, np.int64)], "int16"),
    ],
)
def test_what_is_no_recording_is_refused(rows: object, told: str) -> None:
    data = load(tones(20), kind="sound", rate=RATE)
    with pytest.raises(DataError, match=told):
        data.encode(rows)


def test_settings_of_sound_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="must say the rate"):
        load(tones(20), kind="sound")
    with pytest.raises(SettingError, match="whole number of Hz"):
        load(tones(20), kind="sound", rate=10)
    with pytest.raises(SettingError, match="belongs to recordings"):
        load("digits", rate=8000)


def test_silence_is_no_padding() -> None:
    x = torch.tensor([[0.5, 0.0, float("nan")]])
    torch.testing.assert_close(Heard()(x), torch.tensor([[[0.5, 0.0, 0.0], [1.0, 1.0, 0.0]]]))


def test_the_reference_has_features_of_its_own() -> None:
    data = load(tones(40), kind="sound", rate=RATE)
    train, test = data.reference_features(np.arange(10))
    assert train.shape == (10, 161) and len(test) == len(data.test)
    assert {m.features for m in data.task.classical} >= {"log-mel"}

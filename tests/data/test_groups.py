"""What is of one group lies in one part: columns of tables, and pieces of the paths of files."""

import wave
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from netwright.data import ArrayData, ArrayPart, load
from netwright.data.cache import MappedRows
from netwright.data.folds import folds_of
from netwright.errors import DataError, SettingError

Image = pytest.importorskip("PIL.Image")

SPEAKERS = 12
PATTERN = r"speaker(\d+)_"


def picture(path: Path, speaker: int, take: int) -> None:
    pixels = np.full((4, 4), speaker, np.uint8)
    pixels[0, 0] = take
    Image.fromarray(pixels).save(path.with_suffix(".png"))


def sound(path: Path, speaker: int, take: int) -> None:
    rng = np.random.default_rng(speaker * 100 + take)
    samples = (rng.integers(-99, 99, 400) + 1000 * speaker).astype("<i2")
    with wave.open(str(path.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def text(path: Path, speaker: int, take: int) -> None:
    path.with_suffix(".txt").write_text(f"speaker {speaker:02} take {take}", encoding="utf-8")


def speakers_of(kind: str, part) -> set[int]:
    """Who is in a part, by what its rows hold."""
    if kind == "picture":
        return set(part.x[:, 0, 3, 3].tolist())
    rows = [part.row(place) for place in range(len(part))]
    if kind == "sound":
        return {round(float(row.float().mean()) / 1000) for row in rows}
    return {int(bytes((row[8:10] - 1).tolist())) for row in rows}


def some(part, rows: torch.Tensor):
    """These rows of a part."""
    if isinstance(part, ArrayPart):
        return ArrayPart(part.x[rows], part.y[rows])
    return part.of([part.row(row) for row in rows], part.y[rows].numpy(), part.flat.dtype)


@pytest.fixture(params=[picture, sound, text], ids=["picture", "sound", "text"])
def folder(request, tmp_path: Path) -> tuple[str, Path]:
    """Each of the speakers says yes and no three times."""
    for label in ("yes", "no"):
        (tmp_path / "said" / label).mkdir(parents=True)
        for speaker in range(SPEAKERS):
            for take in range(3):
                name = f"speaker{speaker}_{take}"
                request.param(tmp_path / "said" / label / name, speaker, take)
    return request.param.__name__, tmp_path / "said"


def test_no_speaker_is_in_two_parts_or_two_folds(folder) -> None:
    kind, path = folder
    data = load(path, group=PATTERN, seed=3)
    parts = [speakers_of(kind, part) for part in (data.train, data.validation, data.test)]
    assert set().union(*parts) == set(range(SPEAKERS))
    assert sum(map(len, parts)) == SPEAKERS and all(parts)
    sizes = f"{len(parts[0])} train, {len(parts[1])} validation, {len(parts[2])} test"
    assert f"the group '{PATTERN}' has 12 groups, such as '0': {sizes}" in data.remarks
    both = data.with_validation_in_train().train
    for learnt, held in folds_of(data, 3):
        assert not speakers_of(kind, some(both, learnt.rows)) & speakers_of(
            kind, some(both, held.rows)
        )


def test_without_groups_speakers_are_in_several_parts(folder) -> None:
    kind, path = folder
    data = load(path, seed=3)
    assert data.groups is None
    assert speakers_of(kind, data.train) & speakers_of(kind, data.test)


def test_a_pattern_that_finds_nothing_is_refused_by_the_file(folder) -> None:
    _, path = folder
    with pytest.raises(
        DataError, match=r"got 'person\(.*\)', which finds nothing in no/speaker0_0"
    ):
        load(path, group=r"person(\d+)")
    with pytest.raises(SettingError, match=r"must be a regular expression for .*: unterminated"):
        load(path, group=r"speaker([0-9")
    with pytest.raises(DataError, match="too few different values: no row is left for the train"):
        load(path, group="speaker")


def test_a_name_of_several_pieces_and_one_without_parentheses(folder) -> None:
    _, path = folder
    of_class = load(path, group=r"^(\w+)/speaker(\d+)")
    assert len(set(of_class.groups.tolist())) < 2 * SPEAKERS
    assert any("has 24 groups, such as 'no/0'" in remark for remark in of_class.remarks)
    assert any(
        "has 12 groups, such as 'speaker0_'" in r for r in load(path, group=r"speaker\d+_").remarks
    )


def test_each_class_stays_in_the_train_part_where_that_can_be(tmp_path: Path) -> None:
    for place, label in enumerate("abcdef"):
        (tmp_path / label).mkdir()
        for group in range(2):
            picture(tmp_path / label / f"{group}", 10 * place + group, 0)
    for seed in range(20):
        data = load(tmp_path, group=r"(./\d)\.", seed=seed)
        assert sorted(set(data.train.y.tolist())) == [*range(6)]


def test_groups_of_given_parts_that_are_learned_from_too_are_told(tmp_path: Path) -> None:
    for part, speakers in {"train": range(6), "test": (5, 6)}.items():
        for label in "ab":
            (tmp_path / part / label).mkdir(parents=True)
            for speaker in speakers:
                text(tmp_path / part / label / f"speaker{speaker}_0", speaker, 0)
    remarks = load(tmp_path, group=PATTERN).remarks
    assert any(r.startswith("1 of 2 groups of the group") and "test part" in r for r in remarks)


def test_groups_go_with_data_into_files(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / "p" / label).mkdir(parents=True)
        for speaker in range(6):
            picture(tmp_path / "p" / label / f"speaker{speaker}_0", speaker, ord(label))
    data = load(tmp_path / "p", group=PATTERN)
    data.save(tmp_path / "saved")
    assert torch.equal(ArrayData.open(tmp_path / "saved").groups, data.groups)
    everything = torch.cat([part.x for part in (data.train, data.validation, data.test)])
    y = torch.cat([part.y for part in (data.train, data.validation, data.test)])
    mapped = MappedRows(tmp_path / "m", tuple(everything.shape), "uint8", y.numpy(), data.groups)
    mapped.x[:] = everything.numpy()
    mapped.finish(data)
    opened = ArrayData.open(tmp_path / "m")
    assert torch.equal(opened.groups, data.groups) and torch.equal(opened.mean, data.mean)
    assert torch.equal(opened.test.x, data.test.x) and torch.equal(opened.train.y, data.train.y)


@pytest.mark.parametrize(("make", "ending"), [(picture, "png"), (sound, "wav")])
def test_tables_of_paths_have_a_column_of_groups(tmp_path: Path, make, ending: str) -> None:
    rows = [(speaker, take) for speaker in range(SPEAKERS) for take in range(4)]
    for speaker, take in rows:
        make(tmp_path / f"{speaker}-{take}", speaker, take)
    table = pandas.DataFrame(
        {
            "file": [f"{speaker}-{take}.{ending}" for speaker, take in rows],
            "who": [speaker for speaker, _ in rows],
            "label": ["ab"[take % 2] for _, take in rows],
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    data = load(tmp_path / "t.csv", group="who")
    parts = [speakers_of(make.__name__, part) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == SPEAKERS and all(parts)
    assert not any("left out: who" in remark for remark in data.remarks)
    for wrong in ("file2", "label"):
        with pytest.raises(DataError, match=f"no column '{wrong}' for `group=...`"):
            load(tmp_path / "t.csv", group=wrong)


def test_a_long_table_has_a_group_for_each_series() -> None:
    table = pandas.DataFrame(
        {
            "id": np.repeat(np.arange(40), 5),
            "patient": np.repeat(np.arange(40) // 4, 5),
            "value": np.repeat(np.arange(40) // 4, 5) + np.tile(np.linspace(0, 0.5, 5), 40),
            "label": np.repeat(np.arange(40) % 2, 5),
        }
    )
    data = load(table, series="id", group="patient", label="label")
    assert data.channels == ("value",)
    parts = [set(part.x[0][:, 0, 0].tolist()) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == 10 and all(parts) and len(set(data.groups.tolist())) == 8
    table.loc[3, "patient"] = 9
    with pytest.raises(DataError, match="have the groups '0' and '9' in column 'patient'"):
        load(table, series="id", group="patient", label="label")


def test_what_has_no_files_has_no_groups(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="belongs to a table or a folder of files, not 'digits'"):
        load("digits", group="a")

"""Byte pairs from the search to the exported forms: raw texts in, the same answers out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import netwright as nw
from netwright.data import load
from netwright.data.split import Split
from netwright.errors import SettingError
from netwright.reuse import open_exported
from netwright.reuse.again import read_again
from netwright.spaces.names import ready_space

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

ASKED = [
    "good film, fine song",
    "",
    "漢字 😀 never seen: naïve cafe\u0301",
    " \t\n",
    "a\x00b \ud83d",
    "bad song " * 400,  # longer than any that was learned from
    None,
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[nw.data.Data, torch.nn.Module, Path]:
    """A search of two networks of byte pairs, and the folder of the best."""
    words = ("good fine nice", "bad poor sad")
    texts = [f"{words[row % 2]} song number {row}, naïve" for row in range(60)]
    data = load((texts, ["up" if row % 2 else "down" for row in range(60)]), tokens="bpe")
    space = ready_space("--space", data.usual_space, data.signature.input.sizes, 2)
    folder = tmp_path_factory.mktemp("bpe")
    run = nw.search(
        *(space, nw.Training(data, epochs=1, full_epochs=1, folds=1)),
        trials=2, finals=[], refit=False, baseline=0, targets=(), workers=0, rehearse=False,
        seed=1, store=folder / "runs.db", export=False,
    )  # fmt: skip
    assert run.status == "done"
    run.best.export(folder / "best")
    return data, run.best.model(), folder / "best"


def test_every_form_gives_the_answers_of_the_network(made) -> None:
    data, network, folder = made
    assert data.tokens.merges and data.encode(["good film"])[0].max() > 256
    (ids,) = data.encode(ASKED)
    assert ids.shape == (len(ASKED), data.tokens.longest) and not ids[1].any()
    with torch.no_grad():
        wanted = network(ids)
        alone = torch.cat([network(data.encode([text])[0]) for text in ASKED])
    assert torch.allclose(alone, wanted, atol=1e-5)
    assert (wanted[0] - wanted[1]).abs().max() > 1e-4  # so that equal answers say something
    program = torch.export.load(folder / "model.pt2").module()
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (taken,) = session.get_inputs()
    exported = open_exported(folder)
    assert torch.equal(exported.encode(ASKED)[0], ids)
    forms = {
        "model.py": exported.outputs(exported.encode(ASKED))[0],
        "model.pt2": program(ids),
        "model.onnx": torch.from_numpy(session.run(None, {taken.name: ids.numpy()})[0]),
    }
    for form, answer in forms.items():
        assert torch.allclose(answer, wanted, atol=1e-4), form
    book = json.loads(session.get_modelmeta().custom_metadata_map["encoding"])
    assert book["merges"] == [list(pair) for pair in data.tokens.merges]


def test_model_py_answers_texts_where_nothing_of_netwright_is(made) -> None:
    data, network, folder = made
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import model; "
        "network, rows = model.load(), json.loads(sys.argv[2]); "
        "told = network.predict(rows), network.predict_proba(rows).tolist(); "
        "assert 'netwright' not in sys.modules and 'tokenizers' not in sys.modules; "
        "print(json.dumps(told))"
    )
    call = [sys.executable, "-I", "-c", script, str(folder), json.dumps(ASKED)]
    found = subprocess.run(call, capture_output=True, text=True, check=True)
    names, shares = json.loads(found.stdout)
    wanted = torch.softmax(network(data.encode(ASKED)[0]).detach(), 1)
    assert names == [data.task.names[place] for place in wanted.argmax(1).tolist()]
    assert torch.allclose(torch.tensor(shares), wanted, atol=1e-4)


def test_texts_of_a_folder_are_learned_from_again_by_groups(made, tmp_path: Path) -> None:
    _, _, folder = made
    network = open_exported(folder)
    for label in ("down", "up"):
        (tmp_path / "new" / label).mkdir(parents=True)
        for place in range(12):
            file = tmp_path / "new" / label / f"who{place // 2}_{place}.txt"
            file.write_text(f"{label} song {place}", encoding="utf-8")
    data = read_again(network, tmp_path / "new", Split(group=r"who(\d)_"))
    assert len(set(data.groups.tolist())) < 6 and data.encoding["merges"] == network.book["merges"]
    (tmp_path / "new.txt").write_text("a song", encoding="utf-8")
    with pytest.raises(SettingError, match="must have group with a table or a folder of files"):
        read_again(network, tmp_path / "new.txt", Split(group="a"))

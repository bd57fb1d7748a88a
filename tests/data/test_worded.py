"""A column of texts beside others: the weights of its words, alike in Python and in every form."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from netwright.data import load, look
from netwright.data.columns import column_from
from netwright.data.split import Split
from netwright.data.table_data import TableData
from netwright.data.tables import load_table
from netwright.data.worded import Words, learn_words
from netwright.errors import DataError
from netwright.export import Card, export
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.reuse import open_exported
from netwright.spaces.names import ready_space

onnxruntime = pytest.importorskip("onnxruntime")

GOOD, BAD = ("fine", "lovely", "don't", "café"), ("poor", "broken", "sad", "slow")
ROWS = 120


def table() -> pandas.DataFrame:
    rng, told = np.random.default_rng(0), []
    for row in range(ROWS):
        words = rng.choice(GOOD if row % 2 else BAD, 4)
        told.append(f"Number {row}: {' '.join(words)}, it is {words[0].upper()}!")
    return pandas.DataFrame(
        {
            "told": told,
            "price": np.arange(ROWS) % 17 + 0.5,
            "shop": [("a", "b", None)[row % 3] for row in range(ROWS)],
            "tone": ["up" if row % 2 else "down" for row in range(ROWS)],
        }
    )


def test_a_text_beside_numbers_becomes_weights_of_its_words() -> None:
    data = load(table(), label="tone")
    assert isinstance(data, TableData) and data.task.names == ("down", "up")
    *_, words = data.columns.numbers  # after the numbers, whatever its place in the table
    assert isinstance(words, Words) and words.name == "told"
    assert {*GOOD, *BAD} <= set(words.words) and "number" not in words.words  # in all texts
    said = f"column 'told' holds texts and becomes weights of {len(words.words)} words"
    assert f'{said}; `kind="text"` learns from it alone' in data.remarks
    assert data.usual_space == "tabular(numbers=1)"
    assert data.features == 1 + len(words.words) + 3
    assert column_from(json.loads(json.dumps(words.to_json()))) == words


def test_weights_are_those_of_scikit_learn() -> None:
    texts = table()["told"].tolist()
    words = learn_words(texts, "told")
    plain = TfidfVectorizer(
        token_pattern=r"[^\W_]+(?:'[^\W_]+)*", sublinear_tf=True, vocabulary=list(words.words)
    )
    wanted = plain.fit_transform(texts).toarray()
    found = words.encode(np.array(texts, object))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert not words.encode(np.array(["", None, "漢字 \x00", 7], object)).any()


def test_words_are_learned_from_the_train_part_alone() -> None:
    texts = ["red apple pie"] * 40 + [f"blue sky over {n}" for n in range(40)]
    frame = pandas.DataFrame(
        {"text": [f"{text} {n}" for n, text in enumerate(texts)], "n": range(80), "y": [0, 1] * 40}
    )
    data = load(frame, time="n", kind="table")
    *_, words = data.columns.numbers
    learnt = set(words.words)
    assert {"red", "apple", "sky"} <= learnt
    late = load(frame, time="n", kind="table", validation=0.3, test=0.3)  # train has no blue sky
    assert not {"blue", "sky"} & {
        w for c in late.columns.numbers if isinstance(c, Words) for w in c.words
    }


def test_texts_without_a_common_word_are_left_out() -> None:
    frame = pandas.DataFrame(
        {"text": [f"a{n} b{n} c{n}" for n in range(60)], "x": np.arange(60) % 7, "y": [0, 1] * 30}
    )
    data = load(frame)
    assert [column.name for column in data.columns.columns] == ["x"]
    assert any("'text' holds texts and is left out" in remark for remark in data.remarks)
    with pytest.raises(DataError, match="must hold different numbers or dates"):
        load(table(), label="tone", time="told")


def test_every_form_answers_rows_with_texts_alike(tmp_path: Path) -> None:
    data = load(table(), label="tone")
    space = ready_space("--space", data.usual_space, data.signature.input.sizes, 2)
    network = space.build(space.sample(np.random.default_rng(1)), seed=0).eval()
    signature = Signature(data.raw, data.task.outputs)
    examples, _ = data.train.batch(slice(None))
    deployment = Deployment(signature, data.normalise, examples, 1, data.encoder)
    raw, card = deployment.raw(network), Card("Rows with texts", data=data.settings)
    made = export(
        raw, tmp_path / "o", signature=signature, card=card, examples=examples,
        task=data.task, encoder=data.encoder,
    )  # fmt: skip
    assert not made.notes and set(made.checks) == {"model.py", "model.pt2", "model.onnx"}
    asked = table().drop(columns="tone").to_dict("records")[:20]
    asked += [
        {"told": told, "price": None, "shop": "?"}
        for told in ("", None, "LOVELY lovely cafe\u0301")
    ]
    inputs = data.encode(asked)
    with torch.no_grad():
        wanted = raw(*inputs)
    assert (wanted[-1] - wanted[-2]).abs().max() > 1e-4  # a text makes a difference
    exported = open_exported(tmp_path / "o")
    for one, other in zip(exported.encode(asked), inputs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert torch.allclose(exported.outputs(inputs)[0], wanted, atol=1e-4)
    assert exported.module.predict(asked) == [data.task.names[n] for n in wanted.argmax(1)]
    program = torch.export.load(tmp_path / "o" / "model.pt2").module()
    assert torch.allclose(program(*inputs), wanted, atol=1e-4)
    session = onnxruntime.InferenceSession(tmp_path / "o" / "model.onnx")
    fed = {taken.name: x.numpy() for taken, x in zip(session.get_inputs(), inputs, strict=True)}
    assert np.allclose(session.run(None, fed)[0], wanted, atol=1e-4)
    words = len(data.columns.numbers[-1].words)
    card_text = (tmp_path / "o" / "card.md").read_text(encoding="utf-8")
    assert f"weights of {words} words, up to place {words}" in card_text
    again = load_table(table(), Split(seed=4), label="tone", like=data.columns)
    assert again.columns == data.columns and again.raw == data.raw


def test_a_look_and_rows_that_are_shown_have_the_words() -> None:
    data = load(table(), label="tone")
    told = {column["name"]: column for column in look(data)["columns"]}["told"]
    assert told["kind"] == "text" and told["without"] == 0
    counts = dict(map(tuple, told["words"]))
    assert counts["lovely"] == sum("lovely" in text for text in table()["told"].str.lower())
    (row,) = data.readable(data.test, [0])
    assert set(row["told"].split()) <= set(counts) | {"..."} and row["told"]

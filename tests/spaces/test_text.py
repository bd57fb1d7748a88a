"""Texts in networks: what they learn, what they leave alone, and what exported ones answer."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from netwright.data import load
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.training import Training
from netwright.export import Card, export
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.space import Space
from netwright.spaces import language_model, text
from netwright.spaces.names import default_space
from netwright.trial import Budget
from sentences import sentences

ANSWERS = {
    "answer": "both", "grams": "both", "grams.dropped": 0.2, "reading": "words", "width": 8,
    "depth": 2, "layer0": "convolution", "layer0.kernel": 3, "layer1": "attention",
    "layer1.heads": 2, "activation": "relu", "pool": "weighed", "dropout": 0.1,
    "learning_rate": 0.004, "weight_decay": 0.0, "label_smoothing": 0.0,
}  # fmt: skip
WEIRD = ["", "😀 e\u0301", "x" * 999, "A Warm PLOT", " ", "\x00\x01", "漢字", "\ud800"]


def trained(data, space: Space, answers: dict, epochs: int) -> torch.nn.Module:
    candidate = Candidate(space, space.architecture(answers), 0)
    context = Context(0, lambda epoch, metrics: None)
    training = Training(data, epochs=epochs, folds=1)
    result = training.evaluate(candidate, Budget(epochs), context)
    assert result.model is not None
    return result.model


def exported(data, model: torch.nn.Module, folder: Path):
    signature = Signature(data.raw, data.task.outputs)
    deployment = Deployment(signature, data.normalise, (), 1, data.encoder)
    made = export(
        deployment.raw(model), folder, signature=signature, card=Card("texts"),
        examples=data.train.batch(slice(0, 16))[0], task=data.task, encoder=data.encoder,
        fresh=False,
    )  # fmt: skip
    assert set(made.checks) == {"model.py", "model.pt2", "model.onnx"} and not made.notes
    found = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.load(), deployment.raw(model)


@pytest.mark.parametrize("reading", ["words", "letters"])
@pytest.mark.parametrize("pool", ["mean_and_most", "weighed"])
def test_an_answer_depends_on_its_text_alone(reading: str, pool: str) -> None:
    space = text((40,), 3, buckets=512, most_width=16)
    answers = {**ANSWERS, "reading": reading, "pool": pool, "layer1": "attention"}
    model = space.build(space.architecture(answers), seed=0)
    ids = torch.from_numpy(np.random.default_rng(0).integers(1, 257, (3, 21)))
    ids[1, 5:] = 0
    model.train()(ids)  # so that it has seen some n-grams
    model.eval()
    longer = torch.cat([ids, torch.zeros(3, 30, dtype=torch.int64)], 1)
    torch.testing.assert_close(model(longer), model(ids), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(ids[1:2, :5]), model(ids)[1:2], atol=1e-5, rtol=1e-5)
    assert model(torch.zeros(2, 1, dtype=torch.int64)).isfinite().all()


def test_sentences_are_told_apart_and_every_form_answers_alike(tmp_path: Path) -> None:
    data = load(sentences(160))
    space = text((data.tokens.longest,), 2, buckets=1024, most_width=32)
    model = trained(data, space, {**ANSWERS, "width": 8}, 4)
    network, raw = exported(data, model, tmp_path / "out")
    texts, tones = sentences(100, seed=1)
    rows = [*texts, *WEIRD]
    (ids,) = data.encode(rows)
    with torch.no_grad():
        wanted = raw(ids)
        program = torch.export.load(tmp_path / "out" / "model.pt2").module()
        torch.testing.assert_close(program(ids), wanted, atol=1e-4, rtol=1e-4)
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    (given,) = session.run(None, {"text": ids.numpy()})
    torch.testing.assert_close(torch.from_numpy(given), wanted, atol=1e-4, rtol=1e-4)
    shares = network.predict_proba(rows)
    torch.testing.assert_close(shares, wanted.softmax(1), atol=1e-5, rtol=1e-5)
    one_by_one = torch.cat([network.predict_proba([row]) for row in rows])
    torch.testing.assert_close(one_by_one, shares, atol=1e-5, rtol=1e-5)
    right = [said == tone for said, tone in zip(network.predict(texts), tones, strict=True)]
    assert sum(right) / len(right) > 0.95
    with pytest.raises(ValueError, match="list of texts"):
        network.predict("a text")


def test_the_space_follows_from_the_texts() -> None:
    data = load(sentences(60))
    assert default_space(data.signature, data) == "text(tokens=257, buckets=4096)"


@pytest.mark.thorough
def test_a_language_model_learns_a_period_and_says_what_is_next(tmp_path: Path) -> None:
    (tmp_path / "abc.txt").write_text("abc " * 3000, encoding="utf-8")
    data = load(tmp_path / "abc.txt")
    assert default_space(data.signature, data) == "language_model(every=True)"
    space = language_model((96,), 257, every=True, widths=(32, 32, 1), depths=(1, 1))
    answers = {**space.smallest().answers, "learning_rate": 0.004, "layer0.attention": "full"}
    model = trained(data, space, answers, 80)
    found = Training(data).test(model)
    assert found["perplexity"] < 1.3 and found["accuracy"] > 0.95
    network, raw = exported(data, model, tmp_path / "out")
    token, share = network.predict("c abc ab", count=1)[0][0]
    assert token == "c" and share > 0.8
    with torch.no_grad():
        shares = [raw(*data.encode([row]))[0, -1].softmax(-1) for row in ("c ab", "")]
    torch.testing.assert_close(network.predict_proba(["c ab", ""]), torch.stack(shares))

"""Sayings of Debian's `fortunes` by their topic, and what a user would take in netwright's place.

The files lie in the folder `FORTUNES` of the environment, by default where Debian installs them. A
fifth of the texts is the test part.

- words and pairs of words by TF-IDF with logistic regression, by the defaults of scikit-learn;
- the same with the best of 12 settings (words or characters, penalty) in a cross-validation;
- netwright: `NetClassifier` by its defaults, for some minutes on one worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from of_tasks.problem import Answer, Method, Parts, Problem, estimator, fitted

FOLDER = Path(os.environ.get("FORTUNES", "/usr/share/games/fortunes"))
TOPICS = {
    "five topics": ("computers", "law", "people", "science", "songs-poems"),
    "ten topics": (
        "definitions", "education", "food", "knghtbrd", "linux", "love", "men-women", "politics",
        "sports", "startrek",
    ),
    "small topics": ("ethnic", "humorists", "kids", "medicine", "pets", "riddles"),
}  # fmt: skip


def _sayings(topic: str) -> list[str]:
    whole = (FOLDER / topic).read_text(encoding="utf-8", errors="replace")
    return [each.strip() for each in whole.split("\n%\n") if each.strip()]


def _of_topics(topics: Sequence[str], seed: int) -> Parts:
    rows = [(text, topic) for topic in topics for text in dict.fromkeys(_sayings(topic))]
    texts, y = [text for text, _ in rows], [topic for _, topic in rows]
    x, x_test, y, y_test = train_test_split(texts, y, test_size=0.2, random_state=seed, stratify=y)
    return Parts(x, y, x_test, y_test)


def _linear(parts: Parts, seed: int) -> Answer:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return fitted(make_pipeline(words, LogisticRegression(max_iter=2000)), parts)


def _tuned(parts: Parts, seed: int) -> Answer:
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(max_iter=2000))
    words = {"tfidfvectorizer__analyzer": ["word"], "tfidfvectorizer__ngram_range": [(1, 1)]}
    signs = {"tfidfvectorizer__analyzer": ["char_wb"], "tfidfvectorizer__ngram_range": [(2, 5)]}
    strengths = {"logisticregression__C": [0.3, 1, 3, 10, 30, 100]}
    return fitted(GridSearchCV(model, [{**words, **strengths}, {**signs, **strengths}]), parts)


PROBLEMS = tuple(
    Problem(name, partial(_of_topics, topics), FOLDER) for name, topics in TOPICS.items()
)

METHODS = (
    Method("TF-IDF and logistic", _linear),
    Method("the same, tuned", _tuned),
    Method("netwright", estimator),
)

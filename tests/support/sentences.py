"""Sentences with a tone, and a table of them: what tests of texts learn from."""

import numpy as np

GOOD, BAD = ("good", "fine", "warm", "lovely"), ("bad", "dull", "cold", "grim")
OTHERS = ("a", "the", "and", "with", "film", "plot", "scene", "very")


def sentences(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Sentences of some words, two of which tell the tone, and the tones."""
    rng = np.random.default_rng(seed)
    texts, tones = [], []
    for row in range(count):
        telling = GOOD if row % 2 else BAD
        words = [*rng.choice(OTHERS, rng.integers(3, 8)), *rng.choice(telling, 2)]
        texts.append(" ".join(rng.permutation(words)))
        tones.append("up" if row % 2 else "down")
    return texts, tones

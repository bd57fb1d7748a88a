"""Members of a converted model are built and run, to find choices that its code does not allow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from netwright.conversion.declaration import Converted
from netwright.errors import SpaceError
from netwright.network.randomness import seeded
from netwright.space.architecture import Answer
from netwright.space.choose import Building, Choice, Listing

_DRAWN = 4  # members at random that are run beside the smallest
_PASSES = 6  # in training, where values decide what is run


def failing(
    converted: Converted, example: Tensor, inputs: tuple[int, ...], outputs: int
) -> tuple[str, str] | None:
    """A choice whose members cannot run, and how they fail (" in training: ..."), None if all run.

    The smallest and some others are tried, in train mode too if the model itself can be.
    """
    listing = Listing()
    with torch.device("meta"):
        converted(listing, inputs, outputs)
    choices = listing.choices

    full = {choice.name: choice.options[-1] for choice in choices.values()}
    wrong = _failure(converted, full, example, inputs, outputs)
    if wrong:
        raise SpaceError(
            f"`convert(model, ...)` could not copy {converted.__name__}: {wrong}. Keep "
            "tensors as parameters or buffers, or declare the space by hand."
        )
    trains = _failure(converted, full, example, inputs, None) is None

    def failure(answers: Mapping[str, Answer]) -> str | None:
        wrong = _failure(converted, answers, example, inputs, outputs)
        if wrong:
            return f": {wrong}"
        wrong = _failure(converted, answers, example, inputs, None) if trains else None
        return f" in training: {wrong}" if wrong else None

    rng = np.random.default_rng(0)
    tried = [{choice.name: choice.options[0] for choice in choices.values()}]
    tried += [_drawn(choices, rng) for _ in range(_DRAWN)]
    for target in tried:
        if failure(target) is None:
            continue
        answers = dict(full)
        for choice_name, answer in target.items():
            answers[choice_name] = answer
            wrong = failure(answers)
            if wrong:
                return choice_name, wrong
    return None


def _drawn(choices: Mapping[str, Choice], rng: np.random.Generator) -> dict[str, Answer]:
    return {n: c.options[int(rng.integers(len(c.options)))] for n, c in choices.items()}


def _failure(
    converted: Converted,
    answers: Mapping[str, Answer],
    example: Tensor,
    inputs: tuple[int, ...],
    outputs: int | None,
) -> str | None:
    """How a member fails, None if it does not: on the meta device, or else with real tensors.

    Without `outputs` it is run in train mode, where it may give anything.
    """
    reason = None
    for device in ("meta", "cpu"):
        try:
            with torch.device(device), seeded(0):
                network = converted(Building(answers), inputs, outputs or 0)
                passes = _PASSES if outputs is None and device == "cpu" else 1
                for _ in range(passes):  # in training it may be left to chance what is run
                    given = network.train(outputs is None)(example.to(device))
            if outputs is None or tuple(given.shape) == (len(example), outputs):
                return None
            reason = f"it gives {tuple(given.shape)}"
        except Exception as error:
            text = (str(error).strip().splitlines() or ["no message"])[0]
            reason = f"{type(error).__name__}: {text.rstrip('.')}"
    return reason

"""What is refused when a space is made: a declaration that fails, hides choices or fits no data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import NetwrightError, SpaceError
from netwright.space.architecture import Answer
from netwright.space.choose import Building, Choose


@contextmanager
def listing_of(call: str) -> Iterator[None]:
    """Run a declaration or a recipe on the meta device; `call` is how a message names it.

    Raises:
        SpaceError: It raised something of its own.
    """
    try:
        with torch.device("meta"):
            yield
    except NetwrightError:
        raise
    except Exception as error:
        raise SpaceError(
            f"`{call}` failed while its choices were listed: "
            f"{type(error).__name__}: {str(error).rstrip('.')}."
        ) from error


def check_member(
    answers: Mapping[str, Answer],
    build: Callable[[Building], nn.Module],
    recipe: Callable[[Choose], Mapping[str, Any]] | None,
    name: str,
    inputs: tuple[int, ...],
    classes: int,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Build a member of the space `name` and run it on the meta device, where nothing is computed.

    Raises:
        SpaceError: It cannot be built or run, gives other than logits, its recipe gives other than
            plain values, or a choice it has an answer to is not asked.
    """
    choose = Building(answers)
    try:
        with torch.device("meta"):
            outputs = build(choose).eval()(torch.empty(2, *inputs, dtype=dtype))
    except NetwrightError:
        raise
    except Exception as error:
        if isinstance(error, NotImplementedError) or "meta tensor" in str(error):
            return  # an operation that the meta device lacks: found when it is trained
        raise SpaceError(
            f"The network {answers!r} of `{name}` cannot be built and run on inputs of shape "
            f"(2, {', '.join(map(str, inputs))}): {type(error).__name__}: "
            f"{str(error).rstrip('.')}."
        ) from error
    if recipe is not None:
        _check_plain(recipe(choose))
    hidden = sorted(answers.keys() - choose.asked)
    if hidden:
        raise SpaceError(
            f"The choice {hidden[0]!r} of `{name}` was found while listing but is not asked when "
            f"{answers!r} is built: Python code branches on the answer of another choice and hides "
            "it. Ask it inside an option of `choose.one_of`, or before the branch."
        )
    shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
    if shape != (2, classes):
        raise SpaceError(
            f"The network {answers!r} of `{name}` must give logits as one tensor of shape "
            f"(2, {classes}) for 2 examples, got {shape}."
        )


def _check_plain(made: object) -> None:
    """Refuse what a recipe returned if it is no mapping of values that JSON has."""
    try:
        json.dumps(made)
        plain = isinstance(made, Mapping)
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise SpaceError(
            "`Space(recipe=...)` must return a mapping of names to plain values, such as "
            f'{{"learning_rate": 0.1}}, got {made!r}; give functions and objects by a name that '
            "your training looks up."
        )

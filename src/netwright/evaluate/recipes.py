"""What the answers of a recipe are: settings of a training and of what changes images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from netwright.data import Augmentation, Data
from netwright.errors import SettingError
from netwright.evaluate.fit import Schedule

_MIXING = ("cutmix", "mixup")


def schedule_of(recipe: Mapping[str, Any], usual: Mapping[str, Any], data: Data) -> Schedule:
    """How a network is trained: as its recipe answers, else as is usual.

    Raises:
        SettingError: A name of the recipe is no setting, a value is outside its rule, or images
            would be changed where the data have none, or have something beside.
    """
    known = {f.name for f in fields(Schedule)} - {"augmentation"}
    augment = {f.name for f in fields(Augmentation)}
    for name in recipe:
        if name not in known | augment:
            near = get_close_matches(name, known | augment, 1)
            raise SettingError(
                f"A recipe may answer {', '.join(sorted(known | augment))}, got {name!r}"
                + (f"; did you mean {near[0]!r}?" if near else ".")
            )
    given = {name: recipe.get(name, usual[name]) for name in known | augment}
    for name in (*augment, *_MIXING):
        if given[name] and (why := _why_not(name, data)):
            raise SettingError(
                f"`{name}` changes images, and {why}; leave it out, got {given[name]!r}."
            )
    images = Augmentation(**{name: given[name] for name in augment})
    return Schedule(**{name: given[name] for name in known}, augmentation=images)


def _why_not(name: str, data: Data) -> str:
    """Why the images of data are not changed so; empty where they are."""
    takes = data.signature.inputs
    images = [spec for spec in takes if len(spec.shape) == 3]
    if not images:
        return f"the data {data.name!r} have none"
    if len(images) > 1:
        names = " and ".join(spec.name for spec in images)
        return f"those of one row of {data.name!r}, {names}, would be changed each in another way"
    others = " and ".join(spec.name for spec in takes if spec is not images[0])
    if name in _MIXING and others:
        return f"what a row of {data.name!r} has beside, {others}, cannot be of two rows"
    return ""

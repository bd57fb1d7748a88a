"""Networks for tables: plain or residual layers over standardised features.

Follows the baselines of Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data",
arXiv 2106.11959, without their embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.ready import ready


@ready
def mlp(inputs: Sequence[int] | int, classes: int) -> Space:
    """The space for rows of shape `inputs` = (f,), or of f features; images are flattened.

    Raises:
        SettingError: A size below 1.
    """
    inputs = (inputs,) if isinstance(inputs, int) else tuple(inputs)
    if not inputs or min(inputs) < 1:
        raise SettingError(
            f"`mlp(inputs, classes)` must be given a shape of positive sizes, got {inputs}."
        )
    common: dict[str, Answer] = {"learning_rate": 0.003, "weight_decay": 0.01, "depth": 2}
    designs = [
        Design("mlp", {**common, "layer": "plain", "dropout": 0.1}, {"width": 1}, usual=128),
        Design("resnet", {**common, "layer": "residual"}, {"width": 1}, usual=128),
    ]
    return Space(network, inputs, classes, recipe=recipe, name="mlp", designs=designs)


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.003, 0.01]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.01, 0.1]),
    }


class ResidualLayer(nn.Module):
    """Normalise, widen, activate, narrow, and add what came in."""

    def __init__(self, width: int, act: type[nn.Module], dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.Linear(width, 2 * width),
            act(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to the same shape."""
        out: Tensor = x + self.body(x)
        return out


def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """The declaration: one widening layer, then up to four layers of one kind."""
    features = 1
    for size in inputs:
        features *= size
    width = choose.width("width", 16, 256, step=16)
    dropout = choose.value("dropout", [0.0, 0.1, 0.3])
    act = choose.one_of(
        "activation", relu=lambda: nn.ReLU, gelu=lambda: nn.GELU, silu=lambda: nn.SiLU
    )
    layer = choose.one_of(
        "layer",
        plain=lambda: (
            lambda: nn.Sequential(
                nn.Linear(width, width), nn.BatchNorm1d(width), act(), nn.Dropout(dropout)
            )
        ),
        residual=lambda: lambda: ResidualLayer(width, act, dropout),
    )
    body = choose.repeat("depth", 0, 4, lambda i: layer())
    first = [nn.Linear(features, width), nn.BatchNorm1d(width), act()]
    flat = [nn.Flatten()] if len(inputs) > 1 else []
    return nn.Sequential(*flat, *first, *body, nn.Linear(width, classes))

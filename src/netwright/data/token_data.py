"""Data whose rows are tokens: one tensor of ids, of as many as there are."""

from __future__ import annotations

from typing import Any

from torch import nn

from netwright.data.base import Data
from netwright.data.tokens import Tokens
from netwright.network.normalised import AsIds
from netwright.network.signature import UNNAMED, Signature, TensorSpec

TEXT = "text"


class TokenData(Data):
    """A frozen dataclass of data of `tokens`. Raw is `text`, ids (t,) of int64; 0 is no token."""

    tokens: Tokens

    @property
    def settings(self) -> dict[str, Any]:
        """What the data are, with what tokens are."""
        return {**super().settings, "tokens": self.tokens.words}

    @property
    def raw(self) -> tuple[TensorSpec, ...]:
        """`text`, of any length up to the longest."""
        return (self._spec(TEXT),)

    @property
    def normalise(self) -> nn.Module:
        """Ids as they are."""
        return AsIds()

    @property
    def signature(self) -> Signature:
        """Ids, and what the task wants."""
        return Signature((self._spec(UNNAMED),), self.task.outputs)

    def _spec(self, name: str) -> TensorSpec:
        return TensorSpec(name, (None,), "int64", self.tokens.ids, self.tokens.longest)

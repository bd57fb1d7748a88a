"""A space out of an existing network, and networks that grow without forgetting."""

from netwright.space.convert.module import Kept, from_module

__all__ = ["Kept", "from_module"]

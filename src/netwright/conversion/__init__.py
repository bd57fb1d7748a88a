"""A space out of an existing network, and networks that grow without forgetting.

What is traced, cut and grown belongs here; what a space is does not.
"""

from netwright.conversion.from_module import Kept, convert
from netwright.conversion.morph import deepen, inherit, widen

__all__ = ["Kept", "convert", "deepen", "inherit", "widen"]

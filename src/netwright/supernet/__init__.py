"""The sharing mode: one network that holds the weights of a whole space.

How its weights are trained, and what they are asked for, does not belong here.
"""

from netwright.supernet.supernet import Supernet

__all__ = ["Supernet"]

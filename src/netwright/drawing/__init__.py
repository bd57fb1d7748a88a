"""How networks, spaces and data are drawn: what is shown of them, where it stands, and its files.

Pages that hold a drawing do not belong here.
"""

from netwright.drawing.files import draw, draw_sketch, draw_svg, text_tree
from netwright.drawing.sketch import Sketch, sketch

__all__ = ["Sketch", "draw", "draw_sketch", "draw_svg", "sketch", "text_tree"]

"""Ways to look at a take.

``write_overlay`` draws the fitted motion over the video it was made from, ``write_outlines`` the
masks.
"""

from mocap.view.outlines import write_outlines
from mocap.view.overlay import require_drawable, write_overlay

__all__ = ["require_drawable", "write_outlines", "write_overlay"]

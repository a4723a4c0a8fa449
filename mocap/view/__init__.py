"""Ways to look at a take.

``write_overlay`` draws the fitted motion over the video it was made from.
"""

from mocap.view.overlay import write_overlay

__all__ = ["write_overlay"]

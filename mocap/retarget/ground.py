"""Where a robot is in the ground, or near it: the lowest corners of its bodies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from mocap.retarget.kinematics import Posed
from mocap.retarget.robot import Robot
from mocap.retarget.surface import hulls

#: Corners of a body that the ground pushes at once, how far they are apart, metres, and what puts
#: those too near out of the question.
_CORNERS, _CORNER, _NEXT = 3, 0.05, 1e3


@dataclass(frozen=True)
class Grounding:
    """Corners near the ground.

    Attributes:
        frames: (K,) when.
        bodies: (K,) of which.
        height: (K,) over the ground, metres, negative in it.
        corners: (K, 3) in the body's axes, metres.
    """

    frames: Int[np.ndarray, " some"]
    bodies: Int[np.ndarray, " some"]
    height: Float[np.ndarray, " some"]
    corners: Float[np.ndarray, "some 3"]


class Ground:
    """Finds a robot's lowest corners.

    Args:
        robot: whose.
    """

    def __init__(self, robot: Robot) -> None:
        shapes = hulls(robot)
        self._bodies = np.array([body for body, hull in enumerate(shapes) if len(hull)], int)
        self._hulls = [shapes[body] for body in self._bodies]
        most = max((len(hull) for hull in self._hulls), default=0)
        self._points = np.zeros((len(self._hulls), most, 3))
        self._beside = np.zeros((len(self._hulls), most, most))
        # Boxes that hold the bodies tell which can be near at all.
        self._middles, self._halves = np.zeros((2, len(self._hulls), 3))
        for row, hull in enumerate(self._hulls):
            count, around = len(hull), hull.radii[:, None]
            low, high = (hull.points - around).min(0), (hull.points + around).max(0)
            self._middles[row], self._halves[row] = 0.5 * (low + high), 0.5 * (high - low)
            self._points[row, :count] = hull.points
            self._beside[row, :count, :count] = _NEXT * (hull.apart < _CORNER)

    def near(self, posed: Posed, zone: float) -> Grounding:
        """Of each body up to three corners that are lower than ``zone`` metres."""
        up, high = posed.turns[self._bodies][..., 2, :], posed.places[self._bodies][..., 2]
        middle = np.matmul(up, self._middles[..., None])[..., 0]
        reach = np.matmul(np.abs(up), self._halves[..., None])[..., 0]
        rows, frames = np.nonzero(high + middle - reach < zone)
        heights = self._heights(rows, up[rows, frames]) + high[rows, frames, None]
        found: list[tuple[np.ndarray, ...]] = []
        for _ in range(_CORNERS if heights.size else 0):
            corner = np.argmin(heights, 1)
            height = heights[np.arange(len(corner)), corner]
            low = height < zone
            rows, frames, corner = rows[low], frames[low], corner[low]
            found.append((frames, self._bodies[rows], height[low], self._points[rows, corner]))
            # The next one is another corner: on one alone a body would rock.
            heights = heights[low] + self._beside[rows, corner]
            if not len(rows):
                break
        if not found:
            none = np.zeros(0, int)
            return Grounding(none, none, np.zeros(0), np.zeros((0, 3)))
        return Grounding(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _heights(self, rows: np.ndarray, up: np.ndarray) -> Float[np.ndarray, "some points"]:
        """How much higher than their bodies' origins points are; the rows are in order."""
        heights = np.full((len(rows), self._points.shape[1]), np.inf)
        ends = np.searchsorted(rows, np.arange(len(self._hulls) + 1))
        for row, hull in enumerate(self._hulls):
            part = slice(ends[row], ends[row + 1])
            if part.start < part.stop:
                heights[part, : len(hull)] = up[part] @ hull.points.T - hull.radii
        return heights


@lru_cache(maxsize=8)
def ground_of(robot: Robot) -> Ground:
    """The same for all motion of a robot."""
    return Ground(robot)

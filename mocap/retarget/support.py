"""Where a robot's weight is, and whether its feet carry it."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull, QhullError

from mocap.retarget.correspondence import SIDES, Correspondence
from mocap.retarget.kinematics import Posed
from mocap.retarget.robot import Robot


def centre_of_mass(robot: Robot, posed: Posed) -> Float[np.ndarray, "frames 3"]:
    """The robot's centre of mass, world metres."""
    own = slice(robot.first, robot.first + len(robot.bodies))
    masses = robot.model.body_mass[own]
    total = np.zeros(posed.places.shape[1:])
    for body, (mass, middle) in enumerate(zip(masses, robot.model.body_ipos[own], strict=True)):
        total += mass * posed.point(body, middle)
    return total / masses.sum()


def outside_support(
    robot: Robot,
    found: Correspondence,
    posed: Posed,
    contacts: Bool[np.ndarray, "frames 4"],
    chosen: Bool[np.ndarray, " frames"],
) -> Float[np.ndarray, " frames"]:
    """How far the centre of mass is outside of what the feet rest on, metres.

    NaN for frames that are not chosen, or in which nothing rests.
    """
    centre = centre_of_mass(robot, posed)[:, :2]
    corners = []
    for row, side in enumerate(SIDES):
        sole = found.soles[side]
        points = posed.point(robot.bodies.index(sole.body), sole.corners)[..., :2]
        corners.append((points, np.repeat(contacts[:, 2 * row : 2 * row + 2], 2, axis=1)))
    points = np.concatenate([part for part, _ in corners], 1)
    rests = np.concatenate([part for _, part in corners], 1)
    away = np.full(len(centre), np.nan)
    for frame in np.flatnonzero(chosen & rests.any(1)):
        away[frame] = _outside(points[frame][rests[frame]], centre[frame])
    return away


def _outside(polygon: np.ndarray, point: np.ndarray) -> float:
    """Metres from a point to a convex hull of points, 0 inside."""
    if len(polygon) > 2:
        try:
            hull = ConvexHull(polygon)
        except QhullError:  # all in one line
            return _to_edges(polygon, point)
        if (hull.equations[:, :2] @ point + hull.equations[:, 2] <= 0).all():
            return 0.0
        polygon = polygon[hull.vertices]
    return _to_edges(polygon, point)


def _to_edges(polygon: np.ndarray, point: np.ndarray) -> float:
    start, end = polygon, np.roll(polygon, -1, axis=0)
    way = end - start
    along = np.sum((point - start) * way, 1) / np.maximum(np.sum(way**2, 1), 1e-12)
    nearest = start + np.clip(along, 0, 1)[:, None] * way
    return float(np.linalg.norm(point - nearest, axis=1).min())

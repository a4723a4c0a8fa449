"""What of a robot can touch: points with a radius that span the hull of every body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

from mocap.retarget.robot import Robot

#: Corners of round geoms, and the most points of a body's hull: beyond, the farthest ones.
_ROUND, _MOST = 12, 160


@dataclass(frozen=True, eq=False)
class Hull:
    """Points (P, 3) in a body's axes, metres, and how far the surface is around each (P,)."""

    points: Float[np.ndarray, "points 3"]
    radii: Float[np.ndarray, " points"]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def apart(self) -> Float[np.ndarray, "points points"]:
        """How far the points are from each other, metres."""
        return np.linalg.norm(self.points[:, None] - self.points, axis=2)


@lru_cache(maxsize=8)
def hulls(robot: Robot, *, seen: bool = False) -> tuple[Hull, ...]:
    """The hull of each body, of what collides, or else of what is seen.

    Args:
        robot: with or without geoms.
        seen: take in what is only seen anyhow.
    """
    found = []
    model = robot.model
    for body in range(len(robot.bodies)):
        geoms = np.flatnonzero(model.geom_bodyid == robot.first + body)
        solid = (model.geom_contype[geoms] | model.geom_conaffinity[geoms]) != 0
        if solid.any() and not seen:
            geoms = geoms[solid]
        parts = [_of_geom(robot, int(geom)) for geom in geoms]
        # What is seen is often what collides.
        unlike = {(part.points.tobytes(), part.radii.tobytes()): part for part in parts}
        found.append(_outer([part for part in unlike.values() if len(part)]))
    return tuple(found)


def _of_geom(robot: Robot, geom: int) -> Hull:
    """A geom's corners in its body's axes."""
    import mujoco

    model, kinds = robot.model, mujoco.mjtGeom
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    radius = 0.0
    if kind == int(kinds.mjGEOM_MESH):
        corners = _of_mesh(robot, int(model.geom_dataid[geom]))
    elif kind == int(kinds.mjGEOM_SPHERE):
        corners, radius = np.zeros((1, 3)), float(size[0])
    elif kind == int(kinds.mjGEOM_CAPSULE):
        corners, radius = np.array([[0, 0, size[1]], [0, 0, -size[1]]]), float(size[0])
    elif kind == int(kinds.mjGEOM_BOX):
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        corners = signs * size
    elif kind in (int(kinds.mjGEOM_CYLINDER), int(kinds.mjGEOM_ELLIPSOID)):
        angle = np.linspace(0, 2 * np.pi, _ROUND, endpoint=False)
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], 1)
        if kind == int(kinds.mjGEOM_CYLINDER):
            rim = ring * size[0]
            corners = np.concatenate([rim + [0, 0, size[1]], rim - [0, 0, size[1]]])
        else:
            poles = np.array([[0, 0, 1.0], [0, 0, -1.0]])
            halves = np.concatenate([0.7 * ring + [0, 0, 0.7], 0.7 * ring - [0, 0, 0.7]])
            corners = np.concatenate([ring, halves, poles]) * size
    else:
        return Hull(np.zeros((0, 3)), np.zeros(0))
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
    placed = corners @ turn.reshape(3, 3).T + model.geom_pos[geom]
    return Hull(placed, np.full(len(placed), radius))


@lru_cache(maxsize=256)
def _of_mesh(robot: Robot, mesh: int) -> Float[np.ndarray, "points 3"]:
    """The corners of a mesh's hull."""
    model = robot.model
    start, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    corners = model.mesh_vert[start : start + count].astype(float)
    return corners[_hull_rows(corners)]


def _outer(parts: list[Hull]) -> Hull:
    """Only points of the hull, and not too many."""
    points = np.concatenate([np.zeros((0, 3)), *(part.points for part in parts)])
    radii = np.concatenate([np.zeros(0), *(part.radii for part in parts)])
    # One geom's corners are those of its hull.
    if len(parts) > 1:
        keep = np.unique(np.concatenate([np.flatnonzero(radii > 0), _hull_rows(points)]))
        points, radii = points[keep], radii[keep]
    if len(points) > _MOST:
        # The farthest in evenly spread directions: what touches anything is among them.
        rows = np.arange(_MOST) + 0.5
        tilt, turn = np.arccos(1 - 2 * rows / _MOST), np.pi * (1 + 5**0.5) * rows
        ways = np.stack([np.cos(turn) * np.sin(tilt), np.sin(turn) * np.sin(tilt), np.cos(tilt)], 1)
        axes = np.concatenate([ways, np.eye(3), -np.eye(3)])
        chosen = np.unique(np.argmax(points @ axes.T + radii[:, None], 0))
        points, radii = points[chosen], radii[chosen]
    return Hull(points, radii)


def _hull_rows(points: np.ndarray) -> np.ndarray:
    if len(points) < 5:
        return np.arange(len(points))
    try:
        return np.sort(ConvexHull(points).vertices)
    except (QhullError, ValueError):  # flat, or all in one place
        return np.arange(len(points))

"""What the pose is pulled to: how far a robot's parts are off, and how that changes, all at once.

Everything is a matter of where bodies are and how they are turned. A part's derivative is a
matrix of its own times the twists of the unknowns that move its body.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.retarget.footprints import FLAT, FREE, Path
from mocap.retarget.kinematics import Posed, rotation_vectors, skews
from mocap.retarget.targets import LEVEL_FOOT
from mocap.retarget.tasks import Tasks, foot_corners, steers

#: How far the pelvis may stray from its place, metres.
_PELVIS = 0.03
#: How far a foot may: in the air, and while it rests.
_SWING, _HELD = 0.015, 0.0004
#: How far the turn of a resting foot may stray about its long axis and about the upright, and
#: about the edge that it stands on, radians.
_LEVEL, _EDGE = 0.01, 0.1
#: Where feet point on legs with too few joints is less firm, and so is their tilt, radians; and
#: their height, metres.
_UNSTEERED, _TILTED, _TILTED_HELD = 0.3, 0.1, 0.003


@dataclass(frozen=True)
class Off:
    """How far parts are off.

    Attributes:
        vectors: (S, F, 3) directions of segments, world.
        points: (P, F, 3) places of points, world metres.
        value: (F, R) residuals in units of their tolerances: segments, turns and points, three
            each.
    """

    vectors: Float[np.ndarray, "segments frames 3"]
    points: Float[np.ndarray, "points frames 3"]
    value: Float[np.ndarray, "frames rows"]


class Pulls:
    """All that pulls at the pose.

    Args:
        tasks: what is to be where.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._frames = len(tasks.targets)
        self._set_segments(tasks)
        self._set_turns(tasks)
        self._set_points(tasks)
        bodies = [self._segment_bodies, self._turn_bodies, self._point_bodies]
        moves = tasks.moves[np.concatenate(bodies)]
        self._moves: Bool[np.ndarray, "rows unknowns"] = np.repeat(moves, 3, axis=0)

    def off(self, posed: Posed) -> Off:
        """How far everything is off."""
        segments, turns = len(self._segment_bodies), len(self._turn_bodies)
        value = np.empty((self._frames, len(self._moves) // 3, 3))
        parts = np.swapaxes(value, 0, 1)
        vectors = (posed.turns[self._segment_bodies] @ self._locals)[..., 0]
        parts[:segments] = (vectors - self._directions) * self._segment_weights
        vector = rotation_vectors(posed.turns[self._turn_bodies] @ self._wanted)
        parts[segments : segments + turns] = (self._turn_weights @ vector[..., None])[..., 0]
        points = (posed.turns[self._point_bodies] @ self._corners[..., None])[..., 0]
        points += posed.places[self._point_bodies]
        parts[segments + turns :] = (points - self._places) * self._point_weights
        return Off(vectors, points, value.reshape(self._frames, -1))

    def slopes(
        self, off: Off, twists: Float[np.ndarray, "frames 6 unknowns"]
    ) -> Float[np.ndarray, "frames rows unknowns"]:
        """How all that changes with the unknowns."""
        segments, turns = len(self._segment_bodies), len(self._turn_bodies)
        turned = segments + turns
        across = np.zeros((self._frames, len(self._moves) // 3, 3, 6))
        parts = np.swapaxes(across, 0, 1)
        parts[:segments, ..., :3] = -skews(off.vectors) * self._segment_weights[..., None]
        parts[segments:turned, ..., :3] = self._turn_weights
        weights = self._point_weights[..., None]
        parts[turned:, ..., :3] = -skews(off.points) * weights
        parts[turned:, ..., 3:] = np.eye(3) * weights
        slopes = across.reshape(self._frames, -1, 6) @ twists
        slopes *= self._moves
        return slopes

    def _set_segments(self, tasks: Tasks) -> None:
        segments, targets = tasks.found.segments, tasks.targets
        self._segment_bodies = _bodies(tasks, [one.body for one in segments.values()])
        aims = [targets.directions[name] for name in segments]
        self._directions = np.array(aims).reshape(-1, self._frames, 3)
        ways = [(one.end - one.start) / one.length for one in segments.values()]
        self._locals = np.array(ways).reshape(-1, 1, 3, 1)
        loose = [one.tolerance * targets.doubt[name] for name, one in segments.items()]
        self._segment_weights = 1.0 / np.array(loose).reshape(-1, self._frames, 1)

    def _set_turns(self, tasks: Tasks) -> None:
        """Turns of bearings; feet's in axes of their own, as firm as their edges allow."""
        found, targets = tasks.found, tasks.targets
        self._turn_bodies = _bodies(tasks, [one.body for one in found.bearings.values()])
        wanted, weights = [], []
        for name, bearing in found.bearings.items():
            loose = bearing.tolerance * targets.doubt[name]
            if not name.endswith("foot"):
                wanted.append(targets.turns[name])
                weights.append(np.eye(3) / loose[:, None, None])
                continue
            path = targets.feet[name.removesuffix("_foot")]
            wanted.append(path.turns @ (bearing.turn @ LEVEL_FOOT).T)
            # In the foot's own axes: x is the long one, y the edges', z upright.
            firm = _turn_weights(path, loose, steers(tasks, name.removesuffix("_foot")))
            weights.append(np.swapaxes(path.turns, 1, 2) * firm[..., None])
        self._wanted, self._turn_weights = np.swapaxes(wanted, 2, 3).copy(), np.array(weights)

    def _set_points(self, tasks: Tasks) -> None:
        """The pelvis's place and feet's."""
        found, targets = tasks.found, tasks.targets
        pelvis = found.bearings["pelvis"]
        bodies, places = [pelvis.body], [targets.pelvis]
        corners = [np.tile(pelvis.point, (self._frames, 1))]
        weights = [np.tile(1.0 / (_PELVIS * targets.doubt["pelvis"])[:, None], 3)]
        for side, path in targets.feet.items():
            bodies.append(found.soles[side].body)
            places.append(path.places)
            corners.append(foot_corners(tasks, side))
            loose = _SWING * targets.doubt[f"{side}_foot"]
            weights.append(_place_weights(path, loose, steers(tasks, side)))
        self._point_bodies = _bodies(tasks, bodies)
        self._places, self._corners = np.array(places), np.array(corners)
        self._point_weights = np.array(weights)


def _bodies(tasks: Tasks, names: list[str]) -> Int[np.ndarray, " parts"]:
    return np.array([tasks.robot.bodies.index(name) for name in names], int)


def _place_weights(path: Path, loose: np.ndarray, whole: bool) -> Float[np.ndarray, "frames 3"]:
    firm = (path.rests != FREE) & ~path.tips
    place = 1.0 / np.where(firm & path.pinned, _HELD, loose)
    weights = np.repeat(place[:, None], 3, 1)
    weights[firm, 2] = 1.0 / (_HELD if whole else _TILTED_HELD)
    return weights


def _turn_weights(path: Path, loose: np.ndarray, whole: bool) -> Float[np.ndarray, "frames 3"]:
    weights = np.repeat(1.0 / loose[:, None], 3, 1)
    standing = (path.rests != FREE) & ~path.tips
    weights[standing] = 1.0 / _LEVEL
    weights[standing & (path.rests != FLAT), 1] = 1.0 / _EDGE
    weights[standing & (path.pivots | ~path.pinned), 2] = 1.0 / _EDGE
    if not whole:
        weights[standing, 0], weights[standing, 2] = 1.0 / _TILTED, 1.0 / _UNSTEERED
    return weights

"""What a robot is to do: a person's motion in the robot's world and size.

The robot's world is the person's, turned so that +Z is up and shrunk by the ratio of their legs,
so that a step is a step and feet that rest rest. Limbs keep their directions, not their places:
each is as long as the robot's own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import maximum_filter1d
from scipy.spatial.transform import Rotation

from mocap.geometry import Y_UP_TO_Z_UP, unit_vectors
from mocap.retarget.correspondence import SIDES, Correspondence, Sole
from mocap.retarget.footprints import Path, path_of
from mocap.retarget.human import NAMES, HumanMotion, sole_points

#: The person's joints at both ends of each segment.
BONES = {
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
}
#: The person's joint whose turn each bearing follows.
TURNS = {"pelvis": "pelvis", "chest": "spine3", "head": "head", "foot": "ankle", "hand": "wrist"}
#: A foot that stands level and points along +X, in the upright person's axes.
LEVEL_FOOT = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
#: How far joints of motion that tells no uncertainty may be off, metres.
SURE = 0.02


@dataclass(frozen=True)
class Targets:
    """Where a robot's parts are to be, its own world: metres, +Z up.

    Attributes:
        fps: frames a second.
        scale: the robot's world over the person's.
        pelvis: (F, 3) the middle of the hips.
        directions: (F, 3) unit, of segments by name.
        turns: (F, 3, 3) from the robot's body's axes to the world's, of bearings by name.
        feet: paths by side.
        pace: (F,) how fast each part turns, rad/s.
        doubt: (F,) 1 where the motion is as sure as can be, more where it is not, of every part.
    """

    fps: float
    scale: float
    pelvis: Float[np.ndarray, "frames 3"]
    directions: dict[str, Float[np.ndarray, "frames 3"]]
    turns: dict[str, Float[np.ndarray, "frames 3 3"]]
    feet: dict[str, Path]
    pace: dict[str, Float[np.ndarray, " frames"]]
    doubt: dict[str, Float[np.ndarray, " frames"]]

    def __len__(self) -> int:
        return len(self.pelvis)


def scale_of(motions: list[HumanMotion], found: Correspondence) -> float:
    """The robot's world over the people's: one for all of them."""
    if found.scale is not None:
        return found.scale
    return found.leg / float(np.mean([motion.leg() for motion in motions]))


def targets_of(motion: HumanMotion, found: Correspondence, scale: float) -> Targets:
    """A person's motion as a robot's."""
    hips = 0.5 * (motion.place("left_hip") + motion.place("right_hip"))
    directions, turns, feet = {}, {}, {}
    doubt = {"pelvis": _doubt(motion, "left_hip", "right_hip")}
    for name in found.segments:
        side, part = name.split("_", 1)
        start, end = (f"{side}_{joint}" for joint in BONES[part])
        way = (motion.place(end) - motion.place(start)) @ Y_UP_TO_Z_UP.T
        directions[name] = unit_vectors(way)
        doubt[name] = _doubt(motion, start, end)
    for name, bearing in found.bearings.items():
        side, _, part = name.rpartition("_")
        joint = f"{side}_{TURNS[part]}".lstrip("_")
        turns[name] = Y_UP_TO_Z_UP @ motion.turn(joint) @ bearing.turn.T
        doubt[name] = _doubt(motion, joint)
    for row, side in enumerate(SIDES):
        points, _ = sole_points(motion.joints, motion.turns, side)
        # Legs part as far apart as the robot's hips are, or they would not be as straight.
        apart = motion.place(f"{side}_hip") - hips
        own = turns["pelvis"] @ (found.hips[side] - found.bearings["pelvis"].point)
        feet[side] = path_of(
            scale * (points[:, 2] - apart) @ Y_UP_TO_Z_UP.T + own,
            Y_UP_TO_Z_UP @ motion.turn(f"{side}_ankle") @ LEVEL_FOOT,
            motion.contacts[:, 2 * row : 2 * row + 2],
            sole_edges(found, side)[0],
            scale * motion.level,
            motion.fps,
        )
    return Targets(
        fps=motion.fps,
        scale=scale,
        pelvis=scale * hips @ Y_UP_TO_Z_UP.T,
        directions=directions,
        turns=turns,
        feet=feet,
        pace={name: _pace(part, motion.fps) for name, part in {**directions, **turns}.items()},
        doubt=doubt,
    )


def _pace(part: np.ndarray, fps: float) -> Float[np.ndarray, " frames"]:
    """How fast a direction or a turn changes, rad/s: the most within three frames."""
    if part.ndim == 2:
        step = 2 * np.arcsin(np.clip(0.5 * np.linalg.norm(np.diff(part, axis=0), axis=1), 0, 1))
    else:
        step = np.linalg.norm(
            Rotation.from_matrix(part[1:] @ np.swapaxes(part[:-1], 1, 2)).as_rotvec(), axis=1
        )
    return maximum_filter1d(np.concatenate([step, step[-1:]]), 3) * fps


def sole_edges(found: Correspondence, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Heel, toe and middle of a sole.

    Returns:
        (3, 3) from the point of the sole below the ankle, in the axes of a level foot that points
        along +X; and (3, 3) in the body's own axes. Metres.
    """
    sole: Sole = found.soles[side]
    bearing = found.bearings[f"{side}_foot"]
    heel, toe = sole.corners[:2].mean(0), sole.corners[2:].mean(0)
    local = np.stack([heel, toe, 0.5 * (heel + toe)])
    # Columns: the level foot's x, y and z in the body's axes.
    axes = bearing.turn @ LEVEL_FOOT
    below = (local[2] - bearing.point) @ axes * [0.0, 0.0, 1.0]
    return (local - bearing.point) @ axes - below, local


def _doubt(motion: HumanMotion, *joints: str) -> np.ndarray:
    sure = np.ones(len(motion))
    if motion.sigma is not None:
        sigma = np.mean([motion.sigma[:, NAMES.index(joint)] for joint in joints], axis=0)
        sure = np.hypot(1.0, np.nan_to_num(sigma, nan=1.0) / (3.0 * SURE))
    if motion.observed is not None:
        sure = np.where(motion.observed, sure, np.maximum(sure, 3.0))
    return sure

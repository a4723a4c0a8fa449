"""Feet: where heels and balls of the feet are below the joints, and when they rest."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mocap.exporters.rigs.laying import heading
from mocap.exporters.rigs.rig import Rig
from mocap.feet import BALL, DEPTH, HEEL, resting_probability, rests_of, smoothed, speeds
from mocap.skeletons import SMPLX_55

#: How well a leg's length tells where soles are, as a share of it.
_GUESSED = 0.003
#: Tips of feet without a joint at the ball are so much farther ahead than it.
_TIP = 1.4
#: A bone that is none, metres.
_NOTHING = 1e-4


@dataclass(frozen=True, eq=False)
class Foot:
    """One foot and its leg, at rest.

    Attributes:
        side: ``"left"`` or ``"right"``.
        joints: hip, knee and ankle among the skeleton's joints.
        leg: thigh and shank, metres.
        height: of the ankle over the sole, metres.
        points: (2, 3) heel and ball of the foot on the sole, metres from the ankle; +Y up.
    """

    side: str
    joints: tuple[int, int, int]
    leg: float
    height: float
    points: Float[np.ndarray, "2 3"]

    def placed(
        self, ankle: Float[np.ndarray, "frames 3"], turn: Float[np.ndarray, "frames 3 3"]
    ) -> Float[np.ndarray, "frames 2 3"]:
        """(F, 2, 3) heel and ball of the foot in the world."""
        return ankle[:, None] + self.points @ np.swapaxes(turn, 1, 2)


def feet_of_body(rest: Float[np.ndarray, "source 3"]) -> dict[str, Foot]:
    """SMPL-X's feet by their side; ``rest`` are its joints at rest."""
    found = {}
    for side in ("left", "right"):
        hip, knee, ankle, ball = SMPLX_55.indices(
            *(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "foot"))
        )
        leg = _length(rest, (hip, knee, ankle))
        height = rest[ankle, 1] - rest[ball, 1] + DEPTH * leg
        points = _points(rest[ball] - rest[ankle], height, None)
        found[side] = Foot(side, (hip, knee, ankle), leg, height, points)
    return found


def feet_of_rig(rig: Rig, body: dict[str, Foot]) -> dict[str, Foot]:
    """A rig's feet by their side, those of whole legs; what it does not tell is the body's."""
    places, found = rig.places(), {}
    for side, own in body.items():
        chain = [f"{side}_{joint}" for joint in ("hip", "knee", "ankle")]
        if not rig.joints.keys() >= set(chain):
            continue
        hip, knee, ankle = (rig.joints[name] for name in chain)
        # A leg without a thigh or a shank bends nowhere.
        if min(_length(places, bone) for bone in ((hip, knee), (knee, ankle))) < _NOTHING:
            continue
        leg = _length(places, (hip, knee, ankle))
        height = own.height * leg / own.leg
        if rig.grounded and abs(places[ankle, 1] - height) > _GUESSED * leg:
            height = float(places[ankle, 1])
        spare = np.hypot(*own.points[1, [0, 2]]) / BALL * leg / own.leg
        points = _points(_ball(rig, side, places), height, spare)
        found[side] = Foot(side, (hip, knee, ankle), leg, height, points)
    return found


def resting(
    points: Float[np.ndarray, "frames 4 3"],
    told: Float[np.ndarray, "frames 4"] | None,
    fps: float,
) -> Bool[np.ndarray, "frames 4"]:
    """(F, 4) whether left heel, left ball, right heel and right ball rest.

    Args:
        points: where they are, metres, +Y up.
        told: how likely they rest; by speed and height if None.
        fps: frames a second.
    """
    if told is None:
        lift = points[..., 1] - points[..., 1].min(1, keepdims=True)
        told = resting_probability(speeds(smoothed(points, fps), fps), lift)
    return rests_of(told, fps)


def _length(places: np.ndarray, chain: tuple[int, ...]) -> float:
    return float(np.linalg.norm(np.diff(places[list(chain)], axis=0), axis=1).sum())


def _points(ball: np.ndarray, height: float, spare: float | None) -> np.ndarray:
    """Heel and ball on the sole, of where the ball is from the ankle."""
    ahead = heading(ball)
    length = float(ball @ ahead)
    if spare is not None and length < 0.3 * spare:
        length = spare
    return np.stack([share * length * ahead - [0.0, height, 0.0] for share in (HEEL, BALL)])


def _ball(rig: Rig, side: str, places: np.ndarray) -> np.ndarray:
    """Where the ball of a foot is, from its ankle; nowhere where nothing tells."""
    ankle, skeleton = rig.joints[f"{side}_ankle"], rig.skeleton
    if f"{side}_foot" in rig.joints:
        return places[rig.joints[f"{side}_foot"]] - places[ankle]
    toes = [places[i] - places[ankle] for i in skeleton.children()[ankle]]
    if not toes and skeleton.end_sites is not None and np.isfinite(skeleton.end_sites[ankle]).all():
        tip = skeleton.world_rotations()[0, ankle] @ skeleton.end_sites[ankle]
        return tip @ rig.upright / _TIP
    return np.mean(toes, axis=0) if toes else np.zeros(3)

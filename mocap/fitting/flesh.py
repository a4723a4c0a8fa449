"""What of a body touches the world: four sole points, and balls that fill it roughly.

Balls are a crude body, but a smooth one: they keep people out of each other and knees out of the
floor. Their sizes are those of an adult of average build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mocap.fitting.rig import NAMES, Rig

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

#: The four foot points that rest, in the order of the take's contacts.
SOLES = ("left_heel", "left_toe", "right_heel", "right_toe")
#: Landmarks that stand for soles on bodies without sole landmarks.
_SPARE = {"heel": "heel", "toe": "big_toe"}
#: The three balls of the trunk come first: the spine is near the back, so that they are laid into
#: the skin at their joint's height, as large as fits.
_TRUNK = 3
#: Skin points with next to no flesh under them.
_TIPS = ("left_big_toe", "right_big_toe")
_TIP = 0.005
#: Joint a ball rides on, joint towards which it lies and how far along, radius in metres.
_BALLS: tuple[tuple[str, str, float, float], ...] = (
    *((joint, joint, 0.0, 0.0) for joint in ("pelvis", "spine2", "spine3")),
    ("head", "neck", -0.7, 0.11),
    *(
        (f"{side}_{joint}", f"{side}_{towards}", share, radius)
        for side in ("left", "right")
        for joint, towards, share, radius in (
            ("shoulder", "elbow", 0.1, 0.07),
            ("elbow", "wrist", 0.0, 0.045),
            ("elbow", "wrist", 0.5, 0.04),
            ("wrist", "elbow", -0.3, 0.04),
            ("hip", "knee", 0.5, 0.08),
            ("knee", "ankle", 0.0, 0.06),
            ("knee", "ankle", 0.5, 0.055),
            ("ankle", "knee", 0.0, 0.05),
        )
    ),
)
#: Share of a ball's radius that does not give way on the floor.
_FIRM = 0.6


@dataclass(frozen=True)
class Flesh:
    """Points that touch.

    Attributes:
        rig: carries the four soles, then the balls' centres.
        radii: (B,) of the balls, metres.
    """

    rig: Rig
    radii: Float[np.ndarray, " balls"]

    @property
    def soles(self) -> slice:
        """The soles among the points."""
        return slice(0, len(SOLES))

    @property
    def balls(self) -> slice:
        """The balls among the points."""
        return slice(len(SOLES), len(SOLES) + len(self.radii))

    @property
    def clearance(self) -> Float[np.ndarray, " points"]:
        """How far above the floor each point stays, metres."""
        return np.concatenate([np.zeros(len(SOLES)), _FIRM * self.radii])

    @classmethod
    def of(cls, body: Body, rig: Rig) -> Flesh:
        """The flesh of a body; ``rig`` is its rig."""
        marks, shapes = body.landmark_attachments(), rig.joint_directions.shape[-1]
        carriers, offsets, directions = [], [], []
        for sole in SOLES:
            side, part = sole.split("_")
            named = f"{sole}_sole"
            row = marks.names.index(named if named in marks.names else f"{side}_{_SPARE[part]}")
            joint = int(marks.joints[row])
            carriers.append(joint)
            offsets.append(marks.template[row])
            directions.append(marks.directions[row, :, :shapes])
        for joint_name, towards, share, _ in _BALLS:
            a, b = NAMES.index(joint_name), NAMES.index(towards)
            carriers.append(a)
            offsets.append(share * (rig.joints[b] - rig.joints[a]))
            directions.append(share * (rig.joint_directions[b] - rig.joint_directions[a]))
        radii = [radius for *_, radius in _BALLS]
        for ball in range(_TRUNK):
            at = len(SOLES) + ball
            offsets[at], radii[ball] = _within(body, rig.joints[carriers[at]])
        for tip in (name for name in _TIPS if name in marks.names):
            row = marks.names.index(tip)
            carriers.append(int(marks.joints[row]))
            offsets.append(marks.template[row])
            directions.append(marks.directions[row, :, :shapes])
            radii.append(_TIP)
        carried = Rig(
            rig.joints,
            rig.joint_directions,
            np.full(len(carriers), -1),
            np.array(carriers),
            np.array(offsets),
            np.array(directions),
        )
        return cls(carried, np.array(radii))


def _within(body: Body, joint: Float[np.ndarray, "3"]) -> tuple[np.ndarray, float]:
    """The middle of the trunk before a joint of the spine, from the joint, and half its depth."""
    skin = body.template.double().cpu().numpy()
    level = skin[(np.abs(skin[:, :2] - joint[:2]) < 0.03).all(1), 2]
    back, front = float(level.min()), float(level.max())
    return np.array([0.0, 0.0, 0.5 * (back + front) - joint[2]]), 0.5 * (front - back)

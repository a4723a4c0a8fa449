"""The ways in which a detector mistakes left for right: the whole body, the legs, or the arms.

A labeling says which of them to undo. It is an order of the 33 body points, so that undoing it
twice changes nothing.
"""

import numpy as np

from mocap.skeletons import MEDIAPIPE_33

_LEG_PARTS = ("hip", "knee", "ankle", "heel", "foot")
_ARM_PARTS = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb")


def _belongs(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)


_MIRROR = np.array(MEDIAPIPE_33.mirror)
_AS_TOLD = np.arange(len(MEDIAPIPE_33))
_IS_LEG = np.array([_belongs(name, _LEG_PARTS) for name in MEDIAPIPE_33.names])
# The index of a foot is a toe.
_IS_ARM = np.array([_belongs(name, _ARM_PARTS) for name in MEDIAPIPE_33.names]) & ~_IS_LEG

#: Points (12,) and (10,) that change places when arms or legs do.
ARM_POINTS, LEG_POINTS = np.flatnonzero(_IS_ARM), np.flatnonzero(_IS_LEG)

KEPT, ALL, LEGS, ARMS = range(4)
#: The order of points that each labeling gives, (4, 33).
ORDERS = np.stack(
    [_AS_TOLD, _MIRROR, np.where(_IS_LEG, _MIRROR, _AS_TOLD), np.where(_IS_ARM, _MIRROR, _AS_TOLD)]
)
#: Whether each labeling exchanges the arms, and the legs.
MOVES_ARMS, MOVES_LEGS = np.array([0, 1, 0, 1], bool), np.array([0, 1, 1, 0], bool)
#: The labeling that two labelings one after the other come to, for arms and legs, (4, 4).
PRODUCT = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])

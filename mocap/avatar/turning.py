"""Which way up points of a person may be when none of their axes is, and how a body turns to them.

People are flatter than they are wide or tall, in every pose they are captured in.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

#: Ways that somebody may face, in steps of so many degrees, and ways up in the plane that a person
#: is spread in: half of such a step is little enough for :func:`turned_to`.
_STEP = 30
FACINGS = Rotation.from_euler("y", np.arange(0, 360, _STEP)[:, None], degrees=True).as_matrix()
#: Steps in which a body is turned to points, and metres beyond which a pair is none at first and
#: at last.
_STEPS, _PAIRED = 20, (0.4, 0.1)


def ways_up(points: Float[np.ndarray, "points 3"]) -> list[Float[np.ndarray, "facings 3 3"]]:
    """Turns to our axes after which a person may be upright, those with the same way up together.

    A person is seen from the front or from behind. Whoever has their arms down may be as deep as
    wide: along the axis that the points are spread along most, they may face anywhere.
    """
    flat, _, tall = np.linalg.eigh(np.cov(points.T))[1].T
    frame = np.stack([np.cross(tall, flat), tall, flat])
    ways = []
    for degrees in range(0, 360, _STEP):
        up = Rotation.from_euler("z", degrees, degrees=True).as_matrix() @ frame
        ways.append((FACINGS if degrees % 180 == 0 else FACINGS[[0, len(FACINGS) // 2]]) @ up)
    return ways


def turned_to(
    points: Float[np.ndarray, "points 3"], surface: Float[np.ndarray, "vertices 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """How points are turned and then shifted to meet a surface that they are near to.

    Pair by pair, both ways, as a rigid whole (iterative closest points; Kabsch 1976).
    """
    turn, shift = np.eye(3), np.zeros(3)
    tree = cKDTree(surface)
    for paired in np.geomspace(*_PAIRED, _STEPS):
        placed = points @ turn.T + shift
        there_gap, there = tree.query(placed)
        back_gap, back = cKDTree(placed).query(surface)
        forth, home = there_gap < paired, back_gap < paired
        ours = np.concatenate([points[forth], points[back[home]]])
        theirs = np.concatenate([surface[there[forth]], surface[home]])
        if len(ours) < 3:
            break
        middle, aim = ours.mean(0), theirs.mean(0)
        turn = Rotation.align_vectors(theirs - aim, ours - middle)[0].as_matrix()
        shift = aim - turn @ middle
    return turn, shift

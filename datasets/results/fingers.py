"""Fingers of a skeleton with bones for them, as rotations of SMPL-X's.

Told in the axes of the palm, and from rest poses whose bones are laid on each other: skeletons hold
thumbs differently at rest, and some turn the last bone of a finger right round.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.exporters import SkeletalMotion, plain, table_for
from mocap.geometry import rotation_between
from mocap.skeletons import FINGERS, SMPLX_55

#: Bones shorter than this, in the file's unit, point nowhere.
_SHORTEST = 1e-6
#: How far no finger's joint turns, radians.
_MOST = 2.3


def finger_turns(motion: SkeletalMotion, body: Body) -> Float[np.ndarray, "frames 55 3"]:
    """Axis-angle rotations of SMPL-X's finger joints; zero for those the skeleton lacks.

    Args:
        motion: of any family of skeletons.
        body: ours.
    """
    table = table_for(motion.names)
    index = {plain(name): i for i, name in enumerate(motion.names)}
    known = {**table.places, **table.extras}
    theirs = {mine: index[name] for mine, name in known.items() if name in index}
    mine = body.rest_joints()[0].double().numpy()
    rest, tips = motion.rest_positions(), motion.end_sites
    found = np.zeros((len(motion), len(SMPLX_55), 3))
    for side in ("left", "right"):
        corners = (f"{side}_wrist", f"{side}_index1", f"{side}_pinky1")
        if not theirs.keys() >= set(corners):
            continue
        ours = _palm(*mine[SMPLX_55.indices(*corners)])
        palm = _palm(*rest[[theirs[name] for name in corners]])
        if ours is None or palm is None:
            continue
        # From our palm's axes to the file's.
        turn = palm @ ours.T
        for finger in FINGERS:
            chain = [f"{side}_{finger}{part}" for part in (1, 2, 3)]
            if not theirs.keys() >= set(chain):
                continue
            columns = [theirs[name] for name in chain]
            own = np.diff(mine[SMPLX_55.indices(*chain)], axis=0)
            other = np.diff(rest[columns], axis=0)
            tip = None if tips is None else tips[columns[-1]]
            # Ours ends straight on.
            ends = other[-1] if tip is None or not np.linalg.norm(tip) > _SHORTEST else tip
            if np.linalg.norm(other, axis=1).min() < _SHORTEST:
                continue
            told = turn.T @ motion.rotations[:, columns] @ turn
            bones = (np.concatenate([own, own[-1:]]), np.concatenate([other, ends[None]]) @ turn)
            found[:, SMPLX_55.indices(*chain)] = _laid(told, *bones)
    return found


def _laid(
    turns: Float[np.ndarray, "frames 3 3 3"],
    own: Float[np.ndarray, "3 3"],
    other: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "frames 3 3"]:
    """Axis-angles of a finger whose bones at rest are ``own``, from those of one with ``other``."""
    own, other = (bones / np.linalg.norm(bones, axis=1, keepdims=True) for bones in (own, other))
    above = np.eye(3)
    found: list[np.ndarray] = []
    for joint in range(3):
        lay = rotation_between(own[joint], other[joint])
        local = above.T @ turns[:, joint] @ lay
        if own[joint] @ other[joint] < 0:
            # Turned right round, about no axis in particular: only where it points is told.
            local = rotation_between(own[joint], (local @ own[joint]))
        vectors = Rotation.from_matrix(local).as_rotvec()
        # A finger that points back into itself is a slip of the file: it bends as it did before.
        broken = np.linalg.norm(vectors, axis=1, keepdims=True) > _MOST
        found.append(np.where(broken, found[-1] if found else 0.0, vectors))
        above = lay
    return np.stack(found, axis=1)


def _palm(
    wrist: Float[np.ndarray, "3"], index: Float[np.ndarray, "3"], pinky: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "3 3"] | None:
    """The palm's axes, along it first; None where these points span none."""
    along = (index + pinky) / 2 - wrist
    normal = np.cross(along, index - pinky)
    if not (np.linalg.norm(along) > 0 and np.linalg.norm(normal) > 0):
        return None
    along = along / np.linalg.norm(along)
    normal = normal / np.linalg.norm(normal)
    return np.stack([along, np.cross(normal, along), normal], -1)

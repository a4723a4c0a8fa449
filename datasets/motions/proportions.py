"""The shape of the open body that has a performer's proportions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mocap.datasets.motions.clip import MotionClip
from mocap.errors import MocapError
from mocap.fitting.rig import JOINTS, NAMES, Rig

_Ends = tuple[tuple[str, ...], tuple[str, ...]]

#: Spans between (the middles of) joints, and how far, in metres, skeletons of different programs
#: disagree about their length on one and the same person: hips and shoulders are put at different
#: depths, and necks begin anywhere.
_SPANS: tuple[tuple[_Ends, float], ...] = (
    *(
        (((f"{side}_{a}",), (f"{side}_{b}",)), 0.015)
        for side in ("left", "right")
        for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
    ),
    ((("left_shoulder",), ("right_shoulder",)), 0.03),
    ((("left_hip",), ("right_hip",)), 0.03),
    ((("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")), 0.02),
)


def proportions(clips: Sequence[MotionClip], rig: Rig) -> Float[np.ndarray, " shape"]:
    """The likeliest betas for the bones of one performer's clips.

    Bone lengths are all that is used: the least squares of their differences, each by how far
    skeletons disagree, and of the betas, by Gauss-Newton (lengths are nearly linear in betas).

    Args:
        clips: of one performer, metres.
        rig: of the body, with the number of betas wanted.

    Returns:
        The betas.

    Raises:
        MocapError: the clips tell the length of no bone.
    """
    rows, lengths, spreads = [], [], []
    for ends, spread in _SPANS:
        told = [_length(clip, ends) for clip in clips]
        known = [length for length in told if length is not None and np.isfinite(length)]
        if known:
            row = np.zeros(JOINTS)
            for names, sign in zip(ends, (-1.0, 1.0), strict=True):
                row[[NAMES.index(name) for name in names]] = sign / len(names)
            rows.append(row)
            lengths.append(float(np.median(known)))
            spreads.append(spread)
    if not rows:
        raise MocapError(f"{clips[0].name if clips else 'no clips'}: no bone's length is known")
    sums = np.array(rows)
    change = np.einsum("bj,jik->bik", sums, rig.joint_directions)
    betas = np.zeros(rig.joint_directions.shape[-1])
    weight = 1.0 / np.array(spreads)
    for _ in range(8):
        rest, _ = rig.shaped(betas)
        bones = sums @ rest
        size = np.linalg.norm(bones, axis=-1)
        slope = np.einsum("bi,bik->bk", bones / size[:, None], change) * weight[:, None]
        missing = (np.array(lengths) - size) * weight
        normal = slope.T @ slope + np.eye(len(betas))
        betas = np.linalg.solve(normal, slope.T @ (missing + slope @ betas))
    return betas


def _length(clip: MotionClip, ends: _Ends) -> float | None:
    places = [[clip.place(name) for name in names] for names in ends]
    if any(place is None for end in places for place in end):
        return None
    start, end = (np.mean([place for place in end if place is not None], 0) for end in places)
    return float(np.nanmedian(np.linalg.norm(end - start, axis=-1)))

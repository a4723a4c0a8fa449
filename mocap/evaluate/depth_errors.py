"""What is wrong with 3D poses of COCO's 17 points, frame by frame.

Poses are in metres from the middle of the hips, in facing axes (x right, y down, z away from the
camera). Where a point or its truth is missing, so is the error: NaN.
"""

import numpy as np
from jaxtyping import Float

from mocap.evaluate.averages import mean
from mocap.evaluate.joints import BONES, HIPS, LIMBS, ROOT
from mocap.evaluate.positions import procrustes_errors, root_aligned_errors
from mocap.geometry import unit_vectors
from mocap.skeletons import COCO_17

#: The twelve limb joints among COCO's 17.
LIMB_POINTS = np.array(COCO_17.indices(*LIMBS))
#: Bones whose depth extent a detector may get the wrong way round.
DEPTH_BONES: dict[str, tuple[tuple[str, str], ...]] = {
    "arms": tuple(
        (f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"))
    ),
    "thighs": tuple((f"{side}_hip", f"{side}_knee") for side in ("left", "right")),
    "shanks": tuple((f"{side}_knee", f"{side}_ankle") for side in ("left", "right")),
}
#: Metres of depth extent under which its sign is nobody's fault.
LEAST_EXTENT = 0.05

Poses = Float[np.ndarray, "frames 17 3"]


def limb_errors(predicted: Poses, true: Poses) -> Float[np.ndarray, "frames 12"]:
    """MPJPE before the mean: metres, the hips' middles laid on each other."""
    return root_aligned_errors(predicted[:, LIMB_POINTS], true[:, LIMB_POINTS], ROOT)


def limb_procrustes_errors(predicted: Poses, true: Poses) -> Float[np.ndarray, "frames 12"]:
    """PA-MPJPE before the mean: metres, a similarity of its own for every frame."""
    known = np.isfinite(true).all(-1)[:, LIMB_POINTS]
    # A point without truth must not take part in the alignment of those with.
    shown = np.where(known[..., None], predicted[:, LIMB_POINTS], np.nan)
    return procrustes_errors(shown, true[:, LIMB_POINTS])


def axis_errors(
    predicted: Poses, true: Poses
) -> tuple[Float[np.ndarray, "frames 12"], Float[np.ndarray, "frames 12"]]:
    """Errors along the viewing axis and across it, metres, without their signs."""
    gap = _centred(predicted) - _centred(true)
    return np.abs(gap[..., 2]), np.linalg.norm(gap[..., :2], axis=-1)


def _centred(poses: Poses) -> Float[np.ndarray, "frames 12 3"]:
    limbs = poses[:, LIMB_POINTS]
    return limbs - limbs[:, list(ROOT)].mean(1, keepdims=True)


def wrong_signs(
    predicted: Poses, true: Poses, bones: tuple[tuple[str, str], ...]
) -> Float[np.ndarray, "frames bones"]:
    """1 where a bone goes away from the camera that truly comes towards it, or the reverse.

    0 where its sign is right, NaN where its true extent in depth is below :data:`LEAST_EXTENT`.
    """
    starts, ends = (COCO_17.indices(*names) for names in zip(*bones, strict=True))
    found, wanted = (poses[:, ends, 2] - poses[:, starts, 2] for poses in (predicted, true))
    telling = (np.abs(wanted) > LEAST_EXTENT) & np.isfinite(found)
    return np.where(telling, np.where(found * wanted > 0, 0.0, 1.0), np.nan)


def bone_variation_share(
    predicted: Poses, true: Poses, sequence: np.ndarray | None = None
) -> float:
    """How much bones change their length: standard deviation over mean of predicted/true length.

    True bones being rigid, this is the usual variation of a length wherever frames are of one
    body, and it can be told of frames of many bodies too.

    Args:
        predicted: poses.
        true: poses.
        sequence: (F,) which frames belong together; the mean over those with several frames is
            taken. All belong together if None, or if no sequence has several frames.
    """
    groups = np.zeros(len(true), int) if sequence is None else np.asarray(sequence)
    numbers, groups = np.unique(groups, return_inverse=True)
    if len(numbers) == len(true):
        groups = np.zeros(len(true), int)
    found = []
    for a, b in BONES:
        start, end = COCO_17.indices(a, b)
        spans = [np.linalg.norm(p[:, end] - p[:, start], axis=-1) for p in (predicted, true)]
        found.append(_variation(spans[0] / np.maximum(spans[1], 1e-6), groups))
    return mean(np.concatenate(found)) if found else float("nan")


def _variation(ratios: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Standard deviation over mean of each group with several finite ratios."""
    known = np.isfinite(ratios)
    groups, ratios = groups[known], ratios[known].astype(float)
    if not len(ratios):
        return np.full(1, np.nan)
    count = np.bincount(groups)
    middle = np.bincount(groups, ratios) / np.maximum(count, 1)
    spread = np.bincount(groups, (ratios - middle[groups]) ** 2) / np.maximum(count, 1)
    several = (count > 1) & (middle > 0)
    return np.sqrt(spread[several]) / middle[several]


def torso_directions(poses: Poses) -> Float[np.ndarray, "frames 3"]:
    """The direction to the camera by the pose alone, the torso taken for upright: heading axes.

    What a raw 3D pose tells of the viewpoint, for comparison: wrong wherever somebody bends.
    """
    left, right = (poses[:, COCO_17.index(name)] for name in HIPS)
    shoulders = poses[:, COCO_17.indices("left_shoulder", "right_shoulder")].mean(1)
    up = unit_vectors(shoulders - 0.5 * (left + right))
    side = left - right
    side = unit_vectors(side - np.sum(side * up, -1, keepdims=True) * up)
    axes = np.stack([side, up, np.cross(side, up)], 1)
    # The camera is where facing axes' z comes from.
    return axes @ np.array([0.0, 0.0, -1.0])


def direction_errors(
    predicted: Float[np.ndarray, "frames 3"], true: Float[np.ndarray, "frames 3"]
) -> Float[np.ndarray, " frames"]:
    """Angles between directions, radians."""
    sine = np.linalg.norm(np.cross(predicted, true), axis=-1)
    return np.arctan2(sine, np.sum(predicted * true, -1))


def turn(angles: np.ndarray) -> np.ndarray:
    """Differences of angles brought to between -π and π."""
    return np.angle(np.exp(1j * angles))

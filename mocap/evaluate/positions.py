"""How far joints are from where they should be.

All functions take predicted and true joints (F, J, 3) in metres and give the distance of each in
metres, NaN where either is missing; whoever reports them takes the mean.
"""

import numpy as np
from jaxtyping import Float

from mocap.evaluate.alignment import fit_similarity, root_relative
from mocap.evaluate.averages import row_means

#: WHAM's and GVHMR's length of a window, in frames.
WINDOW_FRAMES = 100


def distances(predicted: np.ndarray, true: np.ndarray) -> Float[np.ndarray, "frames joints"]:
    """How far each joint is off as it stands."""
    return np.linalg.norm(predicted - true, axis=-1)


def root_aligned_errors(
    predicted: Float[np.ndarray, "frames joints 3"],
    true: Float[np.ndarray, "frames joints 3"],
    root: tuple[int, int],
) -> Float[np.ndarray, "frames joints"]:
    """MPJPE before the mean: the hips' middles laid on each other, axes as they are.

    Args:
        predicted: joints, in the axes of the truth.
        true: joints.
        root: positions of the hips among them.
    """
    return distances(root_relative(predicted, root), root_relative(true, root))


def procrustes_errors(
    predicted: Float[np.ndarray, "frames joints 3"], true: Float[np.ndarray, "frames joints 3"]
) -> Float[np.ndarray, "frames joints"]:
    """PA-MPJPE before the mean: a similarity of its own for every frame."""
    return distances(fit_similarity(predicted, true)(predicted), true)


def window_errors(
    predicted: Float[np.ndarray, "frames joints 3"],
    true: Float[np.ndarray, "frames joints 3"],
    frames: int = WINDOW_FRAMES,
    *,
    whole: bool,
    scaled: bool = True,
) -> Float[np.ndarray, "frames joints"]:
    """WA-MPJPE (``whole``) or W-MPJPE before the mean.

    As WHAM (Shin et al., CVPR 2024) and GVHMR (Shen et al., SIGGRAPH Asia 2024) have it: the clip
    is cut into windows, the last one shorter; one similarity (rotation, shift and scale) a window,
    fitted to all of its frames for WA and to its first two for W. The first two are the first two
    in which both sides have joints. Joints of several people, put side by side along the joints'
    axis, share one alignment, and then their places relative to each other count.

    Args:
        predicted: joints in any world.
        true: joints in another.
        frames: length of a window.
        whole: whether all frames of a window are aligned, or its first two.
        scaled: whether the alignment may scale, as theirs does.
    """
    errors = np.full(true.shape[:2], np.nan)
    for start in range(0, len(true), max(frames, 2)):
        part = slice(start, start + max(frames, 2))
        a, b = predicted[part], true[part]
        both = (np.isfinite(a).all(-1) & np.isfinite(b).all(-1)).sum(1) >= 3
        chosen = np.flatnonzero(both)
        # One frame cannot tell where a motion goes.
        if len(chosen) < 2:
            continue
        chosen = chosen if whole else chosen[:2]
        lay = fit_similarity(a[chosen].reshape(-1, 3), b[chosen].reshape(-1, 3), scaled=scaled)
        errors[part] = distances(lay(a), b)
    return errors


def root_distance_errors(
    predicted: Float[np.ndarray, "people frames 3"], true: Float[np.ndarray, "people frames 3"]
) -> Float[np.ndarray, "pairs frames"]:
    """How far off the distance between each two people is, metres, whatever the world's axes.

    Args:
        predicted: everybody's root.
        true: everybody's root, in the same order.
    """
    first, second = np.triu_indices(len(true), 1)
    spans = [np.linalg.norm(roots[first] - roots[second], axis=-1) for roots in (predicted, true)]
    return np.abs(spans[0] - spans[1])


def swapped_share(
    predicted: Float[np.ndarray, "frames joints 3"],
    true: Float[np.ndarray, "frames joints 3"],
    root: tuple[int, int],
    mirror: tuple[int, ...],
) -> float:
    """Share of frames that fit the truth clearly better with left and right exchanged.

    Args:
        predicted: joints, in the axes of the truth.
        true: joints.
        root: positions of the hips among them.
        mirror: for each joint the position of its counterpart.
    """
    kept = root_aligned_errors(predicted, true, root)
    exchanged = root_aligned_errors(predicted[:, list(mirror)], true, root)
    known = np.isfinite(kept) & np.isfinite(exchanged)
    rows = known.any(1)
    if not rows.any():
        return float("nan")
    means = [row_means(np.where(known, part, np.nan))[rows] for part in (kept, exchanged)]
    return float(np.mean(means[1] < 0.8 * means[0]))

"""Where the detector sees joints, beside where the body's keypoints are.

    python benchmarks/keypoint_offsets.py --data pairs/ [--split train]

Each joint's places in the pictures, compared with the true ones, give its mean offset in three
dimensions: cameras all round see it from all sides. Axes are those of the bone that the offset is
fixed to: to the left, towards the bone's upper end (up, at hips and shoulders), to the front;
millimetres. What is printed is what remains, to be added to the body file's keypoints
(``mocap.body.builder_landmarks``), of which limbs keep the part along the bone. ``off by`` is the
median distance between picture and truth, ``moved`` what remains of it with the offset.
"""

from argparse import ArgumentParser

import numpy as np
from jaxtyping import Bool, Float

from mocap.datasets.pairs import SPLITS, Pairs, read_pairs
from mocap.skeletons import COCO_17

#: Joints, and the ends of the bone whose frame tells their offset; None is the trunk.
JOINTS: dict[str, tuple[str, str] | None] = {
    "shoulder": None,
    "elbow": ("shoulder", "elbow"),
    "wrist": ("elbow", "wrist"),
    "hip": None,
    "knee": ("hip", "knee"),
    "ankle": ("knee", "ankle"),
}
#: Confidence from which points count, and how far off, metres, they are somewhere else.
SURE, LOST = 0.8, 0.15
#: Distance at which a point counts half, metres.
SOFT = 0.03


def main() -> None:
    """Measure a store."""
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="a store of pairs whose true 2D is known")
    parser.add_argument("--split", choices=SPLITS, default="train")
    options = parser.parse_args()
    pairs = read_pairs(options.data, splits=[options.split])
    if pairs.truth_2d is None or not len(pairs):
        raise SystemExit(
            f"{options.data}: no pairs with true 2D; mocap dataset synthesize makes some"
        )
    seen = in_metres(pairs)
    print(f"{len(pairs)} poses; millimetres: left, up the bone, front")
    for joint in JOINTS:
        for side in ("left", "right"):
            show(pairs, seen, side, joint)


def in_metres(pairs: Pairs) -> Float[np.ndarray, "poses 17 2"]:
    """How far each point is seen from where it is, metres at its distance, x right and y down."""
    assert pairs.truth_2d is not None
    truth = pairs.ground_truth.astype(float)
    distance = np.linalg.norm(pairs.camera_relative, axis=-1)[:, None]
    nearer = distance / (distance + truth[..., 2])
    flat = truth[..., :2] * nearer[..., None]
    flat, pixels = (
        flat - flat.mean(1, keepdims=True),
        pairs.truth_2d - pairs.truth_2d.mean(1, keepdims=True),
    )
    scale = np.sqrt((pixels**2).sum((1, 2)) / (flat**2).sum((1, 2)))
    return (pairs.pose_2d - pairs.truth_2d) / (scale[:, None] * nearer)[..., None]


def show(pairs: Pairs, seen: np.ndarray, side: str, joint: str) -> None:
    """Print one joint's line."""
    row = COCO_17.index(f"{side}_{joint}")
    axes, gap = bone_axes(pairs.ground_truth.astype(float), side, joint), seen[:, row]
    away = np.linalg.norm(gap, axis=-1)
    known = np.isfinite(axes).all((1, 2)) & (pairs.visibility[:, row] > SURE) & (away < LOST)
    offset = mean_offset(axes, gap, known)
    left = np.linalg.norm(gap[known] - axes[known, :2] @ offset, axis=-1)
    told = " ".join(f"{1e3 * value:5.0f}" for value in offset)
    print(
        f"{side + ' ' + joint:15} {told}   off by {1e3 * np.median(away[known]):3.0f}, "
        f"moved {1e3 * np.median(left):3.0f}   ({known.sum()} poses)"
    )


def bone_axes(
    truth: Float[np.ndarray, "poses 17 3"], side: str, joint: str
) -> Float[np.ndarray, "poses 3 3"]:
    """Columns: to the left, up the bone, to the front."""

    def at(name: str) -> np.ndarray:
        return truth[:, COCO_17.index(name)]

    def across(name: str) -> np.ndarray:
        return at(f"left_{name}") - at(f"right_{name}")

    bone = JOINTS[joint]
    if bone is None:
        up = sum(at(f"{s}_shoulder") - at(f"{s}_hip") for s in ("left", "right"))
        left = across(joint)
    else:
        up = at(f"{side}_{bone[0]}") - at(f"{side}_{bone[1]}")
        left = across("hip" if joint in ("knee", "ankle") else "shoulder")
    y = up / np.linalg.norm(up, axis=-1, keepdims=True)
    x = left - (left * y).sum(-1, keepdims=True) * y
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], -1)


def mean_offset(
    axes: Float[np.ndarray, "poses 3 3"],
    gap: Float[np.ndarray, "poses 2"],
    known: Bool[np.ndarray, " poses"],
) -> Float[np.ndarray, "3"]:
    """The offset whose picture is nearest to the gaps; far ones count little."""
    rows, values, weight = axes[known, :2], gap[known], np.ones(known.sum())
    offset = np.zeros(3)
    for _ in range(10):
        normal = np.einsum("nij,nik,n->jk", rows, rows, weight)
        offset = np.linalg.solve(normal, np.einsum("nij,ni,n->j", rows, values, weight))
        weight = 1 / (1 + (np.linalg.norm(values - rows @ offset, axis=-1) / SOFT) ** 2)
    return offset


if __name__ == "__main__":
    main()

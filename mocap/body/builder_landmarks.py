"""Named points on the open body's surface, found from its geometry and its rig."""

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from mocap.body.builder_source import FINGERS, Source
from mocap.body.landmarks import KEYPOINT_ARRAYS
from mocap.skeletons import SMPLX_55

#: Vertices a point may be the mean of; unused places have weight zero.
_POINTS = 8

#: Where MediaPipe sees joints of the left side, as measured on renders of this body with
#: ``benchmarks/keypoint_offsets.py``: the joint that carries the place, and metres from the joint
#: in the T-pose (to the left, up, to the front), for bodies of any size.
_SEEN_BESIDE = {
    "shoulder": ("collar", (-0.016, 0.027, -0.007)),
    "hip": ("pelvis", (0.0, 0.009, 0.017)),
}
#: The same for places that lie on the bone: the joint at its other end, and metres towards it.
_SEEN_ALONG = {
    "elbow": ("shoulder", 0.022),
    "wrist": ("elbow", -0.007),
    "knee": ("hip", 0.012),
    "ankle": ("knee", 0.030),
}


def find_landmarks(
    source: Source,
    template: Float[np.ndarray, "vertices 3"],
    joints: Float[np.ndarray, "55 3"],
    weights: Float[np.ndarray, "vertices 55"],
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Landmarks as sparse means of vertices.

    Left ones are searched, right ones mirrored. The names are MediaPipe's where it has the point
    (``left_index``, ``left_pinky`` and ``left_thumb`` are knuckles there), BODY_25's for toes,
    ``…_tip`` for fingertips and ``…_sole`` for the lowest skin under heel and ball of the foot.

    Args:
        source: for the bones' weights and the face targets.
        template: vertices of the mean body in the T-pose, metres.
        joints: its joints.
        weights: skin weights of the joints.

    Returns:
        Names, vertices (L, 8) and weights (L, 8).
    """
    left = _face(source, template, weights) | _foot(source, template, joints)
    left |= _hand(source, template, joints)
    names, vertices, shares = [], [], []
    for name, points in (_nose(template, weights) | left).items():
        for label, chosen in ((name, points), (_right(name), source.mirror[points])):
            if label in names:
                continue
            names.append(label)
            pad = _POINTS - len(chosen)
            vertices.append(np.pad(chosen, (0, pad)))
            shares.append(np.pad(np.full(len(chosen), 1.0 / len(chosen)), (0, pad)))
    return names, np.stack(vertices), np.stack(shares)


def find_keypoints(joints: Float[np.ndarray, "55 3"]) -> dict[str, np.ndarray]:
    """The arrays :data:`mocap.body.landmarks.KEYPOINT_ARRAYS` of a body file.

    Args:
        joints: of the mean body in the T-pose, metres.
    """
    found: list[tuple[str, str, np.ndarray]] = []
    for name, (carrier, beside) in _SEEN_BESIDE.items():
        found.append((name, carrier, np.array(beside)))
    for name, (carrier, distance) in _SEEN_ALONG.items():
        bone = joints[SMPLX_55.index(f"left_{carrier}")] - joints[SMPLX_55.index(f"left_{name}")]
        found.append((name, carrier, distance * bone / np.linalg.norm(bone)))
    both = [
        (f"{side}_{name}", carrier if carrier == "pelvis" else f"{side}_{carrier}", sign * offset)
        for side, sign in (("left", np.ones(3)), ("right", np.array([-1.0, 1.0, 1.0])))
        for name, carrier, offset in found
    ]
    names, carriers, offsets = zip(*both, strict=True)
    values = (
        np.array(names),
        np.array(SMPLX_55.indices(*names)),
        np.array(SMPLX_55.indices(*carriers)),
        np.array(offsets, np.float32),
    )
    return dict(zip(KEYPOINT_ARRAYS, values, strict=True))


def _right(name: str) -> str:
    return name.replace("left", "right")


def _extreme(candidates: np.ndarray, score: np.ndarray, count: int) -> np.ndarray:
    """The candidates with the highest score, best first."""
    return candidates[np.argsort(-score[candidates], kind="stable")[:count]]


def _nose(template: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    head = np.flatnonzero(weights[:, SMPLX_55.index("head")] > 0.5)
    return {"nose": _extreme(head, template[:, 2], 1)}


def _face(source: Source, template: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    eyeball = np.flatnonzero(weights[:, SMPLX_55.index("left_eye_smplhf")] > 0.5)
    corners = [_left(source, template, f"l-eye-corner{k}-up") for k in (1, 2)]
    inner, outer = sorted(corners, key=lambda v: template[v, 0])
    mouth = _left(source, template, "mouth-angles-up")
    ear = _left(source, template, "l-ear-trans-forward")
    return {
        "left_eye": _extreme(eyeball, template[:, 2], _POINTS),
        "left_eye_inner": np.array([inner]),
        "left_eye_outer": np.array([outer]),
        "left_ear": np.array([ear]),
        "mouth_left": np.array([mouth]),
    }


def _left(source: Source, template: np.ndarray, target: str) -> int:
    peak = source.peaks[target]
    return peak if template[peak, 0] >= 0 else int(source.mirror[peak])


def _bone_skin(source: Source, bone: str) -> np.ndarray:
    """Vertices that follow a bone more than any other."""
    return np.flatnonzero(source.weights.argmax(axis=1) == source.bones.index(bone))


def _foot(source: Source, template: np.ndarray, joints: np.ndarray) -> dict[str, np.ndarray]:
    left = np.flatnonzero(template[:, 0] > 0)
    floor = template[:, 1].min()
    ankle, ball = (joints[SMPLX_55.index(f"left_{n}")] for n in ("ankle", "foot"))
    low = left[template[left, 1] < floor + 0.04]
    behind = low[template[low, 2] < ankle[2]]
    big_toe = _extreme(_bone_skin(source, "toe1-2.L"), template[:, 2], 4)
    ahead = low[np.abs(template[low, 2] - ball[2]) < 0.03]
    inside = ahead[template[ahead, 0] < ball[0]]
    return {
        "left_heel": _extreme(behind, -template[:, 2], 4),
        "left_big_toe": big_toe,
        "left_foot_index": big_toe,
        "left_small_toe": _extreme(_bone_skin(source, "toe5-3.L"), template[:, 2], 4),
        "left_heel_sole": _extreme(behind, -template[:, 1], _POINTS),
        "left_toe_sole": _extreme(inside, -template[:, 1], _POINTS),
    }


def _hand(source: Source, template: np.ndarray, joints: np.ndarray) -> dict[str, np.ndarray]:
    found = {}
    for number, finger in enumerate(FINGERS, start=1):
        middle, last = (joints[SMPLX_55.index(f"left_{finger}{k}")] for k in (2, 3))
        reach = template @ (last - middle)
        found[f"left_{finger}_tip"] = _extreme(_bone_skin(source, f"finger{number}-3.L"), reach, 4)
    tree = cKDTree(template)
    for finger, joint in (("index", "index1"), ("pinky", "pinky1"), ("thumb", "thumb2")):
        place = joints[SMPLX_55.index(f"left_{joint}")]
        found[f"left_{finger}"] = _around(tree, template, place)
    return found


def _around(tree: cKDTree, template: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Vertices on all sides of an inner point, so that their mean comes near it."""
    nearby = tree.query(place, 120)[1]
    chosen: list[int] = []
    for _ in range(_POINTS):
        total = template[chosen].sum(axis=0) if chosen else np.zeros(3)
        rest = np.array([v for v in nearby if v not in chosen])
        means = (total + template[rest]) / (len(chosen) + 1)
        chosen.append(int(rest[np.argmin(np.linalg.norm(means - place, axis=1))]))
    return np.array(chosen)

"""Which points are compared, and what other programs call them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mocap.skeletons import SKELETONS, SMPLX_55
from mocap.take import Person

# PyTorch takes seconds to import: only what poses a body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

_SIDES = ("left", "right")

#: The twelve limb joints that every body format and every detector has: what is compared.
LIMBS: tuple[str, ...] = tuple(
    f"{side}_{joint}"
    for side in _SIDES
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
#: Their middle is the root.
HIPS = ("left_hip", "right_hip")
#: Positions of the hips in `LIMBS`.
ROOT = (LIMBS.index(HIPS[0]), LIMBS.index(HIPS[1]))
#: Position in `LIMBS` of each joint's counterpart on the other side.
MIRROR: tuple[int, ...] = tuple(
    LIMBS.index(name.replace("left", "right") if "left" in name else name.replace("right", "left"))
    for name in LIMBS
)
#: Pairs of `LIMBS` between which a body is rigid.
BONES: tuple[tuple[str, str], ...] = (
    HIPS,
    *(
        (f"{side}_{a}", f"{side}_{b}")
        for side in _SIDES
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ),
)
#: Joints that bend, between the joints before and behind them.
BENDS: dict[str, tuple[str, str, str]] = {
    f"{side}_{joint}": (f"{side}_{before}", f"{side}_{joint}", f"{side}_{behind}")
    for side in _SIDES
    for before, joint, behind in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
}

_SIDE_WORDS = {"l": "left", "left": "left", "r": "right", "right": "right"}
_SAME = {
    "hips": "pelvis",
    "root": "pelvis",
    "midhip": "mid_hip",
    "bigtoe": "big_toe",
    "smalltoe": "small_toe",
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def canonical(name: str) -> str:
    """A joint's name as SMPL-X and COCO write it: ``RHip``, ``hip_r``, ``right hip`` alike.

    Names that follow no known pattern come back in lower case, words joined by underscores.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    sides = [_SIDE_WORDS[word] for word in words if word in _SIDE_WORDS]
    rest = "_".join(word for word in words if word not in _SIDE_WORDS)
    if not sides and len(words) == 1 and words[0][:1] in "lr":
        # "lhip": a side's letter before the name of a limb.
        side, rest_of_word = _SIDE_WORDS[words[0][0]], words[0][1:]
        if f"{side}_{rest_of_word}" in (*LIMBS, f"{side}_ear", f"{side}_eye", f"{side}_heel"):
            return f"{side}_{rest_of_word}"
    rest = _SAME.get(rest, rest)
    return "_".join([*sides[:1], rest]) if rest else "_".join(sides)


def pick(
    points: Float[np.ndarray, "frames points d"], names: Sequence[str], wanted: Sequence[str]
) -> Float[np.ndarray, "frames wanted d"]:
    """The wanted points, in that order; NaN for those there are none of."""
    found = np.full((len(points), len(wanted), points.shape[-1]), np.nan)
    for row, name in enumerate(wanted):
        if name in names:
            found[:, row] = points[:, list(names).index(name)]
    return found


def fitted_points(person: Person, wanted: Sequence[str] = LIMBS) -> np.ndarray | None:
    """(F, wanted, 3) joints of a person's body, world metres; None without a body."""
    if person.body is None:
        return None
    return pick(np.asarray(person.body.joints, float), SMPLX_55.names, wanted)


def fitted_keypoints(
    person: Person, body: Body | None, wanted: Sequence[str] = LIMBS
) -> np.ndarray | None:
    """(F, wanted, 3) where detectors see those joints of a person's body, world metres.

    The joints themselves where the body model, which may say more, is not at hand or another one.
    """
    seen = None if body is None else posed_points(person, body, wanted)
    return fitted_points(person, wanted) if seen is None else seen


def posed_points(
    person: Person, body: Body, wanted: Sequence[str]
) -> Float[np.ndarray, "frames wanted 3"] | None:
    """Landmarks or joints of a person's body, world metres.

    None without a motion, or where the motion is of another body model: shape parameters belong to
    the model they were fitted with.
    """
    if person.body is None or person.body.model_sha256 != body.sha256:
        return None
    import torch

    with torch.no_grad():
        posed = body.forward(person.body, return_landmarks=True)
    return body.named_points(posed, wanted).double().cpu().numpy()


def detected_points(person: Person, wanted: Sequence[str] = LIMBS) -> np.ndarray | None:
    """(F, wanted, 3) the detector's metric points; None if there are none.

    Metres from the hips' middle, in the axes of a camera that faces the person.
    """
    keypoints = person.keypoints3d
    if keypoints is None:
        return None
    return pick(np.asarray(keypoints.xyz, float), SKELETONS[keypoints.skeleton].names, wanted)


def refined_points(person: Person, wanted: Sequence[str] = LIMBS) -> np.ndarray | None:
    """(F, wanted, 3) the detector's metric points with their depth put right; None if they are not.

    Metres from the hips' middle, in the axes of a camera that faces the person.
    """
    refined = person.refined3d
    if refined is None:
        return None
    return pick(np.asarray(refined.xyz, float), SKELETONS[refined.skeleton].names, wanted)


def detected_pixels(
    person: Person, wanted: Sequence[str] = LIMBS
) -> tuple[np.ndarray, np.ndarray] | None:
    """(F, wanted, 2) pixels and (F, wanted) confidences of the detector; None if there are none."""
    keypoints = person.keypoints2d
    if keypoints is None:
        return None
    names = SKELETONS[keypoints.skeleton].names
    xy = pick(np.asarray(keypoints.xy, float), names, wanted)
    told = pick(np.asarray(keypoints.confidence, float)[..., None], names, wanted)[..., 0]
    return xy, np.where(np.isfinite(xy).all(-1), np.nan_to_num(told), 0.0)


def picture_height(person: Person) -> float:
    """The longer side of all detected points, pixels, median over the frames; NaN if none."""
    if person.keypoints2d is None:
        return float("nan")
    return longer_side(np.asarray(person.keypoints2d.xy, float))


def longer_side(pixels: Float[np.ndarray, "frames points 2"]) -> float:
    """The longer side of all points of a frame, median over the frames; NaN where none are two."""
    known = pixels[np.isfinite(pixels).all(-1).sum(1) >= 2]
    if not len(known):
        return float("nan")
    return float(np.median((np.nanmax(known, 1) - np.nanmin(known, 1)).max(-1)))

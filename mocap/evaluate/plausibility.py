"""Whether a motion is one at all.

Jitter, foot slide and bone lengths are perfect for a statue, and mean nothing for a motion that is
missing or has its sides exchanged. These checks need no truth; what fails them is not measured.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mocap.evaluate.alignment import root_relative
from mocap.evaluate.averages import row_means
from mocap.evaluate.joints import (
    MIRROR,
    ROOT,
    detected_pixels,
    detected_points,
    fitted_points,
    picture_height,
)
from mocap.skeletons import SMPLX_55
from mocap.take import Person, Take

#: A motion of fewer frames is too short to tell a statue from somebody who stands still.
_LEAST_FRAMES = 10
#: Metres: no living body holds its limbs this still for that long.
_STILL = 1e-4
#: Metres the detector must see limbs range over, and the share of it that a body must follow;
#: stretches of the clip whose medians are looked at, and frames enough for that.
_RANGES, _FOLLOWS, _STRETCHES, _ENOUGH = 0.08, 0.1, 10, 30
#: Metres between the outermost joints of a person, in most frames.
_SMALLEST, _LARGEST = 0.4, 2.6
#: Share of the frames that can tell in which sides must be wrong; pixels count when they exchange
#: a distance for one this much smaller.
_MOSTLY, _CLEARLY = 0.5, 0.8
_SURE = 0.5


def problems(take: Take, person: Person) -> tuple[str, ...]:
    """What makes a person's motion no motion, in words; empty if nothing does."""
    joints = fitted_points(person)
    if joints is None or person.body is None:
        return ("empty: there is no fitted motion",)
    if not len(joints):
        return ("empty: the motion has no frames",)
    arrays = (person.body.joints, person.body.global_orient, person.body.body_pose)
    missing = ~np.logical_and.reduce(
        [np.isfinite(array).reshape(len(joints), -1).all(1) for array in arrays]
    )
    if missing.any():
        return (f"NaN: {missing.mean():.0%} of the frames hold numbers that are none",)
    checks = (
        _size(np.asarray(person.body.joints, float)),
        _stillness(joints, detected_points(person)),
        _sides(np.asarray(person.body.joints, float)) or _sides_in_picture(take, person, joints),
    )
    return tuple(found for found in checks if found)


def _size(joints: Float[np.ndarray, "frames 55 3"]) -> str | None:
    extent = float(np.median(np.linalg.norm(np.ptp(joints, axis=1), axis=-1)))
    if _SMALLEST <= extent <= _LARGEST:
        return None
    return f"size: joints are {extent:.2f} m apart, which no person's are"


def _stillness(
    joints: Float[np.ndarray, "frames limbs 3"], detected: np.ndarray | None
) -> str | None:
    if len(joints) < _LEAST_FRAMES:
        return None
    relative = root_relative(joints, ROOT)
    if np.ptp(relative, axis=0).max() < _STILL:
        return "frozen: the pose never changes"
    stopped = np.linalg.norm(np.diff(relative, axis=0), axis=-1).max(1) < 1e-6
    if stopped.mean() > _MOSTLY:
        return f"frozen: the pose does not change in {stopped.mean():.0%} of the frames"
    if detected is None:
        return None
    seen = root_relative(detected, ROOT)
    seen = seen[np.isfinite(seen).all((1, 2))]
    if len(seen) < _ENOUGH:
        return None
    ranges, wanted = _range(relative), _range(seen)
    if wanted > _RANGES and ranges < _FOLLOWS * wanted:
        return f"frozen: limbs range over {ranges * 1e3:.0f} mm, where {wanted * 1e3:.0f} are seen"
    return None


def _range(relative: Float[np.ndarray, "frames limbs 3"]) -> float:
    """How far limbs range in the course of the clip, metres; a detector's noise moves no statue."""
    stretches = np.array_split(relative, _STRETCHES)
    medians = np.stack([np.median(part, axis=0) for part in stretches if len(part)])
    return float(np.linalg.norm(np.ptp(medians, axis=0), axis=-1).mean())


def _sides(joints: Float[np.ndarray, "frames 55 3"]) -> str | None:
    """Feet that point backwards: shanks, hips and toes of a body tell left from right."""
    found = facing(joints)
    found = found[np.isfinite(found)]
    if len(found) and np.mean(found < 0) > _MOSTLY:
        return f"sides: left and right are exchanged in {np.mean(found < 0):.0%} of the frames"
    return None


def facing(joints: Float[np.ndarray, "frames 55 3"]) -> Float[np.ndarray, " frames"]:
    """How much feet point where hips and shanks say is forward: 1 wholly, -1 backwards.

    Left times up is forward. Up is the shank's, at nearly a right angle to the foot however
    somebody sits or bends. NaN where it cannot be told, as in the splits.

    Args:
        joints: SMPL-X's 55, metres.
    """
    at = {name: joints[:, SMPLX_55.index(name)] for name in SMPLX_55.names[:12]}
    left = at["left_hip"] - at["right_hip"]
    total = np.zeros(len(joints))
    size = np.zeros(len(joints))
    for side in ("left", "right"):
        shank = at[f"{side}_knee"] - at[f"{side}_ankle"]
        toes = at[f"{side}_foot"] - at[f"{side}_ankle"]
        forward = np.cross(left, shank)
        total += np.sum(forward * toes, -1)
        size += np.prod([np.linalg.norm(v, axis=-1) for v in (left, shank, toes)], axis=0)
    cosine = total / np.maximum(size, 1e-12)
    return np.where(np.abs(cosine) > 0.2, cosine, np.nan)


def _sides_in_picture(take: Take, person: Person, joints: np.ndarray) -> str | None:
    """Limbs that lie over the detected ones of the other side."""
    told = detected_pixels(person)
    if told is None:
        return None
    pixels, confidence = told
    shown = take.camera.project(joints, person.frames)
    sure = (confidence > _SURE) & (confidence[:, list(MIRROR)] > _SURE)
    kept = np.where(sure, np.linalg.norm(shown - pixels, axis=-1), np.nan)
    crossed = np.where(sure, np.linalg.norm(shown[:, list(MIRROR)] - pixels, axis=-1), np.nan)
    means = np.stack([row_means(kept), row_means(crossed)], 1)
    means = means[np.isfinite(means).all(1)]
    # Limbs that lie over each other from the side tell nothing.
    telling = np.abs(means[:, 0] - means[:, 1]) > 0.02 * picture_height(person)
    means = means[telling]
    if len(means) and np.mean(means[:, 1] < _CLEARLY * means[:, 0]) > _MOSTLY:
        return "sides: limbs lie over the detected ones of the other side"
    return None

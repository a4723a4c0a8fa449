"""Which way a skeleton's rest pose stands and looks."""

import numpy as np
from jaxtyping import Float


def upright_axes(
    joints: Float[np.ndarray, "joints 3"], names: tuple[str, ...]
) -> Float[np.ndarray, "3 3"] | None:
    """The axes left, up and forward of a skeleton's rest pose, as columns.

    Skeletons are drawn along the axes of their file, so the nearest of these are taken.

    Args:
        joints: the rest pose, any unit.
        names: of its joints; hips, or pelvis and shoulders, and the neck or the head are needed.

    Returns:
        A rotation, from SMPL-X's upright axes to the file's; None where this is no person who
        stands upright.
    """
    trunk = next((name for name in ("neck", "head", "spine3") if name in names), None)
    if trunk is None:
        return None
    places = dict(zip(names, joints, strict=True))
    if {"left_hip", "right_hip"} <= set(names):
        across = places["left_hip"] - places["right_hip"]
        hips = (places["left_hip"] + places["right_hip"]) / 2
    elif {"pelvis", "left_shoulder", "right_shoulder"} <= set(names):
        across = places["left_shoulder"] - places["right_shoulder"]
        hips = places["pelvis"]
    else:
        return None
    left, up = _nearest_axis(across), _nearest_axis(places[trunk] - hips)
    if left is None or up is None or abs(left @ up) > 0.5:
        return None
    ankles = [places[name] for name in ("left_ankle", "right_ankle") if name in names]
    # Legs that do not hang under the hips: the file's zero pose is no pose at all.
    for ankle in ankles:
        down = hips - ankle
        if down @ up < 0.75 * np.linalg.norm(down):
            return None
    return np.stack([left, up, np.cross(left, up)], -1)


def _nearest_axis(vector: np.ndarray) -> np.ndarray | None:
    """The signed axis a vector is within 30 degrees of."""
    length = np.linalg.norm(vector)
    largest = int(np.argmax(np.abs(vector)))
    if abs(vector[largest]) < 0.866 * length or length == 0:
        return None
    axis = np.zeros(3)
    axis[largest] = np.sign(vector[largest])
    return axis

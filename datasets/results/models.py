"""The bodies that other systems pose: how their numbers are laid out, and where their hips are.

SMPL, SMPL-H and SMPL-X share their first 22 joints, and their rest pose is our body's, so that
rotations mean the same on all of them, but for the arms, which SMPL holds a little back and down
at rest. Shapes are each model's own.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.datasets.results.recording import Performance
from mocap.errors import MocapError
from mocap.geometry import rotation_between
from mocap.skeletons import SMPLX_55

Model = Literal["SMPL", "SMPL-H", "SMPL-X"]

_GENDERS = {"neutral", "male", "female"}
_BODY = 22
_LEFT_HAND = SMPLX_55.index("left_index1")
_HIPS = SMPLX_55.indices("left_hip", "right_hip")
#: Of bodies of average shape at rest, metres: the pelvis joint, and the way from it to the hips'
#: middle. For those who have the model, their own take the place of these.
_PELVIS = {
    "SMPL": np.array([-0.002, -0.241, 0.029]),
    "SMPL-H": np.array([-0.002, -0.241, 0.029]),
    "SMPL-X": np.array([0.003, -0.351, 0.012]),
}
_TO_HIPS = {
    "SMPL": np.array([0.0, -0.087, -0.010]),
    "SMPL-H": np.array([0.0, -0.087, -0.010]),
    "SMPL-X": np.array([0.0, -0.098, -0.023]),
}
#: Where SMPL's left arm points at rest; our body's arms point straight to the sides.
_ARM = {"shoulder": np.array([0.99, -0.06, -0.10]), "elbow": np.array([1.0, 0.03, -0.03])}
_NEXT = {"shoulder": "elbow", "elbow": "wrist"}


def smplx_turns(axis_angles: Float[np.ndarray, "frames numbers"]) -> Float[np.ndarray, "n 55 3"]:
    """SMPL-X's 55 rotations from those of any of the family, axis-angle, root first.

    Args:
        axis_angles: (N, 66) 22 joints; (N, 72) SMPL's 24, whose two hands are rigid; (N, 156)
            SMPL-H's 52, with fingers; (N, 165) SMPL-X's own 55.

    Raises:
        MocapError: another number of numbers.
    """
    frames, width = axis_angles.shape
    rotations = axis_angles.reshape(frames, -1, 3)
    found = np.zeros((frames, len(SMPLX_55), 3))
    if width == 165:
        found[:] = rotations
    elif width in (66, 72, 156):
        found[:, :_BODY] = rotations[:, :_BODY]
        if width == 156:
            found[:, _LEFT_HAND:] = rotations[:, _BODY:]
    else:
        raise MocapError(f"{width} numbers a frame are no pose of SMPL, SMPL-H or SMPL-X")
    return found


def posed(
    name: str,
    frames: np.ndarray,
    model: Model,
    axis_angles: np.ndarray,
    place: np.ndarray,
    betas: np.ndarray | None,
    body: Body,
    *,
    at: Literal["origin", "pelvis", "hips"] = "origin",
    is_own: bool | None = None,
    seen: np.ndarray | None = None,
) -> Performance:
    """A performance in the file's own world.

    Args:
        name: of the person.
        frames: (N,) of the video.
        model: whose rotations these are.
        axis_angles: (N, numbers) as :func:`smplx_turns` takes them.
        place: (N, 3) metres, of what ``at`` says.
        betas: (B,) or one row a frame, of which the mean is taken.
        body: ours; if it is a model of the kind that was used, its own measures count.
        at: whether ``place`` is the model's translation, or where its pelvis joint or the middle of
            its hips is.
        is_own: whether the betas are this very body's; None for a neutral model's.
        seen: (N,) whether the person was seen.

    Raises:
        MocapError: the arrays disagree, or hold what are not numbers.
    """
    axis_angles = np.asarray(axis_angles, dtype=float).reshape(len(frames), -1)
    place = np.asarray(place, dtype=float).reshape(len(frames), 3)
    if betas is not None:
        betas = np.atleast_2d(np.asarray(betas, dtype=float)).mean(0)
    turns = smplx_turns(axis_angles)
    if not np.isfinite(turns).all():
        raise MocapError(f"{name}: some of its rotations are not numbers")
    if model != "SMPL-X":
        turns = _with_arms_of(turns, body)
    shape = None
    pelvis, to_hips = _PELVIS[model], _TO_HIPS[model]
    if is_own is None:
        is_own = model == "SMPL-X" and is_licensed(body, "neutral")
    if is_own and betas is not None:
        shape = betas[: body.num_betas]
        rest = body.rest_joints(torch.as_tensor(shape, dtype=torch.float32))[0].double().numpy()
        pelvis, to_hips = rest[0], rest[_HIPS].mean(0) - rest[0]
    if at == "origin":
        place = place + pelvis
    if at != "hips":
        place = place + Rotation.from_rotvec(turns[:, 0]).as_matrix() @ to_hips
    told = {"model": model} if betas is None else {"model": model, "betas": betas.tolist()}
    return Performance(name, np.asarray(frames), turns, place, betas, shape, told, seen)


def _with_arms_of(turns: Float[np.ndarray, "frames 55 3"], body: Body) -> np.ndarray:
    """The same pose told from our body's rest pose: arms point where SMPL's do, hands as they do.

    A joint's rotation is ``T_parent^-1 R T``, where ``T`` turns our bone at rest onto SMPL's.
    """
    rest = body.rest_joints()[0].double().numpy()
    told: dict[int, np.ndarray] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for bone, direction in _ARM.items():
            start, end = SMPLX_55.indices(f"{side}_{bone}", f"{side}_{_NEXT[bone]}")
            wanted = direction * [sign, 1.0, 1.0]
            told[start] = rotation_between(
                (rest[end] - rest[start]) / np.linalg.norm(rest[end] - rest[start]),
                wanted / np.linalg.norm(wanted),
            )
    found = turns.copy()
    for joint, parent in enumerate(SMPLX_55.parents):
        if joint in told or parent in told:
            own = Rotation.from_rotvec(turns[:, joint]).as_matrix()
            turned = told.get(parent, np.eye(3)).T @ own @ told.get(joint, np.eye(3))
            found[:, joint] = Rotation.from_matrix(turned).as_rotvec()
    return found


def is_licensed(body: Body, gender: str) -> bool:
    """Whether a body is somebody's SMPL-X model of a gender, as its file's name tells."""
    named = set(re.split(r"[^a-z]+", body.name.lower())) & _GENDERS
    return body.name != "open-body" and (named or {"neutral"}) == {gender}


def array(content: Mapping[str, Any], *path: str | int) -> np.ndarray:
    """Numbers under a path of keys.

    Raises:
        KeyError: a key that is not there, or leads to no numbers; the path is its text.
    """
    found: Any = content
    try:
        for key in path:
            found = found[key]
        if isinstance(found, torch.Tensor):
            found = found.detach().float().numpy()
        numbers = np.asarray(found)
        if numbers.dtype.kind not in "fiub":
            raise TypeError
        return numbers.astype(float)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError):
        raise KeyError("/".join(map(str, path))) from None


def frame_numbers(content: Mapping[str, Any], *path: str | int) -> Int[np.ndarray, " frames"]:
    """Numbers of frames under a path of keys.

    Raises:
        KeyError: as :func:`array`, or they are no whole numbers.
    """
    found = array(content, *path).reshape(-1)
    if not (np.all(np.abs(found) < 2**53) and np.all(found == np.round(found))):
        raise KeyError("/".join(map(str, path)))
    return found.astype(int)

"""Keypoints as data sets define them, regressed from a body.

A keypoint is a mean of the body's joints and landmarks with fixed weights, some of them negative
where a set's point lies beyond ours. The weights of a keypoint sum to 1, so that it moves, turns
and grows with the body. Where definitions come from:

- **COCO 17** and MediaPipe's 33: the body's own landmarks, where detectors trained on such
  annotations see the points. A body file that knows no such hips gets them from its joints, as far
  apart as people's (:data:`_PEOPLE_HIPS`): SMPL-X's lie nearer the midline.
- **Panoptic 19** and **BODY_25**: the same; neck and middle of the hips are the means that they are
  trained as (Cao et al. 2019).
- **Human3.6M 17**: that set's hips, spine, neck and head, laid into the body by the ratios of its
  bones (:data:`_H36M`); for limbs, our joints. Its own shoulders are some 3 cm nearer the midline.
- **SMPL 24** and SMPL-X's 55: the joints; SMPL's hands are short of the knuckles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.body.model import Body
from mocap.body.pose import BodyPose, PosedBody
from mocap.errors import BodyError
from mocap.skeletons import MEANS, SKELETONS, SMPLX_55, Skeleton

#: Other names by which sets are known.
ALIASES: dict[str, str] = {"coco19": "panoptic19", "openpose25": "body25"}

#: How far a hip joint is from the midline, in lengths of the thigh: 8.6 cm of 41.
_PEOPLE_HIPS = 0.21

#: Bones of the skeleton that Human3.6M comes with, millimetres.
_H36M = {
    "half_pelvis": 132.95,
    "thigh": 442.89,
    "pelvis_spine": 233.38,
    "spine_thorax": 257.08,
    "thorax_neck": 121.13,
    "neck_head": 115.00,
}

#: SMPL's hand joint from its wrist, and wrist from elbow, millimetres.
_SMPL_HAND, _SMPL_FOREARM = 85.7, 249.4

_SPINE = ("spine1", "spine2", "spine3")


@dataclass(frozen=True, eq=False)
class KeypointRegressor:
    """A linear map from a body's joints and landmarks to the keypoints of a set.

    Attributes:
        skeleton: the set.
        weights: (K, 55 + L), of the joints and then of the landmarks; rows sum to 1.
    """

    skeleton: Skeleton
    weights: Float[np.ndarray, "keypoints points"]

    def __call__(self, posed: PosedBody) -> Float[Tensor, "frames keypoints 3"]:
        """Keypoints of posed bodies, in their frame and unit.

        Args:
            posed: with landmarks.
        """
        assert posed.landmarks is not None
        points = torch.cat([posed.joints, posed.landmarks], dim=1)
        return torch.as_tensor(self.weights).to(points) @ points


def keypoint_set(name: str) -> Skeleton:
    """The set of keypoints that goes by a name.

    Raises:
        BodyError: no set that a body has is called so.
    """
    known = ALIASES.get(name, name)
    if known not in KEYPOINT_SETS:
        raise BodyError(
            f"no set of keypoints is called {name!r}; there are "
            f"{', '.join((*KEYPOINT_SETS, *ALIASES))}"
        )
    return SKELETONS[known]


def keypoint_regressor(body: Body, name: str) -> KeypointRegressor:
    """The map from a body to a set of keypoints.

    Args:
        body: the open body, or any other; proportions are those of its mean shape.
        name: one of :data:`KEYPOINT_SETS`, or of :data:`ALIASES`.

    Raises:
        BodyError: there is no such set, or the body lacks a point of it.
    """
    skeleton = keypoint_set(name)
    rows = _Rows(body)
    find = _FINDERS[skeleton.name]
    return KeypointRegressor(skeleton, np.stack([find(rows, point) for point in skeleton.names]))


def regress(body: Body, pose: BodyPose | Any, name: str) -> Float[Tensor, "frames keypoints 3"]:
    """Keypoints of a set from shape and pose; differentiable in both.

    Args:
        body: the model that shape and pose belong to.
        pose: a :class:`BodyPose`, or anything with (some of) its attributes, such as a take's body
            motion; ``BodyPose(betas=...)`` for a shape in the T-pose.
        name: as for :func:`keypoint_regressor`.

    Returns:
        (F, K, 3) metres, in the frame of the pose: a take's are in the world, +Y up.

    Raises:
        BodyError: as :func:`keypoint_regressor`, or the motion is of another body.
    """
    fitted = getattr(pose, "model_sha256", body.sha256)
    if fitted != body.sha256:
        raise BodyError(
            f"the motion is of another body ({fitted[:12]}) than {body.name} ({body.sha256[:12]}); "
            "name the file it was fitted with by --body, or load that"
        )
    regressor = keypoint_regressor(body, name)
    return regressor(body.forward(pose, return_landmarks=True))


class _Rows:
    """Rows of weights over a body's points, and where the mean body has what they weigh."""

    def __init__(self, body: Body) -> None:
        with torch.no_grad():
            posed = body.forward(BodyPose(), return_landmarks=True)
        assert posed.landmarks is not None
        self._rest = torch.cat([posed.joints, posed.landmarks], dim=1)[0].double().cpu().numpy()
        self._landmarks = {name: 55 + i for i, name in enumerate(body.landmark_names)}
        self._body = body

    def joint(self, name: str) -> np.ndarray:
        return np.eye(1, len(self._rest), SMPLX_55.index(name))[0]

    def seen(self, name: str) -> np.ndarray:
        """Where detectors see a point: a landmark, or a mean of some, or else a joint."""
        for parts in ((name,), MEANS.get(name, ())):
            if parts and self._landmarks.keys() >= set(parts):
                chosen = [self._landmarks[part] for part in parts]
                return np.eye(len(self._rest))[chosen].mean(axis=0)
        if name in ("left_hip", "right_hip"):
            return _hip(self, name, _PEOPLE_HIPS)
        if name in ("neck", "mid_hip", "body_center"):
            return _middle(*(self.seen(part) for part in MEANS[name]))
        for part in (name, *MEANS.get(name, ())):
            if part in SMPLX_55.names:
                return self.joint(part)
        raise BodyError(f"{self._body.path}: has no point {name}; choose another set of keypoints")

    def length(self, a: np.ndarray, b: np.ndarray) -> float:
        """From the one to the other, metres, in the mean body."""
        return float(np.linalg.norm((a - b) @ self._rest))


def _middle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a + b) / 2


def _hip(rows: _Rows, name: str, thighs: float) -> np.ndarray:
    """A hip on the line through the hip joints, so many thighs from their middle."""
    joint = rows.joint(name)
    center = _middle(rows.joint("left_hip"), rows.joint("right_hip"))
    wanted = thighs * rows.length(joint, rows.joint(name.replace("hip", "knee")))
    return center + wanted / rows.length(joint, center) * (joint - center)


def _smpl(rows: _Rows, name: str) -> np.ndarray:
    if name in SMPLX_55.names:
        return rows.joint(name)
    side = name.removesuffix("_hand")
    wrist = rows.joint(f"{side}_wrist")
    fingers = ("index1", "middle1", "ring1", "pinky1")
    knuckles = np.mean([rows.joint(f"{side}_{finger}") for finger in fingers], axis=0)
    wanted = _SMPL_HAND / _SMPL_FOREARM * rows.length(wrist, rows.joint(f"{side}_elbow"))
    return wrist + wanted / rows.length(wrist, knuckles) * (knuckles - wrist)


def _h36m(rows: _Rows, name: str) -> np.ndarray:
    if name in ("left_hip", "right_hip"):
        return _hip(rows, name, _H36M["half_pelvis"] / _H36M["thigh"])
    if name in SMPLX_55.names and name != "pelvis":
        return rows.joint(name)
    pelvis = _middle(rows.joint("left_hip"), rows.joint("right_hip"))
    thorax = _middle(rows.joint("left_shoulder"), rows.joint("right_shoulder"))
    ears = _middle(rows.seen("left_ear"), rows.seen("right_ear"))
    eyes = _middle(rows.seen("left_eye"), rows.seen("right_eye"))
    head = 0.75 * ears + 0.25 * eyes
    if name == "spine":
        share = _H36M["pelvis_spine"] / (_H36M["pelvis_spine"] + _H36M["spine_thorax"])
        return _along(rows, [pelvis, *map(rows.joint, _SPINE), thorax], share)
    if name == "neck_nose":
        share = _H36M["thorax_neck"] / (_H36M["thorax_neck"] + _H36M["neck_head"])
        return thorax + share * (head - thorax)
    return {"pelvis": pelvis, "thorax": thorax, "head_center": head}[name]


def _along(rows: _Rows, chain: list[np.ndarray], share: float) -> np.ndarray:
    """The point at a share of a chain's length, from its beginning."""
    lengths = [rows.length(a, b) for a, b in pairwise(chain)]
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, share * ends[-1]))
    back = (ends[i] - share * ends[-1]) / lengths[i]
    return chain[i + 1] + back * (chain[i] - chain[i + 1])


_FINDERS: dict[str, Callable[[_Rows, str], np.ndarray]] = {
    "coco17": _Rows.seen,
    "panoptic19": _Rows.seen,
    "body25": _Rows.seen,
    "h36m17": _h36m,
    "mediapipe33": _Rows.seen,
    "smpl24": _smpl,
    "smplx55": _Rows.joint,
}

#: The sets that can be had of a body: names of :data:`mocap.skeletons.SKELETONS`.
KEYPOINT_SETS: tuple[str, ...] = tuple(_FINDERS)

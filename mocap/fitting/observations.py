"""What a person's keypoints say, in the form the energy wants.

MediaPipe takes everybody to stand in the middle of the picture, so its 3D points are turned with
the ray the person is seen along before they mean anything in the camera's axes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.fitting.rig import Rig
from mocap.geometry import Camera, rotation_between, viewing_rays
from mocap.skeletons import COCO_17, MEDIAPIPE_33, SKELETONS, point_map
from mocap.take import Keypoints3D, Person, Refined3D

_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")
#: The error of a 3D point that the fit's weights are made for, metres.
_USUAL_SIGMA = 0.08
#: Confidence below which a keypoint says nothing.
_LEAST_CONFIDENCE = 0.15


def _anchor(name: str) -> str:
    """The point of COCO's 17 that a refinement moves a point of MediaPipe's with."""
    if name in COCO_17.names:
        return name
    side = name.split("_")[0]
    if name.endswith(("heel", "foot_index")):
        return f"{side}_ankle"
    return f"{side}_wrist" if name.endswith(("pinky", "index", "thumb")) else "nose"


#: The place of that point among MediaPipe's, for each of them.
_ANCHORS = MEDIAPIPE_33.indices(*map(_anchor, MEDIAPIPE_33.names))


@dataclass(frozen=True)
class Observations:
    """One person's keypoints at the rig's points.

    Attributes:
        pixels: (F, P, 2); NaN-free, meaningless where the weight is 0.
        metric: (F, P, 3) metres from the hips' middle, camera axes; likewise.
        weight: (F, P) in [0, 1].
        doubt: (F, P) how much farther off than usual the 3D points may be, as a factor.
        rays: (F, 3) unit directions, camera frame, along which the person is seen.
        K: (F, 3, 3) intrinsics.
        R: (F, 3, 3) world to camera.
        t: (F, 3) world to camera, metres.
        size: person's median height in the picture, pixels.
        fps: frames a second.
    """

    pixels: Float[np.ndarray, "frames points 2"]
    metric: Float[np.ndarray, "frames points 3"]
    weight: Float[np.ndarray, "frames points"]
    doubt: Float[np.ndarray, "frames points"]
    rays: Float[np.ndarray, "frames 3"]
    K: Float[np.ndarray, "frames 3 3"]
    R: Float[np.ndarray, "frames 3 3"]
    t: Float[np.ndarray, "frames 3"]
    size: float
    fps: float

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, part: slice | np.ndarray) -> "Observations":
        return Observations(
            self.pixels[part],
            self.metric[part],
            self.weight[part],
            self.doubt[part],
            self.rays[part],
            self.K[part],
            self.R[part],
            self.t[part],
            self.size,
            self.fps,
        )

    @property
    def seen(self) -> np.ndarray:
        """(F,) frames that say anything at all."""
        return (self.weight > 0).sum(1) >= 4


def observe(
    person: Person,
    rig: Rig,
    K: np.ndarray,
    R: np.ndarray,
    t: np.ndarray,
    fps: float,
    lens: Camera | None = None,
) -> Observations:
    """The observations of a person with 2D and 3D keypoints; see :class:`Observations`.

    With a ``lens``, keypoints are moved to where a pinhole would show them; those that no ray
    through it can reach count as unseen.
    """
    image, space = person.keypoints2d, person.keypoints3d
    assert image is not None
    assert space is not None
    pixels = _as_mediapipe(image.xy, image.skeleton)
    if lens is not None:
        pixels = lens.undistort(pixels, person.frames)
    metric, doubt = _metric(space, person.refined3d)
    confidence = np.nan_to_num(_as_mediapipe(image.confidence[..., None], image.skeleton)[..., 0])
    known = np.isfinite(pixels).all(-1) & np.isfinite(metric).all(-1)
    confidence = np.where(known & (confidence >= _LEAST_CONFIDENCE), confidence, 0.0)
    rays = _person_rays(pixels, K)
    turn = rotation_between(np.array([0.0, 0.0, 1.0]), rays)
    turned = np.einsum("fij,fpj->fpi", turn, _finite(metric))
    heights = np.nanmax(pixels, axis=1, initial=-np.inf, where=known[..., None]) - np.nanmin(
        pixels, axis=1, initial=np.inf, where=known[..., None]
    )
    seen = known.any(1)
    size = float(np.median(heights[seen].max(-1))) if seen.any() else 1.0
    return Observations(
        _finite(pixels)[:, rig.keypoints],
        turned[:, rig.keypoints],
        confidence[:, rig.keypoints],
        np.nan_to_num(doubt, nan=1.0)[:, rig.keypoints],
        rays,
        K,
        R,
        t,
        max(size, 1.0),
        fps,
    )


def _metric(
    space: Keypoints3D, refined: Refined3D | None
) -> tuple[Float[np.ndarray, "frames 33 3"], Float[np.ndarray, "frames 33"]]:
    """MediaPipe's points and the doubt of each, refined where they are.

    Points that are not refined keep their place relative to one that is: a toe to its ankle.
    """
    metric = _as_mediapipe(space.xyz, space.skeleton)
    if refined is None:
        return metric, np.ones(metric.shape[:2])
    better = _as_mediapipe(refined.xyz, refined.skeleton)
    sigma = _as_mediapipe(refined.sigma[..., None], refined.skeleton)[..., 0]
    moved = metric + (better - metric)[:, _ANCHORS]
    known = np.isfinite(moved).all(-1, keepdims=True)
    return np.where(known, moved, metric), (sigma / _USUAL_SIGMA)[:, _ANCHORS]


def _finite(points: np.ndarray) -> np.ndarray:
    """The points, with zeros for what has no weight anyway."""
    return np.where(np.isfinite(points), points, 0.0)


def _as_mediapipe(points: np.ndarray, skeleton: str) -> np.ndarray:
    """Points (F, J, d) of any skeleton as MediaPipe's (F, 33, d); NaN for those it lacks."""
    points = points.astype(float)
    if skeleton == MEDIAPIPE_33.name:
        return points
    return point_map(SKELETONS[skeleton], MEDIAPIPE_33)(points)


def _person_rays(pixels: np.ndarray, K: np.ndarray) -> np.ndarray:
    """The rays through the hips' middle, or that of all points where hips are not seen.

    A frame in which nothing is seen has the ray of the nearest frame before.
    """
    middle = pixels[:, _HIPS].mean(1)
    seen = np.isfinite(pixels).all(-1, keepdims=True)
    centre = np.sum(pixels, 1, where=seen) / np.maximum(seen.sum(1), 1)
    hipless = ~np.isfinite(middle).all(-1)
    middle[hipless] = np.where(seen.any(1), centre, np.nan)[hipless]
    known = np.isfinite(middle).all(-1)
    last = np.maximum.accumulate(np.where(known, np.arange(len(middle)), -1))
    last[last < 0] = int(np.argmax(known))
    middle = np.nan_to_num(middle[last])
    return np.stack([viewing_rays(m, k) for m, k in zip(middle, K, strict=True)])

"""Masks without another model: the pose landmarker's own, held to the fitted bodies.

MediaPipe's landmark model says with the points which pixels of its crop are the person's. It sees
clothes, hair and trees in front of people, but of two who touch it may take both for one. The
fitted bodies know where everybody is and who is in front; see :mod:`mocap.masks.dealing`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.keypoints import Crop, MediaPipePose
from mocap.masks.dealing import Claim, deal_out, score
from mocap.masks.points import PADDING, SURE, crop_about, share_on
from mocap.masks.segmenter import FrameMasks
from mocap.masks.silhouettes import SilhouetteDrawer, Silhouettes
from mocap.take import Mask, Person, Take
from mocap.video import Frame

#: Least share of what is segmented that lies on the body it is said to be.
_LEAST_ON_BODY = 0.5
#: Least share of the body that it covers.
_LEAST_OF_BODY = 0.05
#: A body is where the person is if this share of the points detected, which must be so many at
#: least, lies on it or within so many metres.
_AGREEING, _LEAST_POINTS, _NEAR = 0.95, 8, 0.05
#: Share of them that a segmentation of the person covers.
_COVERED = 0.7

Sureness = Float[np.ndarray, "height width"]


class LightSegmenter:
    """MediaPipe's segmentation and the fitted bodies' silhouettes.

    People without a body get no masks.

    Args:
        bundle: the pose landmarker's ``.task`` file, from :func:`mocap.assets.fetch`.
        body: the model that people were fitted with.
    """

    def __init__(self, bundle: Path, body: Body) -> None:
        self._alone = MediaPipePose(bundle, most=1, outlined=True)
        self._crowd = MediaPipePose(bundle, most=3, outlined=True)
        self._body = body
        self.name = f"{self._alone.name} and the fitted body"
        self.parameters: dict[str, Any] = {"padding": PADDING}
        self.inputs = {"body": body.sha256}

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        """Masks of frames of the take's video.

        Raises:
            MaskError: nobody was fitted, or somebody with another body.
        """
        drawer = SilhouetteDrawer(take, self._body)
        video = take.video
        for frame in frames:
            silhouettes = drawer.draw(frame.index)
            claims = {}
            for name in silhouettes.whole:
                claim = self._claim(take.people[name], frame, silhouettes)
                if claim is not None:
                    claims[name] = claim
            yield FrameMasks(frame.index, deal_out(claims, video.width, video.height))

    def close(self) -> None:
        """Free the models."""
        self._alone.close()
        self._crowd.close()

    def _claim(self, person: Person, frame: Frame, silhouettes: Silhouettes) -> Claim | None:
        """What somebody claims of the picture; None where nothing is known of them."""
        whole, seen = silhouettes.whole[person.id], silhouettes.seen[person.id]
        if not seen.any():
            return Claim(0, 0, np.zeros((0, 0)))
        row = frame.index - int(person.frames[0])
        crop = _crop(whole, person.box[row])
        part, inner = crop.within(seen.shape[1], seen.shape[0])
        others = [mask for name, mask in silhouettes.whole.items() if name != person.id]
        crowded = any(mask[part].any() for mask in others)
        detector = self._crowd if crowded else self._alone
        found = [sureness[inner] for sureness in detector.segment(crop.cut(frame.image))]
        y, x = (side.start for side in part)
        scale, points = silhouettes.scale[person.id], _points(person, row) - [x, y]
        on_body = share_on(whole[part], points, _NEAR * scale, _LEAST_POINTS)
        believed = on_body >= _AGREEING
        own = _of_body(found, seen[part])
        if own is None and not crowded:
            # A body in the wrong place tells nobody from another, but there is only one.
            covering = (
                one for one in found if share_on(one > 0.5, points, 1.0, _LEAST_POINTS) >= _COVERED
            )
            own = next(covering, None)
        if own is None and not believed:
            return None
        # Among others, a body that is not believed is all there is to tell people apart.
        return Claim(x, y, score(own, seen[part], scale, believed=believed or crowded))


def _crop(silhouette: Mask, box: Float[np.ndarray, "4"]) -> Crop:
    """The crop about a body and, where they were detected, the person's points."""
    y, x = np.flatnonzero(silhouette.any(1)), np.flatnonzero(silhouette.any(0))
    body = np.array([x[0], y[0], x[-1] + 1, y[-1] + 1])
    low, high = np.fmin(body[:2], box[:2]), np.fmax(body[2:], box[2:])
    return crop_about(low, high)


def _of_body(found: list[Sureness], seen: Mask) -> Sureness | None:
    """Which of the people that were segmented the body is of, if it is of any."""
    best, most = None, _LEAST_OF_BODY * float(np.count_nonzero(seen))
    for sureness in found:
        likely = sureness > 0.5
        on_body = float(np.count_nonzero(likely & seen))
        if on_body > most and on_body >= _LEAST_ON_BODY * np.count_nonzero(likely):
            best, most = sureness, on_body
    return best


def _points(person: Person, row: int) -> Float[np.ndarray, "points 2"]:
    """The points of the body that were surely detected, pixels."""
    detected = person.keypoints2d
    if detected is None:
        return np.zeros((0, 2))
    return detected.xy[row][detected.confidence[row] >= SURE]

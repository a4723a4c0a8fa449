"""Pairs as an extracted take would hold them: with the detector's mistakes put right.

The refiner gets a take's keypoints, in which sides and depths were put right as far as they could
be, and which are averaged with those of the mirror image (:func:`mocap.people.put_right`): mistakes
of another kind than the detector's own. It learns from both.
"""

from dataclasses import replace

import numpy as np

from mocap.datasets.pairs import Pairs
from mocap.keypoints import Detection
from mocap.people import DepthConfig, GlitchConfig, SideConfig, put_right
from mocap.progress import Progress, silent
from mocap.skeletons import COCO_OF_MEDIAPIPE, MEDIAPIPE_33
from mocap.take import Keypoints2D, Keypoints3D, Person

#: Frames of a sequence that tell motion.
_SHORTEST = 3


def as_extracted(pairs: Pairs, progress: Progress = silent) -> Pairs:
    """The pairs as extraction would have them.

    Single frames tell no motion to put them right by, and are left out unless the mirror image
    was looked at.

    Args:
        pairs: with all of MediaPipe's landmarks, sequences and times.
        progress: told of poses.

    Returns:
        Pairs without landmarks; none where the pairs do not tell what is needed, and none of
        sequences that lack a landmark's numbers or a time.
    """
    needed = ("sequence", "time", "landmarks_xy", "landmarks_xyz", "landmarks_confidence")
    if any(getattr(pairs, name) is None for name in needed):
        return pairs[:0]
    corrupted, seen = pairs.corrupted.copy(), pairs.visibility.copy()
    flat, kept = pairs.pose_2d.copy(), np.zeros(len(pairs), bool)
    for run in pairs.runs():
        progress("putting right", run.stop, len(pairs))
        person, rows, fps = _person(pairs, run)
        mirrored = _mirrored(pairs, run, rows)
        if person is None or (len(rows) < _SHORTEST and not mirrored):
            continue
        person, _ = put_right(
            person,
            fps,
            sides=SideConfig(),
            depths=DepthConfig(),
            glitches=GlitchConfig(),
            mirrored=mirrored,
            average=True,
        )
        assert person.keypoints2d is not None
        assert person.keypoints3d is not None
        flat[run] = person.keypoints2d.xy[rows][:, COCO_OF_MEDIAPIPE]
        seen[run] = person.keypoints2d.confidence[rows][:, COCO_OF_MEDIAPIPE]
        corrupted[run] = person.keypoints3d.xyz[rows][:, COCO_OF_MEDIAPIPE]
        kept[run] = True
    told = replace(pairs.without_landmarks(), corrupted=corrupted, visibility=seen, pose_2d=flat)
    return told[kept]


def _mirrored(pairs: Pairs, run: slice, rows: np.ndarray) -> dict[int, Detection]:
    """What the detector saw in the mirror, where it looked, by rows of a sequence's record."""
    if pairs.mirrored_xy is None or pairs.mirrored_xyz is None or pairs.mirrored_confidence is None:
        return {}
    looks = zip(
        rows.tolist(),
        pairs.mirrored_xy[run],
        pairs.mirrored_confidence[run],
        pairs.mirrored_xyz[run],
        strict=True,
    )
    return {
        row: Detection(xy, confidence, xyz, float(confidence.mean()))
        for row, xy, confidence, xyz in looks
        if all(np.isfinite(one).all() for one in (xy, confidence, xyz))
    }


def _person(pairs: Pairs, run: slice) -> tuple[Person | None, np.ndarray, float]:
    """A take's record of a sequence, the rows its frames are in, and frames a second.

    None for what lacks a landmark's numbers or a time.
    """
    assert pairs.time is not None
    assert pairs.landmarks_xy is not None
    assert pairs.landmarks_xyz is not None
    assert pairs.landmarks_confidence is not None
    time, confidence = pairs.time[run], pairs.landmarks_confidence[run]
    xy, xyz = pairs.landmarks_xy[run], pairs.landmarks_xyz[run]
    nothing = None, np.zeros(0, int), 0.0
    if not all(np.isfinite(one).all() for one in (time, xy, xyz, confidence)):
        return nothing
    steps = np.diff(time)
    beat = float(np.median(steps)) if len(steps) else 1.0
    # Frames that are missing leave rows empty; no two frames share one.
    rows = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(steps / beat)))]).astype(int)
    count = int(rows[-1]) + 1
    if count > 100 * len(rows):
        return nothing

    def spread(values: np.ndarray, missing: float = np.nan) -> np.ndarray:
        out = np.full((count, *values.shape[1:]), missing, np.float32)
        out[rows] = values
        return out

    observed = np.zeros(count, bool)
    observed[rows] = True
    source, skeleton = "pairs", MEDIAPIPE_33.name
    person = Person(
        id="person",
        label="person",
        frames=np.arange(count),
        observed=observed,
        box=spread(np.concatenate([xy.min(1), xy.max(1)], 1)),
        keypoints2d=Keypoints2D(spread(xy), spread(confidence, 0.0), skeleton, source),
        keypoints3d=Keypoints3D(spread(xyz), skeleton, source),
    )
    return person, rows, 1.0 / beat

"""What a take is measured against: points over time, and the cameras that saw them."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from mocap.errors import MocapError
from mocap.evaluate.rigs import RigCamera
from mocap.geometry import unit_vectors
from mocap.skeletons import SMPLX_55
from mocap.take import BodyMotion, Take

#: How near, as a cosine, people's mean upright direction must be to an axis to be taken for it.
_NEARLY = 0.8
#: The one camera of a truth that is a take.
OWN_CAMERA = "take"


class TruthError(MocapError):
    """A truth file that is missing, malformed, or does not go with the take."""


@dataclass(frozen=True)
class TruthPerson:
    """One person's true points, world metres; NaN is missing. ``motion`` has a row a point."""

    points: Float[np.ndarray, "frames joints 3"]
    motion: BodyMotion | None = None


@dataclass(frozen=True)
class Truth:
    """True points of people over time, in a world with any axis up.

    Attributes:
        path: of the file it came from.
        names: of the joints, as SMPL-X and COCO write them.
        people: by id.
        times: (F,) seconds from the first video frame; None where point i is video frame i.
        up: (3,) unit vector, or None where nobody knows.
        up_source: who says so.
        cameras: by name.
        video_sha256: of the video, where that is known.
    """

    path: str
    names: tuple[str, ...]
    people: dict[str, TruthPerson]
    times: Float[np.ndarray, " frames"] | None = None
    up: Float[np.ndarray, "3"] | None = None
    up_source: str = "unknown"
    cameras: dict[str, RigCamera] = field(default_factory=dict)
    video_sha256: str = ""

    def points_at(
        self, name: str, frames: Int[np.ndarray, " rows"], times: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, "rows joints 3"]:
        """A person's points at video frames, which were taken at those times (seconds).

        Between two true times points are interpolated, where both are known and none is left out
        between them; beyond the ends, and in gaps, they are NaN.
        """
        points = self.people[name].points
        if self.times is None:
            found = np.full((len(frames), *points.shape[1:]), np.nan)
            inside = (frames >= 0) & (frames < len(points))
            found[inside] = points[frames[inside]]
            return found
        if len(self.times) < 2:
            return np.where(np.abs(times - self.times[0])[:, None, None] < 1e-6, points[0], np.nan)
        gaps = np.diff(self.times)
        before = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(gaps) - 1)
        share = (times - self.times[before]) / gaps[before]
        # Clocks that agree but for rounding should not lose the ends.
        share = np.where(np.abs(share - np.round(share)) < 1e-3, np.round(share), share)
        a, b = points[before], points[before + 1]
        share = share[:, None, None]
        found = np.where(share == 0, a, np.where(share == 1, b, (1 - share) * a + share * b))
        unknown = (share < 0) | (share > 1)
        unknown |= (gaps[before] > 1.5 * np.median(gaps))[:, None, None] & (share % 1 != 0)
        return np.where(unknown, np.nan, found)

    def rows_at(
        self, frames: Int[np.ndarray, " rows"], times: Float[np.ndarray, " rows"]
    ) -> Int[np.ndarray, " rows"]:
        """The nearest row of the truth for video frames; -1 where none is near."""
        count = len(next(iter(self.people.values())).points)
        if self.times is None:
            return np.where((frames >= 0) & (frames < count), frames, -1)
        if count < 2:
            return np.where(np.abs(times - self.times[0]) < 1e-6, 0, -1)
        after = np.clip(np.searchsorted(self.times, times), 1, count - 1)
        earlier = times - self.times[after - 1] < self.times[after] - times
        nearest = after - earlier
        near = np.abs(times - self.times[nearest]) <= 0.51 * np.median(np.diff(self.times))
        return np.where(near, nearest, -1)


def truth_of_take(take: Take, path: str | Path) -> Truth:
    """A take as the truth of another.

    Raises:
        TruthError: when nobody in it has a motion.
    """
    count = len(take.video.timestamps)
    people = {}
    for name, person in take.people.items():
        if person.body is None:
            continue
        points = np.full((count, len(SMPLX_55), 3), np.nan)
        points[person.frames] = person.body.joints
        people[name] = TruthPerson(points, _over_all_frames(person.body, person.frames, count))
    if not people:
        raise TruthError(f"{path}: holds no fitted motion to compare with; `mocap fit` makes one")
    size = (take.video.width, take.video.height)
    return Truth(
        path=str(path),
        names=SMPLX_55.names,
        people=people,
        times=np.asarray(take.video.timestamps, float),
        up=np.array([0.0, 1.0, 0.0]),
        up_source="the take's +Y",
        cameras={OWN_CAMERA: RigCamera(take.camera, *size)},
        video_sha256=take.video.sha256,
    )


def _over_all_frames(motion: BodyMotion, frames: np.ndarray, count: int) -> BodyMotion:
    """Only what angles are compared by; NaN where the person is not there."""

    def spread(values: np.ndarray) -> np.ndarray:
        everywhere = np.full((count, values.shape[1]), np.nan)
        everywhere[frames] = values
        return everywhere

    return replace(
        motion, global_orient=spread(motion.global_orient), body_pose=spread(motion.body_pose)
    )


def infer_up(
    people: dict[str, TruthPerson], names: tuple[str, ...]
) -> Float[np.ndarray, "3"] | None:
    """The axis along which people stand, feet to shoulders, if they mostly keep to one."""
    wanted = [f"{side}_{part}" for part in ("shoulder", "ankle") for side in ("left", "right")]
    if not set(wanted) <= set(names):
        return None
    rows = [names.index(name) for name in wanted]
    ends = np.concatenate([person.points[:, rows] for person in people.values()])
    spans = ends[:, :2].mean(1) - ends[:, 2:].mean(1)
    spans = spans[np.isfinite(spans).all(1)]
    if not len(spans):
        return None
    mean = np.mean(unit_vectors(spans), axis=0)
    axis = int(np.argmax(np.abs(mean)))
    return np.sign(mean[axis]) * np.eye(3)[axis] if abs(mean[axis]) > _NEARLY else None

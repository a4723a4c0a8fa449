"""What another system's file tells, whatever the system: rotations of SMPL-X's joints, and places.

The world is ours: metres, +Y up, as :mod:`mocap.geometry` has it; readers turn what they read.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation, Slerp

from mocap.errors import MocapError
from mocap.geometry import Camera

#: Beyond these, numbers are no frames, rates or pictures: damage, not motion.
_MOST_FRAMES, _FASTEST, _LARGEST = 10_000_000, 100_000.0, 100_000
#: Likewise metres from the origin, and radians that a joint turns.
_FARTHEST, _MOST_TURNED = 1e5, 1e3
#: Names of people become names of files.
_PLAIN = re.compile(r"[^/\\\x00]{1,60}")
CAMERA_AXES = "camera: x right, y down, z away, metres"
#: A camera's axes to those of a world in which it looks level along +Z.
LEVEL = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Footage:
    """The video that a result was made from.

    Attributes:
        path: of the file or folder.
        sha256: of its content.
        size: width and height, pixels.
        times: (F,) seconds from the first frame.
    """

    path: str
    sha256: str
    size: tuple[int, int]
    times: Float[np.ndarray, " frames"]

    def require(self, count: int) -> None:
        """Refuse a motion that goes on for longer.

        Raises:
            MocapError: the video has fewer frames than the motion, ``count``.
        """
        if len(self.times) < count:
            raise MocapError(
                f"{self.path}: has {len(self.times)} frames, and the motion {count}; "
                "give the video it was made from"
            )


@dataclass(frozen=True)
class Performance:
    """One person's motion as a system told it.

    Attributes:
        name: of the person in the file.
        frames: (N,) numbers of the video's frames, rising, with gaps where nothing is told.
        turns: (N, 55, 3) axis-angle rotations of SMPL-X's joints against their parents.
        hips: (N, 3) the hips' middle, world metres.
        betas: (B,) the shape, of whatever body the system has.
        shape: (S,) the shape of our body that goes with it, where the reader knows.
        told: what else of it belongs into the record.
        seen: (N,) whether the system saw the person there, and did not fill it in; None for always.
    """

    name: str
    frames: Int[np.ndarray, " frames"]
    turns: Float[np.ndarray, "frames 55 3"]
    hips: Float[np.ndarray, "frames 3"]
    betas: Float[np.ndarray, " betas"] | None = None
    shape: Float[np.ndarray, " shape"] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    seen: Bool[np.ndarray, " frames"] | None = None

    def __post_init__(self) -> None:
        frames = self.frames
        if not (len(frames) and frames[0] >= 0 and frames[-1] < _MOST_FRAMES):
            raise MocapError(f"{self.name}: its frames are not numbered upwards from 0")
        if np.any(np.diff(frames) <= 0):
            raise MocapError(f"{self.name}: its frames are not numbered upwards from 0")
        wanted = {
            "turns": ((len(frames), 55, 3), _MOST_TURNED),
            "hips": ((len(frames), 3), _FARTHEST),
        }
        for name, (shape, most) in wanted.items():
            told = getattr(self, name)
            if told.shape != shape:
                raise MocapError(f"{self.name}: {name} are {told.shape}, wanted {shape}")
            if not np.isfinite(told).all():
                raise MocapError(f"{self.name}: some of its {name} are not numbers")
            if np.abs(told).max() > most:
                raise MocapError(f"{self.name}: some of its {name} are beyond anybody's")
        if self.betas is not None and not np.isfinite(self.betas).all():
            raise MocapError(f"{self.name}: some of its betas are not numbers")
        if not (_PLAIN.fullmatch(self.name) and self.name.isprintable()):
            raise MocapError(
                f"somebody is called {self.name[:40]!r}, which cannot be a file's name"
            )

    def placed(
        self, turn: Float[np.ndarray, "*frames 3 3"], shift: Float[np.ndarray, "*frames 3"]
    ) -> "Performance":
        """In another world: ``turn`` (3, 3) or one a frame, and then ``shift`` metres."""
        turns = self.turns.copy()
        root = Rotation.from_rotvec(turns[:, 0]).as_matrix()
        turns[:, 0] = Rotation.from_matrix(turn @ root).as_rotvec()
        hips = (turn @ self.hips[..., None])[..., 0] + shift
        return replace(self, turns=turns, hips=hips)

    def filled(self) -> "Performance":
        """Without gaps: rotations by the shortest way, places straight on."""
        whole = np.arange(self.frames[0], self.frames[-1] + 1)
        if len(whole) == len(self.frames):
            return self
        turns = np.stack(
            [
                Slerp(self.frames, Rotation.from_rotvec(self.turns[:, joint]))(whole).as_rotvec()
                for joint in range(self.turns.shape[1])
            ],
            axis=1,
        )
        hips = np.stack([np.interp(whole, self.frames, axis) for axis in self.hips.T], axis=1)
        seen = np.isin(whole, self.frames if self.seen is None else self.frames[self.seen])
        return replace(self, frames=whole, turns=turns, hips=hips, seen=seen)


@dataclass(frozen=True)
class Recording:
    """A file of another system.

    Attributes:
        system: whose file it is.
        model: the body that the system used.
        axes: what the file's axes and units are, for people to read.
        people: everybody in it.
        camera: from the world to the picture; None where the file tells none.
        gravity: who says which way is up; empty where nobody does, and the camera counts as level.
        fps: frames a second; None where the file does not tell.
        size: of the picture, pixels; None where the file does not tell.
        seconds: that reading took.
    """

    system: str
    model: str
    axes: str
    people: tuple[Performance, ...]
    camera: Camera | None = None
    gravity: str = ""
    fps: float | None = None
    size: tuple[int, int] | None = None
    seconds: float = 0.0

    @property
    def frame_count(self) -> int:
        """Frames from the video's first to the last in which somebody moves."""
        return 1 + max(int(one.frames[-1]) for one in self.people)

    def __post_init__(self) -> None:
        names = [one.name for one in self.people]
        if not names or len(set(names)) < len(names):
            raise MocapError(f"people are called {', '.join(names)}: nobody, or several alike")
        if self.fps is not None and not 0 < self.fps < _FASTEST:
            raise MocapError(f"{self.fps:g} frames a second are not possible")
        if self.size is not None and not all(0 < side < _LARGEST for side in self.size):
            raise MocapError(f"pictures of {self.size[0]}×{self.size[1]} pixels are not possible")


def level_camera(K: Float[np.ndarray, "frames 3 3"]) -> Camera:
    """The camera of people who are told in its own axes: it counts as level, at the origin.

    Args:
        K: (1|F, 3, 3) intrinsics, pixels.
    """
    return Camera(K, LEVEL[None], np.zeros((1, 3)), source="given", note="level, as assumed")


def camera_between(
    world: Performance, camera: Performance, count: int
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3"]]:
    """R and t, world to camera, of every frame, from one motion told in both.

    Args:
        world: in the world.
        camera: the same frames in the camera's axes.
        count: frames of the video; where nothing is told the camera stays where it was.
    """
    told = [Rotation.from_rotvec(one.turns[:, 0]).as_matrix() for one in (world, camera)]
    turn = told[1] @ np.swapaxes(told[0], 1, 2)
    shift = camera.hips - (turn @ world.hips[..., None])[..., 0]
    nearest = np.searchsorted(world.frames, np.arange(count), side="right") - 1
    nearest = np.clip(nearest, 0, len(world.frames) - 1)
    return turn[nearest], shift[nearest]

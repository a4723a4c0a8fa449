"""What a robot is to do: a trajectory of its base and joints, as one self-describing file."""

import zlib
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, Slerp

from mocap.errors import RetargetError, numpy_fault
from mocap.files import write_whole
from mocap.retarget.kinematics import Pose

FORMAT, VERSION = "mocap-robot-trajectory", 1
#: Frames a second that can be, and how far quaternions may be from unit length: those in tables are
#: rounded.
_SLOWEST, _FASTEST, _OFF_UNIT = 0.1, 1e5, 0.01
#: Whose contacts the columns are.
CONTACTS = ("left_heel", "left_toe", "right_heel", "right_toe")
_ABOUT = (
    "Metres, radians, seconds; the world's +Z is up, the ground is z = 0. root_quaternion is wxyz, "
    "from the base's axes to the world's; velocities of the root are in the world's axes. Joints "
    "are in the order of joint_names, which is MuJoCo's; bodies likewise, the base first."
)


@dataclass(frozen=True)
class Trajectory:
    """The motion of one robot: metres, radians, +Z up.

    Attributes:
        robot: the model's name.
        person: whom it follows.
        fps: frames a second.
        joint_names: the J joints, in MuJoCo's order.
        body_names: the bodies, likewise.
        root_position: (F, 3) the base's origin in the world.
        root_quaternion: (F, 4) wxyz, base to world.
        joint_position: (F, J) radians, metres for slides.
        contacts: (F, 4) whether each of :data:`CONTACTS` rests; None where nobody tells.
        scale: the robot's world over the person's; NaN where nobody tells.
    """

    robot: str
    person: str
    fps: float
    joint_names: tuple[str, ...]
    body_names: tuple[str, ...]
    root_position: Float[np.ndarray, "frames 3"]
    root_quaternion: Float[np.ndarray, "frames 4"]
    joint_position: Float[np.ndarray, "frames joints"]
    contacts: Bool[np.ndarray, "frames 4"] | None
    scale: float

    def __len__(self) -> int:
        return len(self.root_position)

    @property
    def joint_velocity(self) -> Float[np.ndarray, "frames joints"]:
        """(F, J) central differences, one-sided at the ends."""
        return _rates(self.joint_position, self.fps)

    @property
    def root_velocity(self) -> Float[np.ndarray, "frames 3"]:
        """(F, 3) m/s, world."""
        return _rates(self.root_position, self.fps)

    @property
    def root_angular_velocity(self) -> Float[np.ndarray, "frames 3"]:
        """(F, 3) rad/s, world's axes."""
        if len(self) < 2:
            return np.zeros((len(self), 3))
        turns = Rotation.from_quat(self.root_quaternion, scalar_first=True)
        step = (turns[1:] * turns[:-1].inv()).as_rotvec() * self.fps
        ends = np.concatenate([step[:1], step, step[-1:]])
        return 0.5 * (ends[1:] + ends[:-1])

    def states(self) -> Float[np.ndarray, "frames values"]:
        """(F, 7 + J) the base's place, its quaternion (wxyz) and the joints."""
        return np.hstack([self.root_position, self.root_quaternion, self.joint_position])

    def pose(self) -> Pose:
        """The same as poses of a robot."""
        turn = Rotation.from_quat(self.root_quaternion, scalar_first=True).as_matrix()
        return Pose(self.root_position, turn, self.joint_position)

    def resampled(self, fps: float) -> "Trajectory":
        """The same motion at another rate, from the same first instant.

        Positions follow monotone cubics, which leave no joint's range, turns the shortest way.
        The rate that it has already changes nothing.
        """
        if np.isclose(fps, self.fps, rtol=1e-9) or len(self) < 2:
            return self
        times = np.arange(len(self)) / self.fps
        # What rounding puts beyond the last frame is the last frame.
        wanted = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
        wanted = np.minimum(wanted, times[-1])
        turns = Slerp(times, Rotation.from_quat(self.root_quaternion, scalar_first=True))(wanted)
        nearest = np.rint(wanted * self.fps).astype(int)
        return replace(
            self,
            fps=float(fps),
            root_position=PchipInterpolator(times, self.root_position)(wanted),
            root_quaternion=of_one_sign(turns.as_quat(scalar_first=True)),
            joint_position=PchipInterpolator(times, self.joint_position)(wanted),
            contacts=None if self.contacts is None else self.contacts[nearest],
        )

    def to_bytes(self) -> bytes:
        """The file: an npz that says its own units and orders."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "about": _ABOUT,
            "quaternion_order": "wxyz",
            "up_axis": "+Z",
            "contact_names": np.array(CONTACTS),
            **{item.name: getattr(self, item.name) for item in fields(self)},
            "joint_velocity": self.joint_velocity,
            "root_velocity": self.root_velocity,
            "root_angular_velocity": self.root_angular_velocity,
        }
        stream = BytesIO()
        np.savez_compressed(stream, **{k: v for k, v in content.items() if v is not None})
        return stream.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the trajectory as an npz.

        Raises:
            RetargetError: the folder cannot be written.
        """
        return write_whole(path, self.to_bytes(), error=RetargetError)

    @classmethod
    def load(cls, path: str | Path) -> "Trajectory":
        """Read a trajectory.

        Raises:
            RetargetError: the file is missing, damaged, or something else.
        """
        path = Path(path)
        if not path.is_file():
            raise RetargetError(f"{path}: no such trajectory; `mocap retarget` makes one")
        try:
            with np.load(path, allow_pickle=False) as file:
                if str(file.get("format")) != FORMAT:
                    raise RetargetError(f"{path}: is no trajectory of `mocap retarget`")
                if int(file["version"]) > VERSION:
                    raise RetargetError(f"{path}: is of a newer version; update this program")
                told = {item.name for item in fields(cls)} - {"contacts"}
                values = {name: file[name] for name in told}
                values["contacts"] = file.get("contacts")
            for name in ("robot", "person"):
                values[name] = str(values[name])
            for name in ("fps", "scale"):
                values[name] = float(values[name])
            for name in ("joint_names", "body_names"):
                values[name] = tuple(map(str, values[name]))
            found = cls(**values)
            found.require_sound()
        except (
            *(OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile, zlib.error),
        ) as error:
            raise RetargetError(f"{path}: is damaged: {numpy_fault(error)}") from error
        return found

    def require_sound(self) -> None:
        """Refuse parts that do not belong together.

        Raises:
            ValueError: shapes, rate or quaternions are none of a trajectory's; what is not a number
                is let through.
        """
        frames, joints = len(self), len(self.joint_names)
        shapes = {
            "root_position": (frames, 3),
            "root_quaternion": (frames, 4),
            "joint_position": (frames, joints),
        }
        shapes |= {} if self.contacts is None else {"contacts": (frames, len(CONTACTS))}
        for name, shape in shapes.items():
            part = getattr(self, name)
            if part.shape != shape:
                raise ValueError(f"{name} has shape {part.shape}, not {shape}")
        if not _SLOWEST <= self.fps <= _FASTEST:
            raise ValueError(f"{self.fps:g} frames a second cannot be")
        length = np.linalg.norm(self.root_quaternion, axis=1)
        if np.nanmax(np.abs(length - 1.0), initial=0.0) > _OFF_UNIT:
            raise ValueError("the base's rotations are no unit quaternions")


def of_one_sign(quaternions: Float[np.ndarray, "frames *more 4"]) -> np.ndarray:
    """The same turns, with signs that do not jump from frame to frame: controllers interpolate."""
    flips = np.sum(quaternions[1:] * quaternions[:-1], -1) < 0
    signs = np.where(np.cumsum(flips, axis=0) % 2, -1.0, 1.0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])


def _rates(values: np.ndarray, fps: float) -> np.ndarray:
    return np.gradient(values, axis=0) * fps if len(values) > 1 else np.zeros_like(values)

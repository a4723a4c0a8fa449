"""What a robot is to do: a trajectory of its base and joints, as one self-describing file."""

from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from mocap.errors import RetargetError, numpy_fault
from mocap.files import write_whole
from mocap.retarget.kinematics import Pose

FORMAT, VERSION = "mocap-robot-trajectory", 1
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
        contacts: (F, 4) whether each of :data:`CONTACTS` rests.
        scale: the robot's world over the person's.
    """

    robot: str
    person: str
    fps: float
    joint_names: tuple[str, ...]
    body_names: tuple[str, ...]
    root_position: Float[np.ndarray, "frames 3"]
    root_quaternion: Float[np.ndarray, "frames 4"]
    joint_position: Float[np.ndarray, "frames joints"]
    contacts: Bool[np.ndarray, "frames 4"]
    scale: float

    def __len__(self) -> int:
        return len(self.root_position)

    @property
    def joint_velocity(self) -> Float[np.ndarray, "frames joints"]:
        """(F, J) central differences, one-sided at the ends."""
        return np.gradient(self.joint_position, axis=0) * self.fps

    @property
    def root_velocity(self) -> Float[np.ndarray, "frames 3"]:
        """(F, 3) m/s, world."""
        return np.gradient(self.root_position, axis=0) * self.fps

    @property
    def root_angular_velocity(self) -> Float[np.ndarray, "frames 3"]:
        """(F, 3) rad/s, world's axes."""
        turns = Rotation.from_quat(self.root_quaternion, scalar_first=True)
        step = (turns[1:] * turns[:-1].inv()).as_rotvec() * self.fps
        ends = np.concatenate([step[:1], step, step[-1:]])
        return 0.5 * (ends[1:] + ends[:-1])

    def pose(self) -> Pose:
        """The same as poses of a robot."""
        turn = Rotation.from_quat(self.root_quaternion, scalar_first=True).as_matrix()
        return Pose(self.root_position, turn, self.joint_position)

    def save(self, path: str | Path) -> Path:
        """Write the trajectory as an npz.

        Raises:
            RetargetError: the folder cannot be written.
        """
        content: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "about": _ABOUT,
            "quaternion_order": "wxyz",
            "up_axis": "+Z",
            "contact_names": np.array(CONTACTS),
            **{item.name: np.asarray(getattr(self, item.name)) for item in fields(self)},
            "joint_velocity": self.joint_velocity,
            "root_velocity": self.root_velocity,
            "root_angular_velocity": self.root_angular_velocity,
        }
        stream = BytesIO()
        np.savez_compressed(stream, **content)
        return write_whole(path, stream.getvalue(), error=RetargetError)

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
                values = {item.name: file[item.name] for item in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise RetargetError(f"{path}: is damaged: {numpy_fault(error)}") from error
        for name in ("robot", "person"):
            values[name] = str(values[name])
        for name in ("fps", "scale"):
            values[name] = float(values[name])
        for name in ("joint_names", "body_names"):
            values[name] = tuple(map(str, values[name]))
        return cls(**values)

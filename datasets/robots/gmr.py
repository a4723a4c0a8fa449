"""General Motion Retargeting's pickles: ``fps, root_pos, root_rot, dof_pos, local_body_pos, ...``.

``root_pos`` (F, 3) metres, ``root_rot`` (F, 4) **xyzw**, ``dof_pos`` (F, J) in MuJoCo's order,
without names; ``local_body_pos`` (F, B, 3), where bodies are when the base is at the origin and
not turned, and ``link_body_list``, their names: both may be None. ``fps`` is a plain int where GMR
was given a BVH and a float where it thinned SMPL-X motion: here an int where it is whole, a float
where it is not. Unknown rates count as 30.
What reads them: `load_robot_motion` in general_motion_retargeting/data_loader.py (YanjieZe/GMR).
"""

import pickle

import numpy as np

from mocap.datasets.robots.bodies import fits
from mocap.datasets.robots.content import Content
from mocap.datasets.robots.making import made, plain, rate, required
from mocap.errors import RetargetError
from mocap.retarget import Pose, Robot, Trajectory, pose_robot

_USUAL_FPS = 30.0
#: NumPy's own name for where arrays are made again, and the one that older NumPys know as well.
_NEW, _OLD = b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"


def is_gmr(content: Content) -> bool:
    """Whether a file is one of these."""
    return content.has("root_pos", "root_rot", "dof_pos")


def read_gmr(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of such a file; where it tells bodies, they are where the robot's are."""
    robot = required(content.path, robot, "GMR's files do not name the joints")
    place, turn = content.floats("root_pos", 2), content.floats("root_rot", 2)
    states = np.hstack([place, turn[:, [3, 0, 1, 2]], content.floats("dof_pos", 2)])
    told = rate(content, fps, "fps", "mocap_frame_rate", otherwise=_USUAL_FPS)
    trajectory = made(content, told, states, robot)
    names = content.names("link_body_list")
    if names is not None and content.arrays.get("local_body_pos") is not None:
        places = content.floats("local_body_pos", 3)
        if places.shape[:2] != (len(trajectory), len(names)):
            raise RetargetError(f"{content.path}: local_body_pos is of other frames or bodies")
        known = [name for name in names if name in robot.bodies]
        if known:
            seen = places[:, [names.index(name) for name in known]]
            fits(content.path, robot, _local(trajectory), known, seen)
    return trajectory


def write_gmr(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The file; without bodies where no robot is given, as GMR's own single clips are."""
    places = None
    if robot is not None:
        posed = pose_robot(robot, _local(trajectory))
        places = np.swapaxes(posed.places, 0, 1).astype(np.float32)
    content = {
        "fps": plain(trajectory.fps),
        "root_pos": np.ascontiguousarray(trajectory.root_position),
        "root_rot": np.ascontiguousarray(trajectory.root_quaternion[:, [1, 2, 3, 0]]),
        "dof_pos": np.ascontiguousarray(trajectory.joint_position),
        "local_body_pos": places,
        "link_body_list": None if robot is None else list(robot.bodies),
    }
    # Protocol 3 keeps names as lines, and every Python 3 knows it.
    return pickle.dumps(content, protocol=3).replace(_NEW, _OLD)


def _local(trajectory: Trajectory) -> Pose:
    frames = len(trajectory)
    still = np.tile(np.eye(3), (frames, 1, 1))
    return Pose(np.zeros((frames, 3)), still, trajectory.joint_position)

"""How good a robot's trajectory is: figures, limits for them, and whether it passes.

All is measured on the trajectory itself, by forward kinematics and MuJoCo's collisions on the
model's own shapes. What it is held against is the person's motion in the robot's world (`targets`),
and when and how high feet rest there (`footprints`); a solver has the same before it, whoever's it
is. A figure that cannot be measured is null and passes; whatever is not a number fails.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.errors import RetargetError
from mocap.files import write_whole
from mocap.retarget.checks import CHECKS, failures_of
from mocap.retarget.collisions import Collisions
from mocap.retarget.correspondence import Correspondence
from mocap.retarget.human import HumanMotion
from mocap.retarget.kinematics import pose_robot
from mocap.retarget.limits import JointLimits, limits_of
from mocap.retarget.measures import (
    bends,
    bones_off,
    ground,
    jumps,
    lowest_points,
    motion_of,
    stances,
    tracking,
)
from mocap.retarget.robot import Robot
from mocap.retarget.support import outside_support
from mocap.retarget.targets import scale_of, targets_of
from mocap.retarget.tasks import tasks_of
from mocap.retarget.trajectory import Trajectory

#: Metres a second and rad/s below which weight has to be over the feet.
_SLOW = 0.15
#: Metres that weight may be beside the feet.
_BESIDE = 0.02


@dataclass(frozen=True)
class RobotReport:
    """Figures of one trajectory.

    Attributes:
        figures: by group and name; None where there is nothing to measure.
        failures: what is beyond its limit: figure, value and limit.
        reasons: the same, one for one, in words for people.
        series: (F,) what is measured of every frame, by name; empty where nothing could be.
    """

    figures: dict[str, dict[str, Any]]
    failures: tuple[str, ...]
    reasons: tuple[str, ...]
    series: dict[str, Float[np.ndarray, " frames"]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every figure is within its limit."""
        return not self.failures

    @property
    def stance(self) -> str:
        """How long each foot rests, and how high over the ground, in words; empty if unknown."""
        feet = self.figures.get("feet")
        if feet is None:
            return ""
        told = ", ".join(
            f"{side} foot rests in {frames} frames ({feet['resting_share'][side]:.0%})"
            for side, frames in feet["resting_frames"].items()
        )
        height = feet["rest_height_mm"]
        if height is None:
            return told
        # Adding zero takes the sign off one that is a rounded millimetre under the ground.
        least, median, most = (
            f"{round(height[name] / 1000, 2) + 0.0:.2f}" for name in ("least", "median", "most")
        )
        return f"{told}, {least} to {most} m over the ground (median {median} m)"

    def write(self, path: str | Path) -> Path:
        """Write the report as JSON."""
        content = {
            "format": "mocap-robot-report",
            "passed": self.passed,
            "failures": list(self.failures),
            "reasons": list(self.reasons),
            "most": {one.name: one.limit for one in CHECKS if not one.is_least},
            "least": {one.name: one.limit for one in CHECKS if one.is_least},
            **self.figures,
        }
        return write_whole(path, json.dumps(content, indent=1) + "\n", error=RetargetError)


def robot_report(
    trajectory: Trajectory, motion: HumanMotion, robot: Robot, found: Correspondence
) -> RobotReport:
    """Measure a trajectory against the motion it follows.

    Args:
        trajectory: of the robot.
        motion: at the trajectory's rate.
        robot: that moves.
        found: what of it is what of the person.

    Raises:
        RetargetError: they are not of one length, or of another robot.
    """
    if len(trajectory) != len(motion) or trajectory.joint_names != robot.joints:
        raise RetargetError(
            f"{trajectory.person}: trajectory and motion are not of one length, or the trajectory "
            f"is another robot's than {robot.name}; make it again with `mocap retarget`"
        )
    parts = (trajectory.root_position, trajectory.root_quaternion, trajectory.joint_position)
    finite = np.all([np.isfinite(part).all(1) for part in parts], axis=0)
    if not finite.all():
        count, first = int((~finite).sum()), int(np.argmin(finite))
        text = f"{count} frames are not numbers, from frame {first} on"
        frames = {"count": len(finite), "not_finite": count}
        return RobotReport({"frames": frames}, (text,), (text,))
    scale = trajectory.scale if np.isfinite(trajectory.scale) else scale_of([motion], found)
    targets = targets_of(motion, found, scale)
    limits = limits_of(robot, found)
    moving = tasks_of(robot, found, targets).moving
    pose = trajectory.pose()
    posed = pose_robot(robot, pose)
    slow = motion_of(pose, trajectory.fps) < _SLOW
    contacts = motion.contacts if trajectory.contacts is None else trajectory.contacts
    beside = outside_support(robot, found, posed, contacts, slow)
    measured = np.isfinite(beside)
    overlaps = Collisions(robot, margin=0.0).overlaps(pose)
    figures: dict[str, dict[str, Any]] = {
        "frames": {"count": len(motion), "fps": trajectory.fps, "not_finite": 0},
        "tracking": tracking(robot, found, targets, posed),
        "joints": _joints(limits, trajectory, moving),
        "jumps": jumps(robot, found, targets, pose),
        "feet": stances(robot, found, targets, posed),
        "ground": ground(robot, posed),
        "self_collision": {"frames": int(overlaps.sum())},
        "straight_limbs": bends(robot, found, posed),
        "balance": {
            "slow_frames": int(measured.sum()),
            "over_feet_share": float(np.mean(beside[measured] < _BESIDE))
            if measured.any()
            else None,
        },
    }
    series = {
        "bones_off_deg": bones_off(robot, found, targets, posed).mean(0),
        "speed_of_limit": np.append(_speeds(limits, trajectory).max(1), 0.0),
        "lowest_mm": 1000.0 * lowest_points(robot, posed),
        "self_collision": np.array(overlaps, float),
    }
    failures = list(failures_of(figures))
    return RobotReport(
        figures,
        tuple(failure.figure for failure in failures),
        tuple(failure.words for failure in failures),
        series,
    )


def _speeds(limits: JointLimits, trajectory: Trajectory) -> np.ndarray:
    """(F - 1, J) how fast joints turn from frame to frame, as shares of what they may."""
    return np.abs(np.diff(trajectory.joint_position, axis=0)) * trajectory.fps / limits.speed


def _joints(limits: JointLimits, trajectory: Trajectory, moving: np.ndarray) -> dict[str, Any]:
    joints = trajectory.joint_position
    beyond = np.maximum(limits.low - joints, joints - limits.high)
    # Joints that are locked, or follow others, are at their limits always.
    free = beyond[:, moving][:, np.isfinite(limits.low[moving])]
    speed = _speeds(limits, trajectory)
    second = np.abs(np.diff(joints, 2, axis=0)) * trajectory.fps**2
    return {
        "beyond_limits_deg": float(np.degrees(max(beyond.max(), 0.0))),
        "least_room_deg": float(np.degrees(-free.max())) if free.size else None,
        "at_limit_share": float(np.mean((free > -0.005).any(1))),
        "speed_of_limit": float(speed.max(initial=0.0)),
        "acceleration_of_limit": float((second / limits.acceleration).max(initial=0.0))
        if np.isfinite(limits.acceleration).any()
        else None,
        "acceleration_max_rad_s2": float(second.max(initial=0.0)),
        "acceleration_p99_rad_s2": float(np.percentile(second, 99)) if second.size else 0.0,
    }

"""What is measured of a robot's trajectory, one function a matter."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from mocap.retarget.correspondence import SIDES, Correspondence, Segment
from mocap.retarget.footprints import FREE
from mocap.retarget.kinematics import Pose, Posed
from mocap.retarget.robot import Robot
from mocap.retarget.surface import hulls
from mocap.retarget.targets import Targets
from mocap.retarget.tasks import JUMP, OF_PACE, foot_points, pace_of, tasks_of

#: Joint steps that are jumps, degrees in 1/30 s.
_JUMP = np.degrees(JUMP) / 30.0
#: Base steps that are jumps, metres in 1/30 s, beyond the person's own.
_BASE_JUMP = 0.05
#: Frames over which what shakes is told from what moves.
_SHAKEN = 5
#: Limbs nearer to straight than this are near a singularity, degrees.
_STRAIGHT = 3.0
#: Directions that change less than this over a clip tell nothing of how much is moved, radians.
_STILL = 0.03


def tracking(robot: Robot, found: Correspondence, targets: Targets, posed: Posed) -> dict[str, Any]:
    """How far parts are off: degrees of bones and turns, millimetres of the pelvis."""
    bearings, moved, wanted = {}, [], []
    each = bones_off(robot, found, targets, posed)
    segments = dict(zip(found.segments, map(float, each.mean(1)), strict=True))
    second = max(1, round(targets.fps))
    for name, segment in found.segments.items():
        now, aim = _bone(robot, segment, posed), targets.directions[name]
        moved.append(now - now.mean(0))
        wanted.append(aim - aim.mean(0))
    for name, bearing in found.bearings.items():
        body = robot.bodies.index(bearing.body)
        turn = posed.turns[body] @ np.swapaxes(targets.turns[name], 1, 2)
        apart = np.linalg.norm(Rotation.from_matrix(turn).as_rotvec(), axis=1)
        bearings[name] = float(np.degrees(apart.mean()))
    pelvis = found.bearings["pelvis"]
    now = posed.point(robot.bodies.index(pelvis.body), pelvis.point)
    off = np.linalg.norm(now - targets.pelvis, axis=1)
    firm = [name for name in bearings if "hand" not in name]
    own, person = np.array(moved), np.array(wanted)
    much = float(np.sqrt(np.mean(np.sum(person**2, -1))))
    tells = much > _STILL
    left = float(np.sum((own - person) ** 2) / max(np.sum(person**2), 1e-12))
    return {
        "segments_deg": segments,
        "bearings_deg": bearings,
        "segments_mean_deg": float(np.mean(list(segments.values()))),
        "segments_worst_mean_deg": max(segments.values()),
        "worst_second_deg": float(uniform_filter1d(each.mean(0), second, mode="nearest").max()),
        "shake_deg": shake(robot, found, targets, posed),
        "bearings_mean_deg": float(np.mean([bearings[name] for name in firm])),
        "pelvis_mean_mm": float(1000 * off.mean()),
        # How much bones move against how much the person's do: 0 of a statue.
        "motion": float(np.sqrt(np.mean(np.sum(own**2, -1)))) / much if tells else None,
        # How much of the person's movement is in the robot's: 0 of a statue, less of another's.
        "explained": 1.0 - left if tells else None,
    }


def bones_off(
    robot: Robot, found: Correspondence, targets: Targets, posed: Posed
) -> Float[np.ndarray, "bones frames"]:
    """How far bones point elsewhere than the person's, degrees, in the correspondence's order."""
    apart = [
        np.arccos(np.clip(np.sum(_bone(robot, one, posed) * targets.directions[name], 1), -1, 1))
        for name, one in found.segments.items()
    ]
    return np.degrees(apart)


def shake(robot: Robot, found: Correspondence, targets: Targets, posed: Posed) -> float | None:
    """How much more a bone shakes than the person's: what a parabola over 5 frames leaves of it.

    Degrees, root mean square, of the bone that does so most; None of fewer frames.
    """
    if posed.places.shape[1] < _SHAKEN:
        return None

    def left(ways: np.ndarray) -> float:
        smooth = savgol_filter(ways, _SHAKEN, 2, axis=0)
        return float(np.degrees(np.sqrt(np.mean(np.sum((ways - smooth) ** 2, -1)))))

    return max(
        left(_bone(robot, one, posed)) - left(targets.directions[name])
        for name, one in found.segments.items()
    )


def _bone(robot: Robot, segment: Segment, posed: Posed) -> Float[np.ndarray, "frames 3"]:
    """Where a limb points: unit vectors."""
    body = robot.bodies.index(segment.body)
    return posed.vector(body, (segment.end - segment.start) / segment.length)


def jumps(robot: Robot, found: Correspondence, targets: Targets, pose: Pose) -> dict[str, Any]:
    """Steps from frame to frame that the person does not take."""
    tasks = tasks_of(robot, found, targets)
    per = 30.0 / targets.fps
    steps = np.degrees(np.abs(np.diff(pose.joints[:, tasks.moving], axis=0))) / per
    pace = np.degrees(OF_PACE * pace_of(tasks)[:-1]) / 30.0
    jump = steps > np.maximum(_JUMP, pace)
    base = np.linalg.norm(np.diff(pose.place, axis=0), axis=1) / per
    person = np.linalg.norm(np.diff(targets.pelvis, axis=0), axis=1) / per
    # Video at half the rate repeats frames: the person rests in every other one.
    person = maximum_filter1d(person, 5)
    turns = [_steps(way) / per for way in (pose.turn, targets.turns["pelvis"])]
    turned = turns[0] > OF_PACE * maximum_filter1d(turns[1], 5) + _JUMP
    moved = base > 1.5 * person + _BASE_JUMP
    worst = int(np.argmax(steps.max(0, initial=0.0)))
    return {
        "most_deg_per_frame": float(steps.max(initial=0.0)),
        "joint": robot.joints[tasks.moving[worst]],
        "over_10_deg_frames": int((steps > _JUMP).any(1).sum()),
        "frames": int(jump.any(1).sum()),
        "base_frames": int(np.sum(moved | turned)),
    }


def _steps(turns: Float[np.ndarray, "frames 3 3"]) -> Float[np.ndarray, " between"]:
    """How far something turns from frame to frame, degrees."""
    step = np.swapaxes(turns[:-1], 1, 2) @ turns[1:]
    return np.degrees(Rotation.from_matrix(step).magnitude())


def stances(robot: Robot, found: Correspondence, targets: Targets, posed: Posed) -> dict[str, Any]:
    """What feet do while they are to rest, at the level of the sole."""
    tasks = tasks_of(robot, found, targets)
    slides, heights, lifts, drifts = [], [], [], []
    resting: dict[str, int] = {}
    over_ground = []
    for side in SIDES:
        path = targets.feet[side]
        points = foot_points(tasks, side, posed)
        firm = (path.rests != FREE) & ~path.tips
        # What counts is whether anything of the sole touches what is stood on.
        sole = found.soles[side]
        lowest = posed.point(robot.bodies.index(sole.body), sole.corners)[..., 2].min(1)
        heights.append((lowest - path.places[:, 2])[firm])
        rests = path.rests != FREE
        resting[side] = int(rests.sum())
        over_ground.append(lowest[rests])
        lifts.append(np.abs((points - path.places)[:, 2]))
        kept = (path.run[1:] == path.run[:-1]) & (path.rests[1:] == path.rests[:-1])
        kept &= path.pinned[1:] & firm[1:]
        slides.append(np.linalg.norm(np.diff(points, axis=0)[kept, :2], axis=1))
        # A rest goes on for as long as every step of it does.
        for rest in np.split(np.arange(len(points)), np.flatnonzero(~kept) + 1):
            if len(rest) > 1:
                spots = points[rest, :2]
                drifts.append(np.linalg.norm(spots - spots.mean(0), axis=1).max())
    slide, height = np.concatenate(slides), np.concatenate(heights)
    over = 1000 * np.concatenate(over_ground)
    return {
        "stance_frames": len(height),
        # By foot, rests on tips included, whose height nothing limits.
        "resting_frames": resting,
        "resting_share": {side: frames / len(targets) for side, frames in resting.items()},
        # Nobody but the user knows whether there is a roof to stand on.
        "rest_height_mm": {
            "least": float(over.min()),
            "median": float(np.median(over)),
            "most": float(over.max()),
        }
        if len(over)
        else None,
        "slide_max_mm": float(1000 * slide.max()) if len(slide) else None,
        "slide_mean_mm": float(1000 * slide.mean()) if len(slide) else None,
        "drift_max_mm": float(1000 * max(drifts)) if drifts else None,
        "floating_max_mm": float(1000 * max(height.max(), 0.0)) if len(height) else None,
        "sunk_max_mm": float(1000 * max(-height.min(), 0.0)) if len(height) else None,
        "lift_error_mean_mm": float(1000 * np.mean(lifts)),
    }


def lowest_points(robot: Robot, posed: Posed) -> Float[np.ndarray, " frames"]:
    """The height of the lowest corner of any body, metres; infinite without any."""
    lowest = np.full(posed.places.shape[1], np.inf)
    for body, hull in enumerate(hulls(robot)):
        if len(hull):
            heights = posed.turns[body][:, 2] @ hull.points.T - hull.radii
            lowest = np.minimum(lowest, heights.min(1) + posed.places[body][:, 2])
    return lowest


def ground(robot: Robot, posed: Posed) -> dict[str, Any]:
    """How deep the robot is in the ground, by every corner of every body."""
    lowest = lowest_points(robot, posed)
    if not np.isfinite(lowest).all():
        return {"penetration_max_mm": None, "frames": None, "nearest_mm": None}
    return {
        "penetration_max_mm": float(1000 * max(-lowest.min(), 0.0)),
        "frames": int(np.sum(lowest < -0.001)),
        # Who never comes down is in a world whose ground is elsewhere.
        "nearest_mm": float(1000 * max(lowest.min(), 0.0)),
    }


def bends(robot: Robot, found: Correspondence, posed: Posed) -> dict[str, Any]:
    """Shares of time in which limbs are nearly straight, where joints lose a direction."""
    shares: dict[str, Any] = {}
    for side in SIDES:
        for limb, parts in {"leg": ("thigh", "shank"), "arm": ("upper_arm", "forearm")}.items():
            ways = []
            for part in parts:
                segment = found.segments.get(f"{side}_{part}")
                if segment is not None:
                    ways.append(_bone(robot, segment, posed))
            if len(ways) == 2:
                apart = np.degrees(np.arccos(np.clip(np.sum(ways[0] * ways[1], 1), -1, 1)))
                shares[f"{side}_{limb}"] = float(np.mean(apart < _STRAIGHT))
    return shares


def motion_of(pose: Pose, fps: float) -> Float[np.ndarray, " frames"]:
    """How fast the base moves, m/s, plus a tenth of the fastest joint's rad/s."""
    if len(pose) < 2:
        return np.zeros(len(pose))
    base = np.linalg.norm(np.gradient(pose.place, axis=0), axis=1) * fps
    joints = np.abs(np.gradient(pose.joints, axis=0)).max(1) * fps
    return base + 0.1 * joints

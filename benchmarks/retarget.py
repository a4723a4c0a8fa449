"""Robots that follow eleven varied clips: ours, and a plain two-stage loop of inverse kinematics.

    python benchmarks/retarget.py [--robot g1.xml] [--data FOLDER] [--json FILE] [--clips walk,run]
                                  [--times 3]

The plain loop is what is usual (as in GMR, Araujo et al. 2025): joint places shrunk by the ratio
of the legs, and for each frame two rounds of mink's differential inverse kinematics with joint and
velocity limits, from the frame before. Both are measured by the same report.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.body import load_body
from mocap.datasets import motions as corpora
from mocap.geometry import Y_UP_TO_Z_UP
from mocap.retarget import (
    Correspondence,
    HumanMotion,
    RetargetConfig,
    Robot,
    RobotReport,
    SolverConfig,
    Trajectory,
    correspondence_of,
    prepared,
    read_robot,
    retarget,
    robot_report,
)
from mocap.retarget.human import sole_points
from mocap.retarget.targets import Targets, scale_of, targets_of

#: Parts whose places the plain loop follows, and the person's joints.
PLACES = {"shank": "knee", "foot": "ankle", "forearm": "elbow", "hand": "wrist"}
#: The plain loop's first round is for these, its second one for everything.
FIRST = ("foot", "pelvis")
STEPS, GAIN = 10, 1e-3

CLIPS: dict[str, Callable[[Path], corpora.MotionClip]] = {
    "walk": lambda m: corpora.read_poselib_clip(
        m / "cmu_isaacgym_amp/amp_humanoid_walk.npy", performer="amp"
    ),
    "run": lambda m: corpora.read_expmap_clip(
        m / "cmu_expmap/test/running/running_1.txt.gz", every=4, performer="cmu"
    ),
    "soccer": lambda m: corpora.read_expmap_clip(
        m / "cmu_expmap/test/soccer/soccer_1.txt.gz", every=4, performer="cmu"
    ),
    "dance": lambda m: corpora.read_poselib_clip(
        m / "cmu_isaacgym_amp/amp_humanoid_dance.npy", performer="amp"
    ),
    "perfume dance": lambda m: corpora.read_bvh_clip(
        m / "perfume/A_test.bvh", units=0.01, skip=1, performer="perfume"
    ),
    "climbing": lambda m: corpora.read_climbing_clip(
        m / "climbing/mocap_climb_seq_3_joint_positions_f200-2600.npy"
    ),
    "spin kick": lambda m: corpora.read_deepmimic_clip(m / "deepmimic/humanoid3d_spinkick.txt"),
    "crawl": lambda m: corpora.read_deepmimic_clip(m / "deepmimic/humanoid3d_crawl.txt"),
    "backflip": lambda m: corpora.read_deepmimic_clip(m / "deepmimic/humanoid3d_backflip.txt"),
    "cartwheel": lambda m: corpora.read_deepmimic_clip(m / "deepmimic/humanoid3d_cartwheel.txt"),
    "stairs": lambda m: corpora.read_keypoints_clip(
        m.parent / "results/pyroki_humanoid/smpl_keypoints.npy"
    ),
}


@dataclass(frozen=True)
class Goal:
    """What a body is to follow in the plain loop.

    Attributes:
        task: mink's.
        places: (F, 3) world, metres.
        turns: (F, 3, 3) from the body's axes to the world's.
    """

    task: Any
    places: np.ndarray
    turns: np.ndarray


def goals_of(
    motion: HumanMotion, robot: Robot, found: Correspondence, targets: Targets
) -> dict[str, Goal]:
    """What the plain loop follows, by the person's part."""
    import mink

    goals = {}
    bodies = {name: one.body for name, one in {**found.segments, **found.bearings}.items()}
    # Ankles are as high over the floor as the robot's are: others tune this by hand.
    lift = [0.0, 0.0, _ankle_gap(motion, found, targets.scale)]
    for name, body in bodies.items():
        part = name.rpartition("_")[2]
        if part not in PLACES and name not in ("pelvis", "chest"):
            continue
        firm = part in ("foot", "pelvis")
        task = mink.FrameTask(
            frame_name=body,
            frame_type="body",
            position_cost=50.0 if firm else 0.0 if name == "chest" else 10.0,
            orientation_cost=10.0 if name in found.bearings else 0.0,
            lm_damping=1.0,
        )
        if part in PLACES:
            joint = name.removesuffix(part) + PLACES[part]
            places = targets.scale * motion.place(joint) @ Y_UP_TO_Z_UP.T + lift
        else:
            bearing = found.bearings["pelvis"]
            places = targets.pelvis - targets.turns["pelvis"] @ bearing.point
        turns = targets.turns.get(name, np.tile(np.eye(3), (len(motion), 1, 1)))
        goals[name] = Goal(task, places, turns)
    return goals


def plain(motion: HumanMotion, robot: Robot, found: Correspondence) -> Trajectory:
    """The motion by a plain two-stage loop, frame after frame."""
    import mink

    targets = targets_of(motion, found, scale_of([motion], found))
    goals = goals_of(motion, robot, found, targets)
    firm = [goal.task for name, goal in goals.items() if name.rpartition("_")[2] in FIRST]
    rounds = firm, [goal.task for goal in goals.values()]
    speeds = dict(zip(robot.joints, map(float, robot.speed), strict=True))
    limits = [mink.ConfigurationLimit(robot.model), mink.VelocityLimit(robot.model, speeds)]
    configuration = mink.Configuration(robot.model)
    q = robot.model.qpos0.copy()
    q[:3] = targets.pelvis[0]
    q[3:7] = Rotation.from_matrix(targets.turns["pelvis"][0]).as_quat(scalar_first=True)
    configuration.update(q)
    qpos = np.empty((len(motion), len(q)))
    for frame in range(len(motion)):
        for goal in goals.values():
            turn = mink.SO3.from_matrix(goal.turns[frame])
            place = mink.SE3.from_rotation_and_translation(turn, goal.places[frame])
            goal.task.set_target(place)
        for tasks in rounds:
            _follow(configuration, tasks, limits, 1.0 / motion.fps)
        qpos[frame] = configuration.q
    return Trajectory(
        robot=robot.name,
        person=motion.name,
        fps=motion.fps,
        joint_names=robot.joints,
        body_names=robot.bodies,
        root_position=qpos[:, :3],
        root_quaternion=qpos[:, 3:7],
        joint_position=qpos[:, 7:],
        contacts=motion.contacts,
        scale=targets.scale,
    )


def _follow(configuration: Any, tasks: list[Any], limits: list[Any], dt: float) -> None:
    """Steps of inverse kinematics until they gain nothing."""
    import mink

    last = np.inf
    for _ in range(STEPS):
        velocity = mink.solve_ik(
            configuration, tasks, dt, solver="daqp", damping=0.5, limits=limits
        )
        configuration.integrate_inplace(velocity, dt)
        errors = [task.compute_error(configuration) for task in tasks]
        error = float(np.linalg.norm(np.concatenate(errors)))
        if last - error < GAIN:
            break
        last = error


def _ankle_gap(motion: HumanMotion, found: Correspondence, scale: float) -> float:
    """How much higher a robot's ankles are over its soles than the person's, shrunk."""
    gaps = []
    for side in ("left", "right"):
        sole, bearing = found.soles[side], found.bearings[f"{side}_foot"]
        own = ((bearing.point - sole.corners.mean(0)) @ bearing.turn)[1]
        gaps.append(own - scale * sole_points(motion.joints, motion.turns, side)[1])
    return float(np.mean(gaps))


def row(name: str, frames: int, seconds: float, report: RobotReport) -> str:
    """A line of the table."""
    f = report.figures
    if "tracking" not in f:
        return f"{name:28s} {report.failures}"
    feet, deep = f["feet"], f["ground"]["penetration_max_mm"]
    return (
        f"{name:28s} {frames / seconds:6.0f} {f['tracking']['segments_mean_deg']:6.1f} "
        f"{f['tracking']['pelvis_mean_mm']:7.0f} {f['joints']['beyond_limits_deg']:7.2f} "
        f"{f['joints']['speed_of_limit']:6.2f} {feet['slide_max_mm'] or 0:7.2f} "
        f"{feet['floating_max_mm'] or 0:7.2f} {deep or 0:8.2f} "
        f"{f['jumps']['most_deg_per_frame']:6.1f} {f['jumps']['frames']:6d} "
        f"{f['self_collision']['frames']:6d}  {'passes' if report.passed else 'fails'}"
    )


def timed(
    ways: dict[str, Callable[[], Trajectory]], times: int
) -> dict[str, tuple[Trajectory, float]]:
    """What each way comes to and the fewest seconds of one core it took, taking turns."""
    found: dict[str, tuple[Trajectory, float]] = {}
    for _ in range(times):
        for title, way in ways.items():
            start = time.process_time()
            trajectory = way()
            seconds = time.process_time() - start
            found[title] = trajectory, min(seconds, found.get(title, (None, np.inf))[1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--robot", help="g1's MJCF beside the data if not given")
    parser.add_argument("--data", type=Path, help="folder of test data; $MOCAP_DATA if not given")
    parser.add_argument("--clips", help="only these, by name and with commas between")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--times", type=int, default=1, help="measure so often; the fastest counts")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain loop out")
    options = parser.parse_args()
    data = options.data or (Path(os.environ["MOCAP_DATA"]) if "MOCAP_DATA" in os.environ else None)
    if data is None:
        parser.error("there is nothing to follow: give --data, or set MOCAP_DATA")
    robot = read_robot(options.robot or data.parent / "robots/unitree_g1/g1.xml")
    found, body = correspondence_of(robot), load_body()
    chosen = options.clips.split(",") if options.clips else list(CLIPS)
    quick = RetargetConfig(solver=SolverConfig(collisions=False))
    print(
        f"{'clip':28s} {'fps':>6s} {'bones°':>6s} {'hip mm':>7s} {'lim °':>7s} {'speed':>6s} "
        f"{'slide':>7s} {'float':>7s} {'in floor':>8s} {'jump°':>6s} {'jumps':>6s} {'self':>6s}"
    )
    figures = {}
    for name in chosen:
        motion = corpora.human_of_clip(CLIPS[name](data / "motions"), body, name)
        motion = prepared(motion, RetargetConfig())
        ways: dict[str, Callable[[], Trajectory]] = {
            name: lambda m=motion: retarget([m], robot, found)[0],
            f"{name}, no collisions": lambda m=motion: retarget([m], robot, found, quick)[0],
        }
        if not options.no_plain:
            ways[f"{name}, plain loop"] = lambda m=motion: plain(m, robot, found)
        for title, (trajectory, seconds) in timed(ways, options.times).items():
            report = robot_report(trajectory, motion, robot, found)
            print(row(title, len(motion), seconds, report), flush=True)
            figures[title] = {
                "frames_per_second": len(motion) / seconds,
                "failures": report.failures,
                **report.figures,
            }
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

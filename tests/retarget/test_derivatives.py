"""Derivatives of what pulls at the pose and of what holds it back, against differences."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.retarget import correspondence_of, read_robot
from mocap.retarget.barriers import Barriers
from mocap.retarget.collisions import Collisions
from mocap.retarget.ground import ground_of
from mocap.retarget.kinematics import pose_robot, twists
from mocap.retarget.pulls import Pulls
from mocap.retarget.starting import start_of
from mocap.retarget.targets import LEVEL_FOOT, scale_of, targets_of
from mocap.retarget.tasks import tasks_of
from retarget.made_up import marching, written

STEP = 1e-6


@pytest.fixture(scope="module")
def posed_tasks(tmp_path_factory):
    robot = read_robot(written(tmp_path_factory.mktemp("robot")))
    found, march = correspondence_of(robot), marching(frames=12)
    tasks = tasks_of(robot, found, targets_of(march, found, scale_of([march], found)))
    rng = np.random.default_rng(3)
    pose = start_of(tasks)
    pose = pose.moved(0.1 * rng.normal(size=(12, 6 + len(robot.joints))))
    return tasks, pose


def stepped(tasks, pose, step):
    """A pose after a step of the solver's unknowns."""
    whole = np.zeros((len(pose), 6 + len(tasks.robot.joints)))
    whole[:, :6], whole[:, 6 + tasks.moving] = step[:, :6], step[:, 6:]
    return pose.moved(whole)


def turned_as(tasks, posed):
    """The tasks with turns wanted as they are: their derivative is exact where nothing is off."""
    found, targets = tasks.found, tasks.targets
    own = {n: posed.turns[tasks.robot.bodies.index(b.body)] for n, b in found.bearings.items()}
    feet = {
        side: replace(
            path,
            turns=own[f"{side}_foot"] @ (found.bearings[f"{side}_foot"].turn @ LEVEL_FOOT),
        )
        for side, path in targets.feet.items()
    }
    return replace(tasks, targets=replace(targets, turns=own, feet=feet))


def test_residuals_change_as_they_say(posed_tasks):
    tasks, pose = posed_tasks
    posed = pose_robot(tasks.robot, pose)
    tasks = turned_as(tasks, posed)
    pulls = Pulls(tasks)
    off = pulls.off(posed)
    slopes = pulls.slopes(off, twists(tasks.robot, posed, tasks.moving))
    assert slopes.shape[1] == 3 * (len(tasks.found.segments) + len(tasks.found.bearings) + 3)
    for column in range(tasks.size):
        step = np.zeros((len(pose), tasks.size))
        step[:, column] = STEP
        after = pulls.off(pose_robot(tasks.robot, stepped(tasks, pose, step)))
        difference = (after.value - off.value) / STEP
        for rows in np.split(np.arange(slopes.shape[1]), slopes.shape[1] // 3):
            loose = 1e-4 * np.abs(difference[:, rows]).max() + 1e-3
            np.testing.assert_allclose(slopes[:, rows, column], difference[:, rows], atol=loose)


def test_ground_and_body_change_as_they_say(posed_tasks):
    tasks, pose = posed_tasks
    lowered = pose.moved(np.eye(1, 6 + len(tasks.robot.joints), 2).repeat(12, 0) * -0.15)
    robot = tasks.robot
    barriers = Barriers(tasks, 30.0, ground_of(robot), Collisions(robot, margin=0.3))
    posed = pose_robot(robot, lowered)
    barriers.prepare(lowered, posed)
    rows = barriers.rows(lowered, posed, twists(robot, posed, tasks.moving))
    assert len(rows) == 3
    assert all((row.value < 0).sum() > 4 for row in rows[1:])
    step = STEP * np.random.default_rng(4).normal(size=(12, tasks.size))
    moved = stepped(tasks, lowered, step)
    after = pose_robot(robot, moved)
    again = barriers.rows(moved, after, twists(robot, after, tasks.moving))
    for row, new in zip(rows, again, strict=True):
        assert (np.isfinite(new.value).sum(1) > 1).any()
        np.testing.assert_allclose(row.after(step), new.value, atol=2e-4 * STEP / 1e-6)


def test_what_is_pushed_is_the_sum_of_squares_of_what_is_active(posed_tasks):
    tasks, pose = posed_tasks
    lowered = pose.moved(np.eye(1, 6 + len(tasks.robot.joints), 2).repeat(12, 0) * -0.15)
    barriers = Barriers(tasks, 30.0, ground_of(tasks.robot))
    posed = pose_robot(tasks.robot, lowered)
    turning = twists(tasks.robot, posed, tasks.moving)
    for row in barriers.rows(lowered, posed, turning):
        active = np.random.default_rng(5).random(row.value.shape) < 0.5
        active &= np.isfinite(row.value)
        # Frames 3 and 7 only, the other way round.
        place = np.full(12, -1)
        place[[3, 7]] = 1, 0
        normal, gradient = np.zeros((2, tasks.size, tasks.size)), np.zeros((2, tasks.size))
        row.push(normal, gradient, active, place)
        steps = [np.tile(unit, (12, 1)) for unit in np.eye(tasks.size)]
        for frame, at in ((3, 1), (7, 0)):
            acts = (row.frames == frame)[:, None] & active
            value = row.value[acts]
            slope = np.stack([row.after(step)[acts] - value for step in steps])
            np.testing.assert_allclose(normal[at], slope @ slope.T, rtol=1e-6, atol=1e-3)
            np.testing.assert_allclose(gradient[at], slope @ value, rtol=1e-6, atol=1e-3)


def test_jumps_are_held_back_where_the_person_makes_none(posed_tasks):
    tasks, pose = posed_tasks
    # Who stands still, and a joint that turns by 12 degrees in a frame.
    still = pose[np.zeros(12, int)]
    joints = still.joints.copy()
    joints[5:, tasks.moving[3]] += np.radians(12.0)
    calm = {name: np.zeros_like(pace) for name, pace in tasks.targets.pace.items()}
    tasks = replace(tasks, targets=replace(tasks.targets, pace=calm))
    jumped = still.with_joints(joints)
    calm, free = (Barriers(tasks, 30.0, calm=one) for one in (True, False))
    assert np.flatnonzero(free.jumping(jumped)).tolist() == [4]
    assert not free.jumping(still).any()
    pull, _ = calm.speeds(jumped)
    assert pull[4, 9] > 20 * free.speeds(jumped)[0][4, 9] > 0
    assert (np.delete(pull, 4, 0) == 0).all()
    # Whoever turns that limb as fast makes the same step for no jump.
    brisk = {name: np.full(12, np.radians(12.0) * 30.0) for name in tasks.targets.pace}
    tasks = replace(tasks, targets=replace(tasks.targets, pace=brisk))
    assert not Barriers(tasks, 30.0).jumping(jumped).any()

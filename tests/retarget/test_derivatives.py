"""Derivatives of what pulls at the pose and of what holds it back, against differences."""

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.retarget import correspondence_of, read_robot
from mocap.retarget.barriers import Barriers
from mocap.retarget.collisions import Collisions
from mocap.retarget.kinematics import pose_robot
from mocap.retarget.starting import start_of
from mocap.retarget.surface import hulls
from mocap.retarget.targets import scale_of, targets_of
from mocap.retarget.tasks import residuals, tasks_of
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


def test_residuals_change_as_they_say(posed_tasks):
    tasks, pose = posed_tasks
    for group in tasks.groups:
        value, slope = residuals(tasks, group, pose_robot(tasks.robot, pose), True)
        for at, column in enumerate(group.columns):
            step = np.zeros((len(pose), 6 + len(tasks.robot.joints)))
            step[:, column if column < 6 else 6 + tasks.moving[column - 6]] = STEP
            after, _ = residuals(tasks, group, pose_robot(tasks.robot, pose.moved(step)), False)
            difference = (after - value) / STEP
            # Turns are told as rotation vectors, whose derivative is exact only where they are 0.
            loose = 0.35 * np.abs(difference).max() + 1e-3
            np.testing.assert_allclose(slope[:, :, at], difference, atol=loose)


def test_ground_and_body_change_as_they_say(posed_tasks):
    tasks, pose = posed_tasks
    lowered = pose.moved(np.eye(1, 6 + len(tasks.robot.joints), 2).repeat(12, 0) * -0.15)
    robot = tasks.robot
    barriers = Barriers(tasks, 30.0, hulls(robot), Collisions(robot, margin=0.3))
    posed = pose_robot(robot, lowered)
    barriers.prepare(lowered, posed)
    rows = barriers.rows(lowered, posed)
    assert len(rows) > 4
    rng = np.random.default_rng(4)
    step = np.zeros((12, tasks.size))
    step[:] = STEP * rng.normal(size=step.shape)
    whole = np.zeros((12, 6 + len(robot.joints)))
    whole[:, :6], whole[:, 6 + tasks.moving] = step[:, :6], step[:, 6:]
    after = pose_robot(robot, lowered.moved(whole))
    again = barriers.rows(lowered.moved(whole), after)
    for row, new in zip(rows, again, strict=True):
        if len(row.value) == len(new.value):
            np.testing.assert_allclose(row.after(step), new.value, atol=2e-4 * STEP / 1e-6)

"""Films: the robot on one side, the person's skeleton beside it, both move."""

from dataclasses import replace

import numpy as np
import pytest

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError  # noqa: E402
from mocap.retarget import film, read_robot, retarget  # noqa: E402
from mocap.retarget.names import bundled_folder  # noqa: E402
from retarget.made_up import marching, written  # noqa: E402

SIZE = (320, 240)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    robot, motion = read_robot(written(tmp_path_factory.mktemp("robot"))), marching(30)
    trajectory = retarget([motion], robot)[0]
    return robot, trajectory, motion


def pictures(robot, trajectory, motion, frames=(0, 10)):
    try:
        found = list(film(robot, trajectory, motion, size=SIZE, frames=frames))
    except RetargetError as error:
        pytest.skip(f"no off-screen OpenGL works here: {error}")
    assert len(found) == len(frames)
    for picture in found:
        assert picture.shape == (SIZE[1], SIZE[0], 3)
        assert picture.dtype == np.uint8
    return np.array(found, int)


def nobody(filmed):
    """The same scene with the robot and the skeleton out of sight."""
    robot, trajectory, motion = filmed
    model = robot.model
    shown, skin = model.geom_rgba.copy(), model.geom_matid.copy()
    model.geom_rgba[:, 3], model.geom_matid[:] = 0.0, -1
    far = replace(motion, joints=motion.joints + [0.0, 500.0, 0.0])
    try:
        return pictures(robot, trajectory, far)
    finally:
        model.geom_rgba[:], model.geom_matid[:] = shown, skin


def test_robot_and_skeleton_are_seen_apart_and_move(filmed):
    empty, full = nobody(filmed), pictures(*filmed)
    drawn = np.abs(full - empty).max(-1) > 24
    columns = np.flatnonzero(drawn[0].any(0))
    gap = int(np.argmax(np.diff(columns)))
    assert np.diff(columns)[gap] > 10, "robot and skeleton overlap"
    middle = (columns[gap] + columns[gap + 1]) // 2
    for side in (drawn[:, :, :middle], drawn[:, :, middle:]):
        assert side[0].sum() > 300
        assert (side[0] ^ side[1]).sum() > 30
    # All of both is in the picture: nothing touches its rim.
    assert not drawn[:, [0, -1]].any()
    assert not drawn[:, :, [0, -1]].any()


def test_background_is_light(filmed):
    sky = pictures(*filmed)[:, : SIZE[1] // 6]
    assert np.median(sky) > 180


def test_left_is_orange_and_right_is_blue(filmed):
    robot, trajectory, motion = filmed
    picture = pictures(robot, trajectory, motion)[0]
    red, _, blue = np.moveaxis(picture, -1, 0)
    orange, azure = red - blue > 90, blue - red > 90
    assert orange.sum() > 50
    assert azure.sum() > 50
    # Who faces the camera has the left on the picture's right.
    assert np.nonzero(orange)[1].mean() > np.nonzero(azure)[1].mean() + 5


def test_what_collides_does_not_hide_what_is_seen(filmed):
    folder = bundled_folder()
    if folder is None:
        pytest.skip("example-robot-data is not installed")
    motion, robot = filmed[2], read_robot("romeo")
    before = robot.model.geom_group.copy()
    trajectory = retarget([marching(4)], robot)[0]
    pictures(robot, trajectory, replace(motion, joints=motion.joints[:4]), frames=(0,))
    np.testing.assert_array_equal(robot.model.geom_group, before)

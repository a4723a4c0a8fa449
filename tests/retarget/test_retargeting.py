"""A made-up person marches, and a made-up robot with them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from takes import make_take

from mocap.errors import RetargetError
from mocap.retarget import (
    RetargetConfig,
    Trajectory,
    correspondence_of,
    human_motion,
    prepared,
    read_robot,
    retarget,
    robot_report,
)
from mocap.retarget.human import human_of_person
from mocap.retarget.limits import within_limits
from mocap.take import Contacts
from retarget.made_up import marching, moved, written


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    return read_robot(written(tmp_path_factory.mktemp("robot")))


@pytest.fixture(scope="module")
def march():
    return marching()


@pytest.fixture(scope="module")
def trajectory(robot, march):
    return retarget([march], robot)[0]


def report_of(trajectory, march, robot):
    return robot_report(trajectory, march, robot, correspondence_of(robot))


def test_marching_is_followed_and_passes(trajectory, march, robot):
    report = report_of(trajectory, march, robot)
    assert report.passed, report.failures
    assert report.figures["tracking"]["segments_mean_deg"] < 6
    assert report.figures["feet"]["stance_frames"] > 60
    assert report.figures["feet"]["slide_max_mm"] < 0.5
    assert report.figures["feet"]["floating_max_mm"] < 1


def test_limits_and_speeds_are_kept_exactly(march, robot):
    slow = replace(robot, speed=np.full(len(robot.joints), 1.5))
    trajectory = retarget([march], slow)[0]
    joints = trajectory.joint_position
    assert (joints >= slow.low).all()
    assert (joints <= slow.high).all()
    assert np.abs(np.diff(joints, axis=0)).max() * trajectory.fps <= 1.5


def _frozen(t):
    still = np.repeat(t.joint_position[:1], len(t), axis=0)
    return replace(t, joint_position=still)


def _mirrored(t):
    swapped = [
        name.replace("left", "*").replace("right", "left").replace("*", "right")
        for name in t.joint_names
    ]
    order = [t.joint_names.index(name) for name in swapped]
    sign = np.array([-1.0 if n.endswith(("roll", "yaw")) else 1.0 for n in t.joint_names])
    return replace(t, joint_position=t.joint_position[:, order] * sign)


def _nan(t):
    joints = t.joint_position.copy()
    joints[7, 3] = np.nan
    return replace(t, joint_position=joints)


def _floating(t):
    return replace(t, root_position=t.root_position + [0, 0, 0.03])


def _sunk(t):
    return replace(t, root_position=t.root_position - [0, 0, 0.01])


def _teleported(t):
    place = t.root_position.copy()
    place[len(place) // 2 :, 0] += 0.5
    return replace(t, root_position=place)


def _beyond(t):
    joints = t.joint_position.copy()
    joints[5, t.joint_names.index("left_knee")] = -0.2
    return replace(t, joint_position=joints)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_frozen, "tracking"),
        (_mirrored, "tracking"),
        (_nan, "not numbers"),
        (_floating, "floating"),
        (_sunk, "penetration"),
        (_teleported, "jumps.base"),
        (_beyond, "beyond_limits"),
    ],
)
def test_what_is_wrong_fails(trajectory, march, robot, spoil, said):
    report = report_of(spoil(trajectory), march, robot)
    assert not report.passed
    assert any(said in failure for failure in report.failures), report.failures


def test_several_people_stay_as_far_apart_as_they_are(robot, march):
    two = [march, moved(marching(name="person-2"), (2.0, 0.0, 0.0))]
    first, second = retarget(two, robot)
    gap = np.linalg.norm((first.root_position - second.root_position)[:, :2], axis=1)
    np.testing.assert_allclose(gap, 2.0 * first.scale, atol=0.01)


def test_who_stands_below_the_others_is_put_on_the_ground(robot):
    take = make_take(people=1, frames=20, still=True)
    person = take.people["person-1"]
    for level in (-0.26, 0.4, 0.0):
        body = person.body
        lowest = body.joints[:, :, 1].min()
        shift = [0.0, level - lowest + 0.03, 0.0]
        body = replace(body, joints=body.joints + shift, transl=body.transl + shift)
        rests = Contacts(*(np.ones(20) for _ in range(4)), level=level)
        moved = replace(person, body=body, contacts=rests)
        motion = human_of_person(replace(take, people={"person-1": moved}), "person-1")
        assert motion.level == 0.0
        assert motion.joints[..., 1].min() == pytest.approx(0.03, abs=1e-6)


def test_two_frames_are_enough_and_one_is_not(robot):
    assert len(retarget([marching(frames=2)], robot)[0]) == 2
    with pytest.raises(RetargetError, match="two at least"):
        human_motion("one", np.zeros((1, 22, 3)), np.zeros((1, 22, 3)), np.zeros(1))


def test_short_gaps_are_filled_and_long_ones_told(march):
    vectors = np.zeros((90, 22, 3))
    times = np.arange(90) / 30
    holed = march.joints.copy()
    holed[20:25] = np.nan
    assert np.isfinite(human_motion("p", holed, vectors, times).joints).all()
    holed[20:60] = np.nan
    with pytest.raises(RetargetError, match=r"not a number for 1\.3"):
        human_motion("p", holed, vectors, times)


def test_a_robot_without_arms_follows_with_its_legs(tmp_path, march):
    robot = read_robot(written(tmp_path, arms=False))
    trajectory = retarget([march], robot)[0]
    assert report_of(trajectory, march, robot).passed


def test_another_rate_is_the_same_motion(robot, march, trajectory):
    config = RetargetConfig(fps=60)
    twice = retarget([march], robot, config=config)[0]
    assert twice.fps == 60
    assert len(twice) == 2 * len(trajectory) - 1
    report = report_of(twice, prepared(march, config), robot)
    assert report.passed, report.failures


def test_trajectories_come_back_from_their_file(tmp_path, trajectory):
    again = Trajectory.load(trajectory.save(tmp_path / "a.npz"))
    assert again.joint_names == trajectory.joint_names
    np.testing.assert_array_equal(again.joint_position, trajectory.joint_position)
    np.testing.assert_array_equal(again.contacts, trajectory.contacts)
    with np.load(tmp_path / "a.npz") as file:
        assert str(file["quaternion_order"]) == "wxyz"
        assert file["joint_velocity"].shape == trajectory.joint_position.shape
    (tmp_path / "a.npz").write_bytes(b"PK no")
    with pytest.raises(RetargetError, match="damaged"):
        Trajectory.load(tmp_path / "a.npz")


def test_what_is_within_limits_stays_and_the_rest_goes_no_farther_than_needed():
    rng = np.random.default_rng(1)
    calm = np.cumsum(rng.uniform(-0.1, 0.1, (200, 3)), axis=0)
    low, high, speed = np.full(3, -9.0), np.full(3, 9.0), np.full(3, 3.0)
    np.testing.assert_array_equal(within_limits(calm, low, high, speed, 30), calm)
    wild = rng.normal(size=(200, 3))
    tame = within_limits(wild, np.full(3, -1.0), np.full(3, 1.0), speed, 30)
    assert np.abs(np.diff(tame, axis=0)).max() <= 0.1 + 1e-12
    assert np.abs(tame).max() <= 1.0
    step = np.zeros((9, 1))
    step[5:] = 0.4
    np.testing.assert_allclose(
        np.abs(within_limits(step, *np.array([[-1.0], [1], [3]]), 30) - step).max(), 0.15
    )

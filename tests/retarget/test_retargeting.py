"""A made-up person marches, and a made-up robot with them."""

import json
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
    read_correspondence,
    read_robot,
    retarget,
    retargeting,
    robot_report,
    write_correspondence,
)
from mocap.retarget.correspondence import Limit
from mocap.retarget.human import human_of_person
from mocap.retarget.limits import JointLimits, within_limits
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


def _turned_once(t):
    turns = t.root_quaternion.copy()
    # Half a turn about the base's own z.
    w, x, y, z = turns[30]
    turns[30] = [-z, y, -x, w]
    return replace(t, root_quaternion=turns)


def _drifting(t):
    place = t.root_position.copy()
    sway = np.abs((np.arange(len(place)) + 30) % 60 - 30)
    place[:, 0] += 0.0018 * sway
    return replace(t, root_position=place)


def _shaken(t):
    shakes = np.radians(np.random.default_rng(0).uniform(-1.5, 1.5, t.joint_position.shape))
    arms = [i for i, name in enumerate(t.joint_names) if "shoulder" in name or "elbow" in name]
    joints = t.joint_position.copy()
    joints[:, arms] += shakes[:, arms]
    return replace(t, joint_position=joints)


def _arms_up_for_a_while(t):
    joints = t.joint_position.copy()
    for side in ("left", "right"):
        joints[20:60, t.joint_names.index(f"{side}_shoulder_pitch")] -= 2.5
    return replace(t, joint_position=joints)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_turned_once, "jumps.base"),
        (_drifting, "drift"),
        (_shaken, "shake"),
        (_arms_up_for_a_while, "worst_second"),
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


def test_nobody_lives_in_the_air(trajectory, march, robot):
    lifted = replace(trajectory, root_position=trajectory.root_position + [0, 0, 0.39])
    report = report_of(lifted, march.lifted(0.39 / trajectory.scale), robot)
    assert any("nearest_mm" in failure for failure in report.failures), report.failures


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
    np.testing.assert_array_equal(within_limits(calm, _may(3, 9.0, 3.0), 30), calm)
    wild = rng.normal(size=(200, 3))
    tame = within_limits(wild, _may(3, 1.0, 3.0), 30)
    assert np.abs(np.diff(tame, axis=0)).max() <= 0.1 + 1e-12
    assert np.abs(tame).max() <= 1.0
    step = np.zeros((9, 1))
    step[5:] = 0.4
    np.testing.assert_allclose(
        np.abs(within_limits(step, _may(1, 1.0, 3.0), 30) - step).max(), 0.15
    )


def _may(joints, far, speed, acceleration=np.inf):
    one = np.ones(joints)
    return JointLimits(-far * one, far * one, speed * one, acceleration * one)


@pytest.mark.parametrize("acceleration", [5.0, 60.0])
def test_accelerations_are_kept_exactly_beside_the_other_limits(acceleration):
    rng = np.random.default_rng(2)
    may = _may(4, 1.0, 3.0, acceleration)
    for wild in (
        rng.normal(size=(120, 4)),
        np.sign(np.sin(np.arange(120.0)[:, None] / 7 + np.arange(4))),
        np.cumsum(rng.normal(0, 0.02, (120, 4)), axis=0),
    ):
        tame = within_limits(wild, may, 30)
        assert np.abs(tame).max() <= 1.0
        assert np.abs(np.diff(tame, axis=0)).max() * 30 <= 3.0 * (1 + 1e-6)
        assert np.abs(np.diff(tame, 2, axis=0)).max() * 30**2 <= acceleration * (1 + 1e-6)
    # Frames far from what is too much stay as they are.
    kink = np.zeros((120, 4))
    kink[60, 0] = 0.05
    tame = within_limits(kink, may, 30)
    assert np.abs(np.diff(tame, 2, axis=0)).max() * 30**2 <= acceleration * (1 + 1e-6)
    np.testing.assert_array_equal(tame[:20], 0.0)
    np.testing.assert_array_equal(tame[:, 1:], 0.0)


def test_what_a_correspondence_says_of_joints_is_kept(march, robot, tmp_path):
    plain = retarget([march], robot)[0]
    knee = robot.joints.index("left_knee")
    bent = plain.joint_position[:, knee]
    second = np.abs(np.diff(plain.joint_position, 2, axis=0)).max() * plain.fps**2
    limits = {name: Limit(acceleration=0.7 * second) for name in robot.joints}
    limits["left_knee"] = Limit(high=0.8 * bent.max(), speed=2.0, acceleration=0.7 * second)
    found = replace(correspondence_of(robot), limits=limits)
    path = write_correspondence(tmp_path / "c.json", found)
    found = read_correspondence(path, robot)
    assert found.limits["left_knee"] == limits["left_knee"]
    trajectory = retarget([march], robot, found)[0]
    joints = trajectory.joint_position
    assert joints[:, knee].max() <= 0.8 * bent.max()
    assert np.abs(np.diff(joints[:, knee])).max() * trajectory.fps <= 2.0
    bends = np.abs(np.diff(joints, 2, axis=0)).max() * trajectory.fps**2
    assert bends <= 0.7 * second * (1 + 1e-6)
    report = robot_report(trajectory, march, robot, found)
    assert 0.5 < report.figures["joints"]["acceleration_of_limit"] <= 1.0001
    # The solver sees to accelerations, so that feet stay where they rest.
    del found.limits["left_knee"]
    calm = retarget([march], robot, found)[0]
    figures = robot_report(calm, march, robot, found).figures
    assert figures["feet"]["slide_max_mm"] < 2.0
    assert figures["ground"]["penetration_max_mm"] < 1.0
    spoilt = robot_report(plain, march, robot, found)
    assert any("acceleration_of_limit" in failure for failure in spoilt.failures)
    for wrong, said in (
        ({"high": -9.0}, "leave it no room"),
        ({"speed": -1.0}, "above 0"),
        ({"speed": float("nan")}, "damaged"),
        ({"torque": 1.0}, "damaged"),
    ):
        content = json.loads(path.read_text())
        content["limits"]["left_knee"] = wrong
        path.write_text(json.dumps(content))
        with pytest.raises(RetargetError, match=said):
            read_correspondence(path, robot)


def test_too_few_frames_a_second_are_told(march):
    short = human_motion(
        "a", march.joints[:3], np.zeros((3, 22, 3)), np.arange(3) / 30, contacts=np.ones((3, 4))
    )
    with pytest.raises(RetargetError, match=r"a: 3 frames are no motion at 5 .* higher --fps"):
        prepared(short, RetargetConfig(fps=5))
    assert prepared(replace(march, fps=24.0), RetargetConfig()).fps == 24.0
    assert prepared(replace(march, fps=15.0), RetargetConfig()).fps == 30.0


def test_only_what_is_missing_is_a_gap(march):
    count = len(march)
    vectors, times = np.zeros((count, 22, 3)), np.arange(count) / 30
    late = times + (np.arange(count) > 49)
    joints = march.joints.copy()
    joints[10] = np.nan
    assert len(human_motion("a", joints, vectors, late)) == count
    joints[20:45] = np.nan
    with pytest.raises(RetargetError, match=r"0\.83 s from 0\.67 s"):
        human_motion("a", joints, vectors, late)
    joints[:45] = np.nan
    with pytest.raises(RetargetError, match=r"1\.50 s from 0\.00 s"):
        human_motion("a", joints, vectors, times)


@pytest.mark.parametrize(
    "change",
    [
        {"fps": "fast"},
        {"fps": np.arange(3)},
        {"fps": 0.0},
        {"version": np.arange(2)},
        {"joint_position": np.zeros((3, 22))},
        {"root_quaternion": np.zeros((60, 4))},
        {"contacts": np.zeros((2, 4), bool)},
    ],
)
def test_damaged_trajectories_are_refused(tmp_path, trajectory, change):
    path = trajectory.save(tmp_path / "a.npz")
    with np.load(path) as file:
        content = dict(file)
    np.savez(path, **{**content, **change})
    with pytest.raises(RetargetError, match="damaged") as refused:
        Trajectory.load(path)
    assert "\n" not in str(refused.value)


def test_long_motion_in_parts_is_the_same_motion(march, robot, trajectory, monkeypatch):
    monkeypatch.setattr(retargeting, "_PART", 25)
    parted = retarget([march], robot)[0]
    assert report_of(parted, march, robot).passed
    assert np.abs(parted.joint_position - trajectory.joint_position).max() < 0.05
    assert np.abs(parted.root_position - trajectory.root_position).max() < 0.01

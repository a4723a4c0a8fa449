import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from takes import make_body, make_take, rest_offsets, with_body

from mocap.errors import ExportError
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.taken import motion_from_take
from mocap.skeletons import SMPLX_55
from mocap.take import Take


def turning_rod(times: np.ndarray, fps: float = 30.0) -> SkeletalMotion:
    """A bone of one metre along +X that turns about +Z at 2 rad/s on a falling root."""
    turn = Rotation.from_rotvec(times[:, None] * [0.0, 0.0, 2.0]).as_matrix()
    still = np.tile(np.eye(3), (len(times), 1, 1))
    return SkeletalMotion(
        names=("root", "tip"),
        parents=(-1, 0),
        rest_offsets=np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
        rotations=np.stack([turn, still], axis=1),
        root_position=times[:, None] * [0.0, -1.0, 0.5],
        fps=fps,
    )


def test_a_quarter_turn_takes_the_bone_from_x_to_y():
    joints = turning_rod(np.array([0.0, np.pi / 4])).joints()
    np.testing.assert_allclose(joints[0], [[0, 0, 0], [1, 0, 0]], atol=1e-12)
    fallen = [0, -np.pi / 4, np.pi / 8]
    np.testing.assert_allclose(joints[1], [fallen, np.add(fallen, [0, 1, 0])], atol=1e-12)


def test_local_positions_stand_in_place_of_the_rest_offsets():
    motion = turning_rod(np.array([0.0, np.pi / 4]))
    stretched = np.array([[[0.0] * 3, [1.0, 0, 0]], [[0.0] * 3, [2.0, 0, 0]]])
    joints = dataclasses.replace(motion, local_positions=stretched).joints()
    np.testing.assert_allclose(joints[1, 1] - joints[1, 0], [0, 2, 0], atol=1e-12)


@pytest.mark.parametrize("people", [1, 2])
def test_the_takes_own_joints_come_back(people):
    take = make_take(people=people, frames=40, first_frame=7)
    for person_id, person in take.people.items():
        motion = motion_from_take(take, person_id)
        assert motion.names == SMPLX_55.names
        assert (len(motion), motion.fps) == (40, 30.0)
        np.testing.assert_allclose(motion.joints(), person.body.joints, atol=1e-9)
        np.testing.assert_allclose(motion.rest_offsets, rest_offsets(), atol=1e-9)


def test_the_rest_pose_is_a_t_pose_with_y_up_facing_z():
    motion = motion_from_take(make_take(frames=3, still=True), "person-1")
    at = dict(zip(motion.names, motion.joints()[0], strict=True))
    assert at["head"][1] > at["pelvis"][1] > at["left_ankle"][1]
    assert at["left_wrist"][0] > 0.5 > at["right_wrist"][0]
    assert at["left_foot"][2] > at["left_ankle"][2]


def test_every_leaf_has_a_tip_and_only_leaves_do():
    motion = motion_from_take(make_take(frames=2), "person-1")
    leaves = set(range(55)) - set(motion.parents)
    assert set(np.flatnonzero(np.isfinite(motion.end_sites).all(1))) == leaves
    lengths = np.linalg.norm(motion.end_sites[sorted(leaves)], axis=1)
    assert lengths.min() > 0.01
    assert lengths.max() < 0.15
    toe = motion.end_sites[motion.names.index("left_foot")]
    assert toe[1] == 0
    assert toe[2] > 0.05


@pytest.mark.parametrize("fps", [24.0, 29.97, 50.0])
def test_resampling_a_constant_turn_and_fall_is_exact(fps):
    source = turning_rod(np.arange(61) / 30.0)
    motion = source.resampled(fps)
    assert len(motion) == int(2.0 * fps + 1e-6) + 1
    assert motion.fps == fps
    expected = turning_rod(np.arange(len(motion)) / fps).joints()
    np.testing.assert_allclose(motion.joints(), expected, atol=1e-9)


def test_resampling_to_its_own_rate_changes_nothing():
    motion = motion_from_take(make_take(frames=50, fps=29.97), "person-1")
    again = motion.resampled(29.97)
    np.testing.assert_allclose(again.rotations, motion.rotations, atol=1e-9)
    np.testing.assert_allclose(again.root_position, motion.root_position, atol=1e-9)


def test_resampling_never_dips_below_a_floor_the_root_rests_on():
    source = turning_rod(np.arange(5) / 30.0)
    height = np.array([0.5, 0.0, 0.0, 0.0, 0.5])
    source = dataclasses.replace(source, root_position=height[:, None] * [0, 1.0, 0])
    assert source.resampled(240.0).root_position[:, 1].min() >= 0


def constant_spin(timestamps: np.ndarray) -> Take:
    """A person who spins about +Y at 1.5 rad/s and glides at 0.4 m/s, by the clock."""
    pose = np.zeros((len(timestamps), 55, 3))
    pose[:, 0, 1] = 1.5 * timestamps
    take = make_take(frames=len(timestamps), timestamps=timestamps, still=True)
    glide = timestamps[:, None] * [0.4, 0.0, 0.0] + [0.0, 0.9, 0.0]
    body = make_body(pose, glide)
    changes = {field.name: getattr(body, field.name) for field in dataclasses.fields(body)}
    return with_body(take, **changes)


def test_a_variable_rate_is_resampled_by_true_time():
    rng = np.random.default_rng(3)
    timestamps = np.cumsum(rng.choice([1 / 60, 1 / 30, 0.1], 80))
    motion = motion_from_take(constant_spin(timestamps), "person-1")
    duration = timestamps[-1] - timestamps[0]
    assert motion.fps == pytest.approx(79 / duration)
    assert len(motion) == 80
    even = timestamps[0] + np.arange(80) / motion.fps
    expected = constant_spin(even).people["person-1"].body.joints
    np.testing.assert_allclose(motion.joints(), expected, atol=1e-9)
    # What taking frames for an even beat would have cost:
    naive = constant_spin(timestamps).people["person-1"].body.joints
    assert np.abs(naive - expected).max() > 0.05


def test_an_asked_for_rate_keeps_the_duration():
    motion = motion_from_take(constant_spin(np.arange(60) / 29.97), "person-1", fps=30.0)
    assert motion.fps == 30.0
    expected = constant_spin(np.arange(len(motion)) / 30.0).people["person-1"].body.joints
    np.testing.assert_allclose(motion.joints(), expected, atol=1e-9)


def test_millisecond_timestamps_keep_their_frames_and_the_true_rate():
    timestamps = np.round(np.arange(400) / 29.97, 3)
    take = make_take(frames=400, fps=30.0, timestamps=timestamps, still=True)
    motion = motion_from_take(take, "person-1")
    assert len(motion) == 400
    # 30 a second would be 13 ms late at the end: the clock is believed, not the label.
    assert motion.fps == pytest.approx(29.97, abs=2e-3)


def test_one_frame_is_a_motion():
    motion = motion_from_take(make_take(frames=1, fps=25.0), "person-1")
    assert (len(motion), motion.fps) == (1, 25.0)
    assert len(motion.resampled(50.0)) == 1


@pytest.mark.parametrize("part", ["joints", "left_hand_pose", "transl"])
def test_not_a_number_is_refused_by_person_and_frame(part):
    take = make_take(frames=20, first_frame=100)
    broken = getattr(take.people["person-1"].body, part).copy()
    broken[12:14] = np.nan
    with pytest.raises(ExportError, match=r"person-1: .* video frame 112 \(2 frames"):
        motion_from_take(with_body(take, **{part: broken}), "person-1")


def test_joints_that_contradict_the_rotations_are_refused():
    take = make_take(frames=20)
    broken = take.people["person-1"].body.joints.copy()
    broken[5, SMPLX_55.index("left_elbow")] += [0.0, 0.004, 0.0]
    with pytest.raises(ExportError, match=r"disagree by .* mm at left_(elbow|wrist), frame 5"):
        motion_from_take(with_body(take, joints=broken), "person-1")


def test_who_and_what_is_missing_is_named():
    take = make_take(people=2, frames=3)
    with pytest.raises(ExportError, match="bob: not in this take, which has person-1, person-2"):
        motion_from_take(take, "bob")
    person = dataclasses.replace(take.people["person-1"], body=None)
    unfitted = dataclasses.replace(take, people={"person-1": person})
    with pytest.raises(ExportError, match="mocap fit"):
        motion_from_take(unfitted, "person-1")


def test_timestamps_that_do_not_increase_are_refused():
    timestamps = np.array([0.0, 0.1, 0.1, 0.2])
    take = make_take(frames=4, timestamps=timestamps, still=True)
    with pytest.raises(ExportError, match="do not increase"):
        motion_from_take(take, "person-1")


@pytest.mark.parametrize("fps", [0.0, -30.0, np.nan, np.inf])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(ExportError, match="positive --fps"):
        turning_rod(np.arange(4) / 30.0).resampled(fps)


def test_a_tree_out_of_order_is_refused():
    motion = turning_rod(np.arange(2) / 30.0)
    with pytest.raises(ValueError, match="parents"):
        dataclasses.replace(motion, parents=(1, -1))
    with pytest.raises(ValueError, match="rest_offsets"):
        dataclasses.replace(motion, rest_offsets=np.zeros((3, 3)))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), fps=st.floats(5.0, 240.0), frames=st.integers(2, 12))
def test_resampling_keeps_bones_and_rotations_rigid(seed, fps, frames):
    rng = np.random.default_rng(seed)
    source = turning_rod(np.arange(frames) / 30.0)
    random = Rotation.random(frames * 2, rng=rng).as_matrix().reshape(frames, 2, 3, 3)
    motion = dataclasses.replace(source, rotations=random).resampled(fps)
    joints = motion.joints()
    np.testing.assert_allclose(np.linalg.norm(joints[:, 1] - joints[:, 0], axis=1), 1, atol=1e-9)
    assert (len(motion) - 1) / fps <= (frames - 1) / 30.0 + 1e-6
    np.testing.assert_allclose(joints[0], dataclasses.replace(source, rotations=random).joints()[0])

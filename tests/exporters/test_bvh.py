import dataclasses
import itertools
import resource
import signal

import bvhio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap.errors import ExportError
from mocap.exporters import SkeletalMotion, read_bvh, write_bvh
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.decimals import decimal_rows
from mocap.exporters.euler import continuous_euler, euler_matrices
from mocap.exporters.taken import motion_from_take
from mocap.skeletons import SMPLX_55

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]
#: The promise: joints within a twentieth of a millimetre.
EXACT = 5e-5


def in_smplx_order(motion: SkeletalMotion) -> np.ndarray:
    order = [motion.names.index(name) for name in SMPLX_55.names]
    return motion.joints()[:, order]


def a_motion(rotations: np.ndarray, fps: float = 30.0) -> SkeletalMotion:
    """An arm of as many half-metre bones as there are rotations a frame."""
    frames, joints = rotations.shape[:2]
    return SkeletalMotion(
        names=tuple(f"joint{i}" for i in range(joints)),
        parents=tuple(range(-1, joints - 1)),
        rest_offsets=np.tile([0.3, 0.4, 0.0], (joints, 1)),
        rotations=rotations,
        root_position=np.zeros((frames, 3)),
        fps=fps,
    )


def write_motion(tmp_path, motion, **options):
    path = tmp_path / "motion.bvh"
    path.write_bytes(encode_bvh(motion, **options))
    return path


# Angles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_angles_are_scipys_away_from_lock(order):
    angles = np.random.default_rng(0).uniform(-1.4, 1.4, (1, 500, 3))
    matrices = Rotation.from_euler(order, angles[0]).as_matrix()[None]
    np.testing.assert_allclose(continuous_euler(matrices, order), angles, atol=1e-12)
    np.testing.assert_allclose(euler_matrices(angles, order), matrices, atol=1e-12)


near = st.sampled_from([0.0, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-4, 0.1])
turn = st.floats(-7.0, 7.0)
quarter = st.sampled_from([-3, -2, -1, 0, 1, 2, 3])


@settings(deadline=None, max_examples=200)
@given(
    order=st.sampled_from(ORDERS),
    angles=st.lists(st.tuples(turn, quarter, near, turn), min_size=1, max_size=12),
)
def test_no_rotation_is_lost_at_or_near_gimbal_lock(order, angles):
    posed = np.array([[a, q * np.pi / 2 + e, c] for a, q, e, c in angles])[:, None]
    matrices = euler_matrices(posed, order)
    again = euler_matrices(continuous_euler(matrices, order), order)
    np.testing.assert_allclose(again, matrices, atol=3e-7)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_three_whole_turns_about_one_axis_do_not_jump(order, axis):
    angle = np.linspace(0, 6 * np.pi, 400)
    vectors = np.zeros((400, 3))
    vectors[:, axis] = angle
    matrices = Rotation.from_rotvec(vectors).as_matrix()[:, None]
    angles = continuous_euler(matrices, order)[:, 0]
    expected = np.zeros((400, 3))
    expected[:, order.index("XYZ"[axis])] = angle
    np.testing.assert_allclose(angles, expected, atol=1e-6)


def test_curves_have_no_flips():
    take = make_take(frames=300)
    motion = motion_from_take(take, "person-1")
    angles = np.rad2deg(continuous_euler(motion.rotations, "ZXY"))
    assert np.abs(np.diff(angles, axis=0)).max() < 45


def test_fast_flip_choice_is_that_of_a_loop():
    rotations = Rotation.random(40, rng=np.random.default_rng(4)).as_matrix()[:, None]
    angles = continuous_euler(rotations, "ZXY")[:, 0]
    for before, after in itertools.pairwise(angles):
        a, b, c = after
        for other in ([a, b, c], [a + np.pi, np.pi - b, c + np.pi]):
            step = (np.subtract(other, before) + np.pi) % (2 * np.pi) - np.pi
            assert np.sum((after - before) ** 2) <= np.sum(step**2) + 1e-9


# Numbers -------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.integers(1, 7),
)
def test_numbers_are_written_as_python_writes_them(values, decimals):
    written = [float(word) for word in decimal_rows(np.array([values]), decimals).split()]
    expected = [float(f"{value:.{decimals}f}") for value in values]
    # A tie may round to either side.
    np.testing.assert_allclose(written, expected, rtol=0, atol=1.01 * 10.0**-decimals)
    np.testing.assert_allclose(written, values, rtol=1e-15, atol=0.51 * 10.0**-decimals)


def test_number_text_is_plain():
    text = decimal_rows(np.array([[0.0, -0.0, 1.5, -0.25], [-1e-9, 123.456789, 1e6, -99.9999999]]))
    assert text == (
        b"0.000000 0.000000 1.500000 -0.250000\n0.000000 123.456789 1000000.000000 -100.000000\n"
    )


# The file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", ["cm", "m"])
@pytest.mark.parametrize("order", ORDERS)
def test_joints_come_back_at_every_frame_hands_included(tmp_path, units, order):
    take = make_take(people=2, frames=90, fps=29.97)
    path = write_bvh(take, "person-2", tmp_path / "a.bvh", units=units, rotation_order=order)
    motion = read_bvh(path, units=units)
    assert len(motion) == 90
    assert motion.fps == pytest.approx(29.97, rel=1e-12)
    joints = take.people["person-2"].body.joints
    assert np.abs(in_smplx_order(motion) - joints).max() < EXACT


def test_bvhio_reads_the_same_skeleton_channels_and_joints(tmp_path):
    take = make_take(frames=30, fps=29.97)
    path = write_bvh(take, "person-1", tmp_path / "a.bvh")
    raw = bvhio.readAsBvh(str(path))
    assert raw.FrameCount == 30
    assert raw.FrameTime == pytest.approx(1 / 29.97, rel=1e-12)
    layout = [joint for joint, _, _ in raw.Root.layout()]
    assert {joint.Name for joint in layout} == set(SMPLX_55.names)
    parents = {child.Name: joint.Name for joint in layout for child in joint.Children}
    for name, parent in zip(SMPLX_55.names, SMPLX_55.parents, strict=True):
        assert parents.get(name) == (SMPLX_55.names[parent] if parent >= 0 else None)
    assert [len(joint.Channels) for joint in layout] == [6] + [3] * 54

    root = bvhio.readAsHierarchy(str(path))
    joints = take.people["person-1"].body.joints
    by_name = {joint.Name: joint for joint, _, _ in root.layout()}
    found = np.empty_like(joints)
    for frame in range(30):
        root.loadPose(frame)
        for i, name in enumerate(SMPLX_55.names):
            found[frame, i] = np.array(by_name[name].PositionWorld) / 100
    assert np.abs(found - joints).max() < EXACT
    bones = np.linalg.norm(found[:, 1:] - found[:, SMPLX_55.parents[1:]], axis=-1)
    assert np.ptp(bones, axis=0).max() < EXACT


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 8),
    joints=st.integers(1, 6),
    order=st.sampled_from(ORDERS),
    kind=st.sampled_from(["anything", "half turns", "near lock"]),
)
def test_any_motion_comes_back(tmp_path_factory, seed, frames, joints, order, kind):
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(frames * joints, rng=rng).as_matrix()
    if kind == "half turns":
        rotations = Rotation.from_rotvec(
            np.pi * np.eye(3)[rng.integers(0, 3, frames * joints)]
        ).as_matrix()
    if kind == "near lock":
        angles = rng.uniform(-np.pi, np.pi, (frames * joints, 3))
        angles[:, 1] = rng.choice([-1, 1], len(angles)) * np.pi / 2
        angles[:, 1] += rng.choice([0.0, 1e-9, 1e-7, 1e-5], len(angles))
        rotations = euler_matrices(angles, order)
    motion = a_motion(rotations.reshape(frames, joints, 3, 3))
    path = write_motion(tmp_path_factory.mktemp("bvh"), motion, rotation_order=order)
    assert np.abs(read_bvh(path).joints() - motion.joints()).max() < EXACT


def test_the_text_of_a_small_file(tmp_path):
    turn = Rotation.from_euler("ZXY", [[0, 0, 0], [10, 20, 30]], degrees=True).as_matrix()
    motion = dataclasses.replace(
        a_motion(np.stack([turn, np.tile(np.eye(3), (2, 1, 1))], 1), fps=25.0),
        root_position=np.array([[0.0, 0.9, 0.0], [0.1, 0.9, -0.2]]),
    )
    assert encode_bvh(motion, names={"joint1": "Left Arm é"}).decode() == (
        "HIERARCHY\n"
        "ROOT joint0\n"
        "{\n"
        "\tOFFSET 0.000000 0.000000 0.000000\n"
        "\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
        "\tJOINT Left_Arm_é\n"
        "\t{\n"
        "\t\tOFFSET 30.000000 40.000000 0.000000\n"
        "\t\tCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "\t\tEnd Site\n"
        "\t\t{\n"
        "\t\t\tOFFSET 24.000000 32.000000 0.000000\n"
        "\t\t}\n"
        "\t}\n"
        "}\n"
        "MOTION\n"
        "Frames: 2\n"
        "Frame Time: 0.04\n"
        "0.000000 90.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000 0.000000\n"
        "10.000000 90.000000 -20.000000 10.000000 20.000000 30.000000 0.000000 0.000000 0.000000\n"
    )


def test_a_root_at_the_origin_keeps_its_position_channels(tmp_path):
    motion = a_motion(np.tile(np.eye(3), (3, 2, 1, 1)))
    text = encode_bvh(motion).decode()
    assert "CHANNELS 6 Xposition" in text
    assert (read_bvh(write_motion(tmp_path, motion)).root_position == 0).all()


def test_one_frame_and_one_joint(tmp_path):
    motion = a_motion(Rotation.random(1, rng=np.random.default_rng(0)).as_matrix()[:, None])
    again = read_bvh(write_motion(tmp_path, motion))
    assert (len(again), again.names) == (1, ("joint0",))
    np.testing.assert_allclose(again.rotations, motion.rotations, atol=1e-7)


def test_joints_that_leave_their_parents_come_back(tmp_path):
    rng = np.random.default_rng(0)
    rotations = Rotation.random(12, rng=rng).as_matrix().reshape(4, 3, 3, 3)
    motion = a_motion(rotations)
    local = np.tile(motion.rest_offsets, (4, 1, 1))
    local[:, 2] += rng.normal(0, 0.05, (4, 3))
    motion = dataclasses.replace(motion, local_positions=local)
    path = write_motion(tmp_path, motion)
    assert path.read_text().count("CHANNELS 6") == 2
    again = read_bvh(path)
    assert again.local_positions is not None
    assert np.abs(again.joints() - motion.joints()).max() < EXACT


def test_a_variable_rate_ends_on_time(tmp_path):
    timestamps = np.cumsum(np.random.default_rng(0).choice([1 / 60, 1 / 20], 100))
    take = make_take(frames=100, timestamps=timestamps)
    motion = read_bvh(write_bvh(take, "person-1", tmp_path / "a.bvh"))
    assert (len(motion) - 1) / motion.fps == pytest.approx(timestamps[-1] - timestamps[0])
    at_60 = read_bvh(write_bvh(take, "person-1", tmp_path / "b.bvh", fps=60.0))
    assert at_60.fps == 60.0
    ends = take.people["person-1"].body.joints[[0, -1]]
    assert np.abs(in_smplx_order(motion)[[0, -1]] - ends).max() < EXACT


# Refusals ------------------------------------------------------------------------------------


def test_options_that_are_not_possible_say_what_is(tmp_path):
    motion = a_motion(np.tile(np.eye(3), (1, 2, 1, 1)))
    with pytest.raises(ExportError, match="cm or m"):
        encode_bvh(motion, units="inch")
    with pytest.raises(ExportError, match="choose one of XYZ"):
        encode_bvh(motion, rotation_order="ZXZ")
    with pytest.raises(ExportError, match="no joint named hand"):
        encode_bvh(motion, names={"hand": "Hand"})
    with pytest.raises(ExportError, match="several joints would be named joint1"):
        encode_bvh(motion, names={"joint0": "joint1"})


def test_empty_and_not_a_number_are_refused():
    motion = a_motion(np.tile(np.eye(3), (3, 2, 1, 1)))
    empty = a_motion(np.zeros((0, 2, 3, 3)))
    with pytest.raises(ExportError, match="no frames"):
        encode_bvh(empty)
    for field in ("rotations", "root_position"):
        broken = getattr(motion, field).copy()
        broken[1:] = np.nan
        with pytest.raises(ExportError, match=r"from frame 1 \(2 frames"):
            encode_bvh(dataclasses.replace(motion, **{field: broken}))
    with pytest.raises(ExportError, match="far away"):
        encode_bvh(dataclasses.replace(motion, root_position=np.full((3, 3), 1e300)))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "a.bvh"
    with pytest.raises(ExportError, match="choose another folder") as refusal:
        write_bvh(make_take(frames=2), "person-1", target)
    assert str(target) in str(refusal.value)


def test_folders_are_made_and_an_older_file_replaced(tmp_path):
    target = tmp_path / "new" / "folder" / "a.bvh"
    for frames in (2, 3):
        assert write_bvh(make_take(frames=frames), "person-1", target) == target
        assert len(read_bvh(target)) == frames
    assert [path.name for path in target.parent.iterdir()] == ["a.bvh"]


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.bvh"
    target.write_text("older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(ExportError, match="free some space"):
            write_bvh(make_take(frames=60), "person-1", target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bvh"]
    assert target.read_text() == "older"


def test_a_motion_that_is_refused_leaves_nothing(tmp_path):
    with pytest.raises(ExportError):
        write_bvh(make_take(frames=2), "nobody", tmp_path / "new" / "a.bvh")
    assert not (tmp_path / "new").exists()

"""Motion on rigs: the same on the same skeleton, feet that stand, limbs that point the same way."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from takes import make_body, make_take, rest_offsets

from mocap.datasets.motions import read_poselib_clip, to_body
from mocap.exporters import PRESETS, Performer, SkeletalMotion
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.foot_rests import Rests
from mocap.exporters.glb import write_glb
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.retargeting import retargeted
from mocap.exporters.rigs.soles import resting
from mocap.exporters.styling import posed_at_rest, styled
from mocap.exporters.taken import motion_from_take
from mocap.skeletons import SMPLX_55

from .rigs import (
    LONG_LEGS,
    STRIDE,
    on_controls,
    rig_file,
    rig_of_preset,
    rig_soles,
    slide,
    soles,
    standing,
    walker,
)

ARMS = ("shoulder", "elbow", "wrist")
LEGS = ("hip", "knee", "ankle")


def waving(rests: bool = False) -> Performer:
    """Somebody who waves everything; the feet rest nowhere."""
    motion = motion_from_take(make_take(frames=40), "person-1")
    return Performer("person-1", motion, rests=Rests(np.full((40, 4), float(rests))))


def places(found: Performer, rig) -> np.ndarray:
    """(F, 55, 3) where SMPL-X's joints are on a rig, +Y up; NaN for those it lacks."""
    joints = found.motion.joints() @ rig.upright
    told = np.full((len(joints), 55, 3), np.nan)
    for name, i in rig.joints.items():
        told[:, SMPLX_55.index(name)] = joints[:, i]
    return told


def bones(joints: np.ndarray, chain: tuple[str, ...], side: str) -> np.ndarray:
    """(F, B, 3) unit directions along a limb."""
    limb = joints[:, SMPLX_55.indices(*(f"{side}_{joint}" for joint in chain))]
    steps = np.diff(limb, axis=1)
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True)


@pytest.mark.parametrize("make", [walker, waving])
@pytest.mark.parametrize("kind", ["bvh", "fbx", "glb"])
def test_the_same_skeleton_moves_the_same(tmp_path, kind, make):
    if kind == "fbx":
        pytest.importorskip("pufbx")
    one, rig = make(), rig_of_preset(tmp_path, "smplx", kind=kind)
    found = retargeted(one, rig)
    order = [rig.joints[name] for name in one.motion.names]
    assert np.abs(found.motion.joints()[:, order] - one.motion.joints()).max() < 1e-4
    away = np.swapaxes(one.motion.world_rotations(), 2, 3)
    away = away @ found.motion.world_rotations()[:, order]
    turns = Rotation.from_matrix(away.reshape(-1, 3, 3)).magnitude()
    assert np.rad2deg(turns).max() < 2e-3
    assert (found.start, found.skin, found.motion.fps) == (0.0, None, one.motion.fps)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_the_joints_in_place(tmp_path, name):
    one, rig = waving(), rig_of_preset(tmp_path, name)
    joints = places(retargeted(one, rig), rig)
    told = SMPLX_55.indices(*PRESETS[name].bones)
    # Spines of fewer joints bend elsewhere, heads without faces do not.
    assert np.abs(joints[:, told] - one.motion.joints()[:, told]).max() < 2e-4


def test_rest_poses_mean_nothing(tmp_path):
    one = waving()
    t_pose = rig_of_preset(tmp_path, "mixamo")
    expected = places(retargeted(one, t_pose), t_pose)
    for degrees in (30.0, 60.0, 89.0):
        down = {
            f"{side}_{joint}": Rotation.from_euler("z", sign * angle, degrees=True).as_matrix()
            for side, sign in (("left", -1.0), ("right", 1.0))
            for joint, angle in (("shoulder", degrees), ("hip", 15.0))
        }
        feet = {
            f"{side}_ankle": down[f"{side}_hip"].T for side in ("left", "right")
        }  # Soles stay flat.
        dressed = styled(posed_at_rest(standing(), {**down, **feet}), PRESETS["mixamo"])
        rig = read_rig(write_glb([dressed], tmp_path / "a.glb"))
        joints = places(retargeted(one, rig), rig)
        told = np.isfinite(joints[0, :, 0])
        assert np.abs(joints - expected)[:, told].max() < 1e-3


@pytest.mark.parametrize("preset", ["smplx", "unreal", "mixamo"])
def test_long_legs_stand_where_they_should(tmp_path, preset):
    one, rig = walker(), rig_of_preset(tmp_path, preset, LONG_LEGS)
    found = retargeted(one, rig)
    rests = one.rests.probability > 0.5
    was, now = soles(one), rig_soles(found, rig, one)
    assert slide(was, rests) < 1e-9
    assert slide(now, rests) < 5e-5
    assert np.abs(now[..., 1][rests]).max() < 1e-3
    assert now[..., 1].min() > -1e-3
    height = rig.places()[rig.joints["left_hip"], 1] - rig.places()[rig.joints["left_ankle"], 1]
    ratio = (height + 0.083) / (0.78 + 0.083)
    hips = found.motion.joints()[:, rig.joints["pelvis"]] @ rig.upright
    gone = hips[-1, 2] - hips[0, 2]
    assert gone == pytest.approx(ratio * (one.motion.root_position[-1, 2]), rel=0.02)
    # A stride is longer by as much.
    middles = now.reshape(len(now), 2, 2, 3).mean(2)
    landed = middles[40, 0, 2] - middles[10, 0, 2]
    assert landed == pytest.approx(ratio * STRIDE, rel=0.02)


def test_nothing_jolts(tmp_path):
    one = walker()
    told = [SMPLX_55.indices(f"{side}_{joint}") for side in ("left", "right") for joint in LEGS]
    for stretched in (
        LONG_LEGS,
        dict.fromkeys(LONG_LEGS, 0.8),
        {"left_knee": 1.3, "right_knee": 1.3},
    ):
        rig = rig_of_preset(tmp_path, "mixamo", stretched)
        joints = places(retargeted(one, rig), rig)
        most = [
            np.linalg.norm(np.diff(of[:, told], 2, axis=0), axis=-1).max()
            for of in (one.motion.joints(), joints)
        ]
        assert most[1] < 1.6 * most[0]


def test_real_walking_slides_no_more_on_long_legs(data_dir, tmp_path, body):
    path = data_dir / "motions/cmu_isaacgym_amp/amp_humanoid_walk.npy"
    clip = to_body(read_poselib_clip(path).resampled(30.0), body, iterations=4)
    pose = np.zeros((len(clip), 55, 3))
    told = clip.pose.rotation_vectors()
    pose[:, : told.shape[1]] = told
    made = make_body(pose, clip.pose.transl)
    turns = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(len(pose), 55, 3, 3)
    offsets = rest_offsets()
    motion = SkeletalMotion(
        SMPLX_55.names, SMPLX_55.parents, offsets, turns, made.joints[:, 0], clip.fps
    )
    low = np.percentile(soles(Performer("a", motion))[..., 1].min(1), 20)
    one = Performer("a", replace(motion, root_position=motion.root_position - [0.0, low, 0.0]))
    was = soles(one)
    rests = resting(was, None, clip.fps)
    assert rests.mean() > 0.2
    for name in ("smplx", "unreal"):
        rig = rig_of_preset(tmp_path, name, LONG_LEGS)
        now = rig_soles(retargeted(one, rig), rig, one)
        assert slide(now, rests) <= 1.2 * slide(was, rests)
        assert now[..., 1].min() > was[..., 1].min() - 1e-3


def test_limbs_of_other_families_point_the_same_way(data_dir):
    one = walker()
    away = waving()
    for name in (
        "skeleton_headers/lafan",
        "cmu_bvh11/131_01",
        "animated_drawings/rokoko/jesse_dance",
        "animated_drawings/fair1/dab",
        "skeleton_headers/mocapnet",
    ):
        rig = read_rig(data_dir / "motions" / f"{name}.bvh")
        joints, theirs = one.motion.joints(), places(retargeted(one, rig), rig)
        waved = places(retargeted(away, rig), rig)
        for side in ("left", "right"):
            np.testing.assert_allclose(
                bones(waved, ARMS, side), bones(away.motion.joints(), ARMS, side), atol=1e-6
            )
            knees = np.sum(bones(theirs, LEGS, side) * bones(joints, LEGS, side), axis=-1)
            assert np.rad2deg(np.arccos(np.clip(knees, -1, 1))).max() < 15.0
        # Nobody is bent or twisted: heads are above hips, where the source's are.
        up = theirs[:, SMPLX_55.index("head")] - theirs[:, 0]
        assert (up[:, 1] / np.linalg.norm(up, axis=1)).min() > 0.98


def test_spines_share_and_twist_bones_stay(tmp_path):
    one = standing()
    motion = one.motion
    # A joint in the spine and one in the forearm that nobody has a name for.
    chest, wrist = motion.names.index("spine3"), motion.names.index("left_wrist")
    names = [*motion.names[:chest], "extra", *motion.names[chest:]]
    parents = [up + (up >= chest) for up in motion.parents]
    parents = [*parents[:chest], parents[chest], chest, *parents[chest + 1 :]]
    offsets = np.insert(motion.rest_offsets, chest, motion.rest_offsets[chest] / 2, axis=0)
    offsets[chest + 1] /= 2
    names.append("left_twist")
    parents.append(names.index("left_elbow"))
    offsets = np.concatenate([offsets, motion.rest_offsets[wrist : wrist + 1] / 2])
    longer = SkeletalMotion(
        tuple(names), tuple(parents), offsets, np.tile(np.eye(3), (1, 57, 1, 1)), offsets[:1], 30.0
    )
    rig = read_rig(write_glb([replace(one, motion=longer)], tmp_path / "a.glb", axes="world"))
    source = waving()
    found = retargeted(source, rig).motion
    world, theirs = found.world_rotations(), rig.skeleton.names.index
    ours = source.motion.world_rotations()
    below, above = ours[:, SMPLX_55.index("spine2")], ours[:, SMPLX_55.index("spine3")]
    turn = Rotation.from_matrix(np.swapaxes(below, 1, 2) @ above).magnitude()
    half = Rotation.from_matrix(np.swapaxes(below, 1, 2) @ world[:, theirs("extra")]).magnitude()
    np.testing.assert_allclose(half, turn / 2, atol=1e-6)
    twist = found.rotations[:, theirs("left_twist")]
    np.testing.assert_allclose(twist, np.tile(np.eye(3), (40, 1, 1)), atol=1e-9)


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("make", [walker, waving])
def test_limbs_that_hang_from_controls_go_with_the_body(tmp_path, make, twin):
    whole = rig_of_preset(tmp_path, "rigify")
    torn = read_rig(on_controls(tmp_path / "torn.glb", twin=twin))
    assert {torn.skeleton.names[i][:4] for i in torn.joints.values()} == {"DEF-"}
    found = retargeted(make(), torn)
    np.testing.assert_allclose(
        places(found, torn), places(retargeted(make(), whole), whole), atol=1e-6
    )
    # What is none of the body goes with the bone that it lies by.
    names = found.motion.names
    joints = found.motion.joints()
    chest = joints[:, names.index("DEF-spine.003")]
    beside = np.linalg.norm(joints[:, names.index("tweak_breast")] - chest, axis=1)
    assert np.ptp(beside) < 1e-6
    np.testing.assert_array_equal(joints[:, 0], 0.0)


def test_a_root_bone_travels_below_the_hips(tmp_path):
    rig = rig_of_preset(tmp_path, "unreal")
    hips, bone = rig.joints["pelvis"], rig.skeleton.names.index("root")
    assert rig.root == bone
    source = walker()
    still = retargeted(source, rig).motion
    found = retargeted(source, rig, root_motion=True).motion
    # Nothing else of the character moves otherwise.
    others = [i for i in range(len(found.names)) if i != bone]
    np.testing.assert_allclose(found.joints()[:, others], still.joints()[:, others], atol=1e-9)
    np.testing.assert_allclose(
        found.world_rotations()[:, hips:], still.world_rotations()[:, hips:], atol=1e-9
    )
    joints = found.joints() @ rig.upright
    level = [0, 2]
    below = joints[:, hips, level] - joints[:, bone, level]
    assert np.ptp(below, axis=0).max() < 1e-9
    np.testing.assert_allclose(joints[:, bone, 1], joints[0, bone, 1], atol=1e-9)
    assert np.ptp(joints[:, bone, 2]) > 1.5
    # Who turns takes the bone along.
    about = Rotation.from_euler("y", np.linspace(0, 2.0, 40)[:, None]).as_matrix()
    one = waving()
    turning = one.motion.rotations.copy()
    turning[:, 0] = about
    one = replace(one, motion=replace(one.motion, rotations=turning))
    world = retargeted(one, rig, root_motion=True).motion.world_rotations()
    turn = rig.upright.T @ world[:, bone] @ world[20, bone].T @ rig.upright
    angle = Rotation.from_matrix(turn).as_rotvec()
    wanted = np.linspace(0, 2.0, 40)
    np.testing.assert_allclose(angle[15:25, 1], (wanted - wanted[20])[15:25], atol=0.02)


def test_hips_sink_for_legs_that_are_too_short_for_a_step(tmp_path):
    one, wide = walker(), {"left_hip": 3.0, "right_hip": 3.0}
    rig = rig_of_preset(tmp_path, "smplx", wide)
    found = retargeted(one, rig)
    joints = places(found, rig)
    tops = joints[:, SMPLX_55.indices("left_hip", "right_hip"), 1].mean(1)
    assert tops.max() < one.motion.joints()[:, 1, 1].max() + 1e-9
    now = rig_soles(found, rig, one)
    assert slide(now, one.rests.probability > 0.5) < 5e-4


def test_hands_that_meet_meet(tmp_path):
    one = standing()
    # Hands before the chest, one upon the other.
    pose = {
        f"{side}_{joint}": Rotation.from_euler("y", sign * angle, degrees=True).as_matrix()
        for side, sign in (("left", -1.0), ("right", 1.0))
        for joint, angle in (("shoulder", 65.0), ("elbow", 90.0))
    }
    rotations = np.stack([pose.get(name, np.eye(3)) for name in SMPLX_55.names])[None]
    source = replace(one, motion=replace(one.motion, rotations=rotations))
    wrists = SMPLX_55.indices("left_wrist", "right_wrist")
    gap = np.diff(source.motion.joints()[0, wrists], axis=0)
    assert np.linalg.norm(gap) < 0.15
    for factor in (0.6, 1.6):
        wide = {f"{side}_collar": factor for side in ("left", "right")}
        wide |= {f"{side}_shoulder": factor for side in ("left", "right")}
        rig = rig_of_preset(tmp_path, "mixamo", wide)
        joints = places(retargeted(source, rig), rig)
        np.testing.assert_allclose(np.diff(joints[0, wrists], axis=0), gap, atol=1e-4)


def test_rigs_without_legs_move_what_they_have(tmp_path):
    one = styled(standing(), PRESETS["mixamo"])
    names = one.motion.names
    staying = [
        i for i, name in enumerate(names) if not any(s in name for s in ("Leg", "Foot", "Toe"))
    ]
    kept = {-1: -1, **{i: place for place, i in enumerate(staying)}}
    motion = SkeletalMotion(
        tuple(names[i] for i in staying),
        tuple(kept[one.motion.parents[i]] for i in staying),
        one.motion.rest_offsets[staying],
        one.motion.rotations[:, staying],
        one.motion.root_position,
        30.0,
    )
    (tmp_path / "a.bvh").write_bytes(encode_bvh(motion))
    rig = read_rig(tmp_path / "a.bvh")
    source = waving()
    joints = places(retargeted(source, rig), rig)
    told = np.isfinite(joints[0, :, 0])
    assert told.sum() == len(staying)
    assert np.abs(joints - source.motion.joints())[:, told].max() < 2e-4


def test_one_frame_is_enough(tmp_path):
    one = waving(rests=True)
    short = replace(
        one,
        motion=replace(
            one.motion,
            rotations=one.motion.rotations[:1],
            root_position=one.motion.root_position[:1],
        ),
        rests=None,
    )
    rig = read_rig(rig_file(tmp_path / "a.glb", "unity"))
    assert np.isfinite(retargeted(short, rig).motion.joints()).all()

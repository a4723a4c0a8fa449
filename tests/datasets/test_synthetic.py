"""Synthetic pairs: what is drawn is where it should be, and the real detector finds it there."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from mocap.assets import fetch
from mocap.datasets.motions import between
from mocap.datasets.pairs import read_pairs
from mocap.datasets.synthetic import Motion, batches, cast, film, perform, performances, synthesize
from mocap.datasets.synthetic.backdrop import random_room
from mocap.datasets.synthetic.batches import Batch, shoot
from mocap.datasets.synthetic.cameras import Shot, random_shot
from mocap.datasets.synthetic.film import SIDE, Studio
from mocap.datasets.synthetic.library import (
    digest_of,
    load_library,
    read_library,
    save_library,
    splits_of,
)
from mocap.datasets.synthetic.performances import mirrored
from mocap.datasets.synthetic.renderer import Lighting
from mocap.datasets.synthetic.room import Room
from mocap.errors import MocapError
from mocap.geometry import Camera, look_at
from mocap.keypoints import MediaPipePose
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE, MEDIAPIPE_33, SMPLX_55

COCO = list(COCO_OF_MEDIAPIPE)
LEFT, RIGHT = COCO_17.indices("left_wrist", "right_wrist")


@pytest.fixture(scope="module")
def studio(body):
    studio = Studio.of(body, MediaPipePose(fetch("pose_landmarker"), most=1))
    yield studio
    studio.close()


def standing(frames: int = 1, split: str = "train") -> Motion:
    """Somebody with hanging arms who slowly lifts the left one."""
    rotations = np.zeros((frames, 22, 3), np.float32)
    left, right = SMPLX_55.indices("left_shoulder", "right_shoulder")
    rotations[:, left, 2] = -1.2 + np.linspace(0, 1.5, frames)
    rotations[:, right, 2] = 1.2
    return Motion("standing", "nobody", split, rotations, np.zeros((frames, 3), np.float32))


def shot_from(azimuth: float, size: tuple[int, int] = (640, 480)) -> Shot:
    place = np.array([3.5 * np.sin(azimuth), 1.3, 3.5 * np.cos(azimuth)])
    R, t = look_at(place, np.array([0.0, 0.95, 0.0]))
    K = np.array([[600.0, 0, size[0] / 2], [0, 600.0, size[1] / 2], [0, 0, 1]])
    return Shot(Camera(K[None], R[None], t[None], "given"), size)


def test_a_picture_shows_the_body_where_its_points_are_projected(studio):
    rng = np.random.default_rng(0)
    actor = cast(studio, standing(), rng)
    look = replace(actor.outfit.look, colours=np.ones_like(actor.outfit.look.colours), contrast=0.0)
    light = Lighting(np.array([0.0, 1, 0]), np.zeros(3), np.ones(3), np.ones(3), 0.0, 0.0)
    studio.renderer.dress(look, light, np.zeros((SIDE, SIDE, 3), np.uint8))
    R, t = look_at(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.9, 0.0]))
    K = np.array([[250.0, 0, SIDE / 2], [0, 250.0, SIDE / 2], [0, 0, 1]])
    picture = studio.renderer.draw(actor.vertices[0], actor.normals[0], K, R, t)
    camera = actor.vertices[0] @ R.T + t
    pixels = camera[:, :2] / camera[:, 2:] * 250.0 + SIDE / 2
    rows, columns = np.nonzero(picture[..., 0] > 128)
    assert columns.min() == pytest.approx(pixels[:, 0].min(), abs=2.0)
    assert columns.max() == pytest.approx(pixels[:, 0].max(), abs=2.0)
    assert rows.min() == pytest.approx(pixels[:, 1].min(), abs=2.0)
    assert rows.max() == pytest.approx(pixels[:, 1].max(), abs=2.0)


def test_a_shadow_is_dark_once_and_lies_on_the_floor(studio):
    actor = cast(studio, standing(), np.random.default_rng(0))
    sun = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    light = Lighting(sun, np.zeros(3), np.ones(3), np.ones(3), 0.5, 0.0)
    studio.renderer.dress(actor.outfit.look, light, np.full((SIDE, SIDE, 3), 200, np.uint8))
    R, t = look_at(np.array([-1.0, 6.0, 0.01]), np.array([-1.0, 0.0, 0.0]))
    K = np.array([[500.0, 0, SIDE / 2], [0, 500.0, SIDE / 2], [0, 0, 1]])
    picture = studio.renderer.draw(actor.vertices[0], actor.normals[0], K, R, t)
    # Towards -x, away from the sun, by as much as the body is tall.
    head = np.array([-actor.points[0, 0, 1] * 0.9, 0.0, 0.0]) @ R.T + t
    at = head[:2] / head[2] * 500.0 + SIDE / 2
    shade = picture[int(at[1]), int(at[0])]
    assert np.all(np.abs(shade.astype(int) - 100) <= 2)


@pytest.mark.parametrize("azimuth", [0.0, 0.6, np.pi])
def test_the_detector_finds_who_is_drawn(studio, azimuth):
    rng = np.random.default_rng(3)
    actor = cast(studio, standing(), rng)
    pairs = film(studio, actor, shot_from(azimuth), 15.0, rng, name="a", split="train")
    assert pairs is not None
    assert pairs.azimuth[0] == pytest.approx(azimuth if azimuth < 3 else np.pi, abs=0.05) or (
        abs(abs(pairs.azimuth[0]) - np.pi) < 0.05
    )
    size = np.ptp(pairs.truth_2d[0], axis=0).max()
    off = np.linalg.norm(pairs.pose_2d[0] - pairs.truth_2d[0], axis=-1)
    assert np.median(off) < 0.04 * size
    assert np.linalg.norm(pairs.corrupted - pairs.ground_truth, axis=-1).mean() < 0.25
    # And in the mirror, each side under its own name, with other errors.
    beside = np.linalg.norm(pairs.mirrored_xy[0, COCO] - pairs.truth_2d[0], axis=-1)
    assert np.median(beside) < 0.04 * size
    assert np.linalg.norm(pairs.mirrored_xyz[0, COCO] - pairs.ground_truth, axis=-1).mean() < 0.25
    assert 1e-4 < np.abs(pairs.mirrored_xyz - pairs.landmarks_xyz).mean() < 0.1


def test_nobody_in_the_mirror_is_no_reason_to_drop_a_frame(studio):
    class Once:
        """Finds somebody in every other picture only."""

        looks = 0

        def detect(self, picture):
            self.looks += 1
            return studio.detector.detect(picture) if self.looks % 2 else []

    rng = np.random.default_rng(3)
    actor = cast(studio, standing(3), rng)
    half = replace(studio, detector=Once())
    pairs = film(half, actor, shot_from(0.3), 15.0, rng, name="a", split="train")
    assert len(pairs.check()) == 3
    assert pairs.mirrored_xy is None


def test_truth_faces_the_camera_and_stands_at_the_hips(studio):
    rng = np.random.default_rng(3)
    actor = cast(studio, standing(), rng)
    pairs = film(studio, actor, shot_from(0.0), 15.0, rng, name="a", split="train")
    assert pairs is not None
    truth = pairs.ground_truth[0]
    hips = COCO_17.indices("left_hip", "right_hip")
    assert np.abs(truth[hips].mean(0)).max() < 1e-5
    # The left wrist of somebody who faces the camera is on its right; feet are below: y is down.
    assert truth[LEFT, 0] > 0.15 > -0.15 > truth[RIGHT, 0]
    assert truth[COCO_17.index("left_ankle"), 1] > 0.6


def test_hips_above_each_other_tell_no_heading_and_so_no_pairs(studio):
    """One such picture must not take those filmed beside it down: pairs of it would be refused."""
    actor = cast(studio, standing(), np.random.default_rng(2))

    def filmed(actor):
        rng = np.random.default_rng(3)
        return film(studio, actor, shot_from(0.0), 15.0, rng, name="a", split="train")

    points = actor.points.copy()
    left, right = MEDIAPIPE_33.indices("left_hip", "right_hip")
    points[:, left], points[:, right] = points[:, right], points[:, right] + [0.0, 0.2, 0.0]
    assert filmed(actor) is not None
    assert filmed(replace(actor, points=points)) is None


@pytest.fixture
def short_batches(monkeypatch):
    for name, value in (("PERFORMANCES", 2), ("SEQUENCE", 8), ("_PICTURES", 12)):
        monkeypatch.setattr(batches, name, value)


def test_a_batch_is_the_same_whenever_it_is_made(studio, short_batches):
    motions = [standing(40)]
    batch = Batch(3, "train", 7)
    first, again = shoot(studio, motions, batch), shoot(studio, motions, batch)
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.truth_2d, again.truth_2d)
    np.testing.assert_array_equal(first.corrupted, again.corrupted)
    other = shoot(studio, motions, Batch(4, "train", 7))
    assert other is not None
    assert len(other) != len(first) or not np.allclose(other.truth_2d, first.truth_2d)


def test_the_mirrored_motion_is_the_mirror_image(studio):
    actor = cast(studio, standing(3), np.random.default_rng(5))
    other = cast(studio, mirrored(standing(3)), np.random.default_rng(5))
    limbs = MEDIAPIPE_33.indices("left_wrist", "right_wrist", "left_ankle", "right_ankle")
    swapped = [MEDIAPIPE_33.mirror[i] for i in limbs]
    np.testing.assert_allclose(
        other.points[:, swapped] * [-1, 1, 1], actor.points[:, limbs], atol=0.03
    )


def test_performances_are_of_the_length_asked_for():
    rng = np.random.default_rng(0)
    motions = [standing(90), standing(200)]
    for _ in range(30):
        motion = perform(motions, 24, 15.0, rng)
        assert 1 <= len(motion) <= 24
        assert motion.rotations.shape == (len(motion), 22, 3)
        assert np.isfinite(motion.rotations).all()


def test_batches_perform_what_is_of_their_split(studio, monkeypatch):
    asked = []

    def nothing(motions, *_):
        asked.append({motion.name for motion in motions})
        return standing(1)

    monkeypatch.setattr(batches, "perform", nothing)
    monkeypatch.setattr(batches, "film", lambda *_, **__: None)
    motions = [replace(standing(3, split), name=split) for split in ("train", "test")]
    assert shoot(studio, motions, Batch(0, "test", 0)) is None
    assert set().union(*asked) == {"test"}


def test_limbs_do_as_in_other_motions():
    """Of two motions, one with everything at 0 and one at 0.1, some performances are between."""
    still = np.zeros((60, 22, 3), np.float32)
    motions = [
        Motion(name, "p", "train", still + value, still[:, 0])
        for name, value in (("a", 0), ("b", 0.1))
    ]
    rng, kinds = np.random.default_rng(0), set()
    for _ in range(300):
        motion = perform(motions, 24, 15.0, rng)
        size = np.abs(motion.rotations[0]).max(-1)
        if set(np.round(size, 6)) <= {0.0, 0.1}:
            kinds.add(tuple(np.round(size, 6)))
    wrists = {
        tuple(kind[i] for i in SMPLX_55.indices("left_wrist", "right_wrist")) for kind in kinds
    }
    assert wrists == {(0, 0), (0, 0.1), (0.1, 0), (0.1, 0.1)}
    spine = SMPLX_55.index("spine1")
    assert {kind[spine] == kind[0] for kind in kinds} == {True, False}


@pytest.mark.parametrize("split", ["val", "test"])
def test_what_is_held_out_is_performed_as_it_was_recorded(split):
    motions = [standing(90, split), replace(standing(60, split), name="other")]
    left, right = SMPLX_55.indices("left_shoulder", "right_shoulder")
    rng, seen = np.random.default_rng(0), set()
    for _ in range(50):
        motion = perform(motions, 24, 15.0, rng)
        is_mirrored = not np.allclose(motion.rotations[:, right, 2], 1.2, atol=1e-5)
        motion = mirrored(motion) if is_mirrored else motion
        lifted = motion.rotations[:, left, 2]
        assert -1.2 - 1e-5 <= lifted.min() <= lifted.max() <= 0.3 + 1e-5
        # The arm rises evenly, at whatever pace: moments between two frames are between them.
        rises = np.diff(lifted)
        np.testing.assert_allclose(rises, rises.mean(), atol=1e-5)
        assert 0.5 < rises.mean() / (1.5 / (89 if motion.name == "standing" else 59) * 2) < 2
        expected = standing(len(motion)).rotations.copy()
        expected[:, left, 2] = lifted
        np.testing.assert_allclose(motion.rotations, expected, atol=1e-5)
        seen.add((motion.name, is_mirrored))
    assert len(seen) == 4


def test_moments_between_frames():
    rng = np.random.default_rng(1)
    times = np.array([0.0, 0.1, 0.3, 0.4])
    rotations, transl = rng.normal(0, 1, (4, 5, 3)), rng.normal(0, 1, (4, 3))
    at = np.array([-1.0, 0.0, 0.05, 0.1, 0.25, 0.4, 9.0])
    found, places = between(times, rotations, transl, at)
    for joint in range(5):
        slerp = Slerp(times, Rotation.from_rotvec(rotations[:, joint]))(np.clip(at, 0, 0.4))
        apart = slerp.inv() * Rotation.from_rotvec(found[:, joint])
        assert apart.magnitude().max() < 1e-9
    np.testing.assert_allclose(places[:, 1], np.interp(at, times, transl[:, 1]), atol=1e-12)
    still, place = between(times[:1], rotations[:1], transl[:1], at)
    np.testing.assert_allclose(still, np.repeat(rotations[:1], 7, 0), atol=1e-12)
    np.testing.assert_allclose(place, np.repeat(transl[:1], 7, 0))


def test_who_lies_moves_lying():
    """Somebody who jumps, laid down, moves along the floor and not up from it."""
    motion = standing(10)
    up = np.zeros((10, 3), np.float32)
    up[:, 1] = np.linspace(0, 0.5, 10)
    motion = replace(motion, transl=up)
    for seed in range(5):
        leant = performances._leaning(motion, np.random.default_rng(seed))
        root = Rotation.from_rotvec(leant.rotations[:, 0])
        np.testing.assert_allclose(root.inv().apply(leant.transl), up, atol=1e-6)


def test_in_training_whole_bodies_lean_and_lie():
    motions, rng = [standing(90)], np.random.default_rng(0)
    ups = [
        Rotation.from_rotvec(perform(motions, 24, 15.0, rng).rotations[0, 0]).apply([0.0, 1.0, 0.0])
        for _ in range(300)
    ]
    tilts = np.degrees(np.arccos(np.clip(np.stack(ups)[:, 1], -1, 1)))
    assert 0.55 < (tilts < 1).mean() < 0.85
    assert (tilts > 90).any()


def test_who_looks_from_below_the_floor_sees_no_room(studio, monkeypatch):
    dressed = []
    dress = studio.renderer.dress
    monkeypatch.setattr(
        studio.renderer, "dress", lambda *look: (dressed.append(look[-1]), dress(*look))
    )
    actor = cast(studio, standing(), np.random.default_rng(0))
    K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
    for height, seen in ((1.5, {True, False}), (-0.5, {False})):
        dressed.clear()
        R, t = look_at(np.array([0.0, height, 4.0]), np.array([0.0, 0.9, 0.0]))
        shot = Shot(Camera(K[None], R[None], t[None], "given"), (1280, 720))
        for seed in range(12):
            film(studio, actor, shot, 15.0, np.random.default_rng(seed), name="a", split="train")
        assert {room is not None for room in dressed} == seen


def test_performers_are_held_out_the_same_everywhere():
    many = splits_of(f"performer-{i}" for i in range(400))
    shares = [list(many.values()).count(split) / 400 for split in ("train", "val", "test")]
    np.testing.assert_allclose(shares, [0.75, 0.1, 0.15], atol=0.04)
    # Who else performs changes nothing, where there are enough of them.
    fewer = splits_of(f"performer-{i}" for i in range(0, 400, 2))
    assert fewer.items() <= many.items()
    assert splits_of(["cmu-05", *many])["cmu-05"] == "test"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_of_three_performers_one_is_held_out_for_each(count):
    for start in range(40):
        splits = list(splits_of(f"who-{start + i}" for i in range(count)).values())
        assert len(splits) == count
        assert set(splits) == ({"train"} if count < 3 else {"train", "val", "test"})


def test_motions_that_changed_are_others(tmp_path, body):
    def store(angle, name="stand", folder="someone"):
        poses = np.full((8, 156), angle)
        (tmp_path / folder).mkdir(exist_ok=True)
        path = tmp_path / folder / f"{name}.npz"
        np.savez(path, poses=poses, trans=np.zeros((8, 3)), mocap_framerate=30)
        return digest_of([tmp_path / folder], body)

    first, again, other = store(0.1), store(0.1), store(0.2)
    assert first == again != other
    assert store(0.2, folder="another") != other
    assert store(0.2, name="more") != other


def test_a_file_that_cannot_be_read_is_left_for_reading_to_warn_of(tmp_path, body, monkeypatch):
    (tmp_path / "walk.bvh").write_text("HIERARCHY")
    readable = digest_of([tmp_path], body)
    whole = Path.open

    def refuse(path, *options):
        if path.suffix == ".bvh":
            raise PermissionError(13, "Permission denied")
        return whole(path, *options)

    monkeypatch.setattr(Path, "open", refuse)
    told = []
    assert digest_of([tmp_path], body, progress=lambda *of: told.append(of)) != readable
    assert told == [("checking motions", 1, 1)]


def test_who_is_flung_far_away_is_not_looked_for(studio):
    motion = standing(6)
    motion.transl[3:, 0] = 1e5
    actor = cast(studio, motion, np.random.default_rng(0))
    rng = np.random.default_rng(3)
    pairs = film(studio, actor, shot_from(0.0), 15.0, rng, name="a", split="train")
    assert (pairs.time * 15).round().astype(int).tolist() == [0, 1, 2]


def test_as_many_batches_are_made_as_asked_for(tmp_path, monkeypatch, body):
    """Where nobody is held out, no batch is for what nobody performs."""
    module = import_module("mocap.datasets.synthetic.synthesize")
    asked = []
    monkeypatch.setattr(module, "run_items", lambda batches, *_, **__: asked.append(batches))
    monkeypatch.setattr(module, "read_library", lambda *_, **__: [standing()])
    monkeypatch.setattr(module, "digest_of", lambda *_, **__: "")
    monkeypatch.setattr(module, "load_body", lambda: body)
    for frames in (1400, 4200):
        module.synthesize([tmp_path], tmp_path / "store", frames=frames)
    few, many = asked
    assert (len(few), len(many)) == (10, 30)
    assert {batch.split for batch in many} == {"train"}
    assert [batch.key for batch in many[:10]] == [batch.key for batch in few]


def test_shots_have_the_stage_in_the_picture():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        shot = random_shot(np.array([0.0, 0.9, 0.0]), 0.9, rng)
        pixels = shot.camera.project(np.array([[[0.0, 0.9, 0.0]]]), np.zeros(1, int))[0, 0]
        inside.append(np.all((pixels > 0) & (pixels < shot.size)))
    assert np.mean(inside) > 0.95


def test_a_library_comes_back_as_it_was_saved(tmp_path):
    motions = [standing(5), replace(standing(7, "test"), name="other")]
    save_library(motions, tmp_path / "m.npz")
    for one, other in zip(motions, load_library(tmp_path / "m.npz"), strict=True):
        assert (one.name, one.performer, one.split) == (other.name, other.performer, other.split)
        np.testing.assert_array_equal(one.rotations, other.rotations)
        np.testing.assert_array_equal(one.transl, other.transl)
    (tmp_path / "m.npz").write_bytes(b"PK nothing")
    with pytest.raises(MocapError, match="damaged"):
        load_library(tmp_path / "m.npz")


def test_amass_archives_become_motions(tmp_path, body):
    poses = np.zeros((12, 156))
    # +Z up in AMASS: somebody upright is turned about x.
    poses[:, 0] = np.pi / 2
    folder = tmp_path / "someone"
    folder.mkdir()
    np.savez(
        folder / "stand_poses.npz",
        poses=poses,
        trans=np.tile([0.0, 0, 0.9], (12, 1)),
        mocap_framerate=60.0,
    )
    (tmp_path / "notes.txt").write_text("no motion")
    [motion] = read_library([tmp_path], body)
    assert motion.performer == "someone"
    # 12 frames at 60 a second are 6 at 30; upright in a world with +Y up.
    assert len(motion) == 6
    assert np.abs(motion.rotations[:, 0]).max() < 0.05
    # 12 at 25 a second, whatever lies between them, are 14 at 30.
    slow = tmp_path / "slow" / "stand.npz"
    slow.parent.mkdir()
    np.savez(slow, poses=poses, trans=np.zeros((12, 3)), mocap_framerate=25.0)
    assert [len(motion) for motion in read_library([slow], body)] == [14]
    for frames, fps, count in ((120, 59.94, 60), (2, 50.0, 0), (3, 30.0, 3), (240, 119.88, 60)):
        trans = np.zeros((frames, 3))
        np.savez(slow, poses=np.resize(poses, (frames, 156)), trans=trans, mocap_framerate=fps)
        if not count:
            with pytest.raises(MocapError, match="single frame"):
                read_library([slow], body)
            continue
        assert [len(motion) for motion in read_library([slow], body)] == [count]
    np.savez(folder / "broken.npz", poses=poses)
    with pytest.raises(MocapError, match="no AMASS motion"):
        read_library([folder / "broken.npz"], body)
    lost = np.full((12, 3), np.nan)
    np.savez(folder / "lost.npz", poses=poses, trans=lost, mocap_framerate=60.0)
    with pytest.raises(MocapError, match=r"lost\.npz: is no AMASS motion: .*not finite"):
        read_library([folder / "lost.npz"], body)
    noise = np.random.default_rng(0).normal(size=(12, 156))
    np.savez_compressed(
        folder / "cut.npz", poses=noise, trans=np.zeros((12, 3)), mocap_framerate=60.0
    )
    damaged = bytearray((folder / "cut.npz").read_bytes())
    # The first block of deflated data is of a kind that there is not.
    damaged[30 + len("poses.npy") + 20] = 0xFF
    (folder / "cut.npz").write_bytes(damaged)
    with pytest.raises(MocapError, match=r"cut\.npz: is no AMASS motion"):
        read_library([folder / "cut.npz"], body)


def test_what_is_no_motion_is_refused(tmp_path, body):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(MocapError, match="no motion that can be read"):
        read_library([tmp_path], body)
    with pytest.raises(MocapError, match="no motion that can be read"):
        read_library([tmp_path / "a.txt"], body)


def test_a_store_is_made_and_gone_on_with(tmp_path):
    motions = tmp_path / "m"
    (motions / "someone").mkdir(parents=True)
    poses = np.zeros((60, 156))
    poses[:, 0] = np.pi / 2
    np.savez(
        motions / "someone" / "stand.npz", poses=poses, trans=np.zeros((60, 3)), mocap_framerate=30
    )
    first = synthesize([motions], tmp_path / "store", frames=100, workers=1)
    assert len(first.made) == 1
    assert not first.failed
    again = synthesize([motions], tmp_path / "store", frames=100, workers=1)
    assert again.kept == 1
    assert not again.made
    pairs = read_pairs(tmp_path / "store")
    assert len(pairs) == first.pairs > 50
    with pytest.raises(MocapError):
        synthesize([motions], tmp_path / "store", frames=100, workers=1, seed=1)


def test_motions_that_cannot_be_read_begin_no_store(tmp_path):
    (tmp_path / "walk.bvh").write_text("HIERARCHY of nothing")
    with pytest.raises(MocapError, match=r"walk\.bvh"):
        synthesize([tmp_path / "walk.bvh"], tmp_path / "store", frames=1)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("workers", "ray"), [(0, "auto"), (3, "auto"), (3, None), (0, None)])
def test_a_cluster_is_not_held_to_the_cores_of_this_machine(
    tmp_path, monkeypatch, body, workers, ray
):
    module = import_module("mocap.datasets.synthetic.synthesize")
    asked = []
    monkeypatch.setattr(module, "run_items", lambda *_, workers, **__: asked.append(workers))
    monkeypatch.setattr(module, "read_library", lambda *_, **__: [standing()])
    monkeypatch.setattr(module, "digest_of", lambda *_, **__: "")
    monkeypatch.setattr(module, "load_body", lambda: body)
    module.synthesize([tmp_path], tmp_path / "store", workers=workers, ray_address=ray)
    assert asked == [workers]


def test_floor_and_walls_meet_where_the_camera_should_see_them(studio):
    """The picture's horizon is that of the room, whatever the camera's height and pitch."""
    room = Room(np.zeros(3), np.array([6.0, 9.0, 6.0]), 0.0, np.ones(3), np.zeros(3), 1.0, 0.0)
    light = Lighting(np.array([0.0, 1, 0]), np.zeros(3), np.zeros(3), np.zeros(3), 0.0, 0.0)
    actor = cast(studio, standing(), np.random.default_rng(0))
    studio.renderer.dress(actor.outfit.look, light, np.full((8, 8, 3), 128, np.uint8), room)
    R, t = look_at(np.array([0.0, 1.5, 4.0]), np.array([0.0, 0.6, 0.0]))
    K = np.array([[200.0, 0, SIDE / 2], [0, 200.0, SIDE / 2], [0, 0, 1]])
    picture = studio.renderer.draw(actor.vertices[0], actor.normals[0], K, R, t)
    edge = np.array([-3.0, 0.0, -6.0]) @ R.T + t
    column, row = (edge[:2] / edge[2] * 200.0 + SIDE / 2).round().astype(int)
    assert picture[row - 4, column].max() < 10
    assert picture[row + 4, column].min() > 100


def test_no_camera_is_behind_a_wall():
    rng = np.random.default_rng(0)
    for _ in range(50):
        room = random_room(np.zeros(3), 7.0, rng)
        assert room.size[[0, 2]].min() >= 7.0

"""Gravity: what each cue does alone and together, how sure it is, and real cameras."""

import json

import numpy as np
import pytest
from rooms import intrinsics, room, up_of
from scipy.spatial.transform import Rotation

from mocap.geometry import Camera
from mocap.scene import SegmentCollector, find_gravity
from mocap.scene import gravity as module
from mocap.video import open_video

K = intrinsics(60.0)
NONE = np.zeros((0, 4))


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between unit vectors, degrees."""
    return float(np.rad2deg(np.arccos(np.clip(one @ other, -1, 1))))


def roll_and_pitch(up: np.ndarray) -> tuple[float, float]:
    return float(np.rad2deg(np.arctan2(up[0], -up[1]))), float(np.rad2deg(np.arcsin(up[2])))


def rooms(count: int, **options):
    """Rooms seen by cameras tilted as cameras are."""
    rng = np.random.default_rng(7)
    for _ in range(count):
        roll, pitch = np.clip([3.5, 12.0] * rng.standard_t(2.5, 2) - [0, 8], -30, 25)
        yield room(rng, roll, pitch, **options)


def lean_of(up: np.ndarray, degrees: float, rng: np.random.Generator):
    stray = up + np.deg2rad(degrees) * rng.normal(size=3)
    return stray / np.linalg.norm(stray), np.deg2rad(degrees)


class TestAlone:
    def test_without_any_cue_the_camera_looks_a_little_down(self):
        found = find_gravity(NONE, K)
        assert roll_and_pitch(found.up) == pytest.approx((0.0, -8.0), abs=0.3)
        assert found.source == "the camera, taken as level"
        assert np.deg2rad(10) < found.sigma < np.deg2rad(25)

    def test_somebody_who_stands_pulls_less_the_less_sure(self):
        lean = up_of(10.0, -25.0)
        sure = find_gravity(NONE, K, [(lean, np.deg2rad(1.0))])
        unsure = find_gravity(NONE, K, [(lean, np.deg2rad(7.0))])
        assert apart(sure.up, lean) < 1.0 < apart(unsure.up, lean) < 12.0
        assert sure.sigma < unsure.sigma
        assert "how people stand" in sure.source

    def test_people_who_agree_outvote_one_who_lies(self):
        up = up_of(0.0, -15.0)
        cues = [(up, np.deg2rad(7.0))] * 3 + [(up_of(0.0, 40.0), np.deg2rad(7.0))]
        assert apart(find_gravity(NONE, K, cues).up, up) < 2.5

    @pytest.mark.parametrize(("roll", "pitch"), [(13, -21), (-25, -22), (0, 0), (5, -40), (20, 15)])
    def test_edges_are_followed_wherever_the_camera_is_turned(self, roll, pitch):
        rng = np.random.default_rng(1)
        seen = room(rng, roll, pitch, furniture=25, frames=16, found=0.9, clutter=40)
        found = find_gravity(seen.segments, K)
        assert apart(found.up, seen.up) < 2.0
        assert found.sigma < np.deg2rad(8.0)
        assert found.source.startswith("vertical lines in the picture")

    def test_exact_edges_give_an_exact_answer(self):
        up = up_of(6.3, -17.4)
        rng = np.random.default_rng(0)
        start = rng.uniform(50, [1230, 670], (200, 2))
        way = (K @ up)[:2] - (K @ up)[2] * start
        segments = np.c_[start, start + 200 * way / np.linalg.norm(way, axis=1, keepdims=True)]
        assert apart(find_gravity(segments, K).up, up) < 0.2


class TestTogether:
    def test_rooms_of_all_kinds(self):
        rng = np.random.default_rng(3)
        alone, lines, both = [], [], []
        for seen in rooms(40, found=0.8, clutter=40):
            lean = [lean_of(seen.up, 7.0, rng)]
            alone.append(apart(find_gravity(NONE, K, lean).up, seen.up))
            lines.append(apart(find_gravity(seen.segments, K).up, seen.up))
            both.append(apart(find_gravity(seen.segments, K, lean).up, seen.up))
        assert np.median(lines) < 1.5
        assert np.median(both) < 1.5
        assert np.mean(both) < min(np.mean(alone), np.mean(lines))
        assert np.mean(both) < 3.5 < np.mean(alone)

    def test_where_nothing_is_built_edges_do_no_harm(self):
        rng = np.random.default_rng(4)
        without, with_clutter = [], []
        for seen in rooms(30, furniture=0, frames=0, found=0.0, clutter=120):
            lean = [lean_of(seen.up, 7.0, rng)]
            without.append(apart(find_gravity(NONE, K, lean).up, seen.up))
            with_clutter.append(apart(find_gravity(seen.segments, K, lean).up, seen.up))
        assert np.mean(with_clutter) < 1.15 * np.mean(without)

    def test_it_knows_how_far_off_it_may_be(self):
        rng = np.random.default_rng(5)
        ratios = []
        for seen in [*rooms(30, found=0.8, clutter=40), *rooms(30, found=0.3, plumb=False)]:
            found = find_gravity(seen.segments, K, [lean_of(seen.up, 7.0, rng)])
            ratios.append(np.deg2rad(apart(found.up, seen.up)) / found.sigma)
        assert 0.4 < np.sqrt(np.mean(np.square(ratios))) < 1.3

    @pytest.mark.parametrize("field_of_view", [45.0, 75.0])
    def test_a_wrong_focal_length_sways_the_pitch_alone(self, field_of_view):
        rolls, pitches, sigmas = [], [], []
        options = {"furniture": 25, "frames": 16, "found": 0.9, "clutter": 40}
        rng = np.random.default_rng(6)
        for pitch in rng.uniform(-25, 5, 12):
            seen = room(rng, 8.0, pitch, field_of_view=field_of_view, **options)
            found = find_gravity(seen.segments, K)
            off = np.array(roll_and_pitch(found.up)) - roll_and_pitch(seen.up)
            rolls.append(abs(off[0]))
            pitches.append(abs(off[1]))
            sigmas.append(apart(found.up, seen.up) / np.rad2deg(found.sigma))
        assert np.median(rolls) < 1.0
        # Where 60 degrees are taken for 45 or 75, tangents of the pitch are off by a third.
        assert np.median(pitches) < 5.0
        assert np.median(sigmas) < 1.5

    def test_doubt_about_the_focal_length_grows_with_the_pitch(self):
        rng = np.random.default_rng(2)
        seen = room(rng, 0.0, -30.0, furniture=25, frames=16, found=0.9)
        sure, unsure = (
            find_gravity(seen.segments, K, focal_sigma=share).sigma for share in (0.0, 0.15)
        )
        assert np.hypot(sure, 0.075 * np.sin(np.deg2rad(60))) == pytest.approx(unsure, rel=0.05)


class TestGrid:
    def test_directions_are_units_as_far_apart_as_told(self):
        turns = module._disc(module._REACH, module._COARSE)
        ups = module._directions(turns)
        assert np.linalg.norm(ups, axis=1) == pytest.approx(1.0)
        assert np.arccos(-ups[:, 1]) == pytest.approx(np.hypot(*turns.T), abs=1e-7)

    def test_a_patch_surrounds_its_centre(self):
        centre = up_of(20.0, -30.0)
        near = module._around(centre, np.deg2rad(3.0), np.deg2rad(0.5))
        assert near[len(near) // 2] == pytest.approx(centre)
        assert max(apart(one, centre) for one in near) == pytest.approx(3.0, abs=0.05)


def test_four_real_cameras(four_camera_clip, data_dir):
    truth = json.loads((data_dir / "clips/pose2sim_single/ground_truth.json").read_text())
    for number in range(1, 5):
        collector = SegmentCollector()
        with open_video(four_camera_clip / f"cam{number:02}.mp4") as video:
            for frame in video:
                collector.add(frame.index, frame.image)
            width, height = video.info.width, video.info.height
        found = find_gravity(collector.segments(), Camera.assumed(width, height).K[0])
        turn = Rotation.from_rotvec(truth["cameras"][f"cam_{number:02}"]["rotation"])
        # Level would be 17 to 34 degrees off.
        assert apart(found.up, turn.apply([0, 0, 1])) < 5.0
        assert "vertical lines in the picture" in found.source

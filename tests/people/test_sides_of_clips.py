"""Left and right in real clips, against the joints that four cameras together agree on."""

import json

import cv2
import numpy as np
import pytest

from mocap.assets import fetch
from mocap.keypoints import MediaPipePose
from mocap.people import (
    DepthConfig,
    GlitchConfig,
    MirrorConfig,
    SideConfig,
    Tracker,
    TrackerConfig,
    Tracklet,
    person_record,
    put_right,
)
from mocap.skeletons import MEDIAPIPE_33
from mocap.video import open_video

#: Joints that say which side is which, as the truth and as the detector calls them.
ARMS = {"Shoulder": "shoulder", "Elbow": "elbow", "Wrist": "wrist"}
LEGS = {"Hip": "hip", "Knee": "knee", "Ankle": "ankle"}
#: Pixels by which the wrong sides must fit better to count as wrong: a leg before the other.
CLEARLY = 12.0
FPS = 60.0
#: Where the second camera's detector takes a front for a back nearly all the time.
BAD = range(40, 63)


@pytest.fixture(scope="module")
def truth(data_dir):
    path = data_dir / "clips" / "pose2sim_single" / "ground_truth.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=[True, False], ids=["always", "now and then"])
def follow(request, four_camera_clip):
    """The man on the treadmill in one view, followed once, looked at in the mirror so often."""
    known = {}
    config = TrackerConfig(mirror=MirrorConfig(always=request.param))

    def man(view):
        if view not in known:
            alone = MediaPipePose(fetch("pose_landmarker"), most=1)
            several = MediaPipePose(fetch("pose_landmarker"), most=4)
            tracker = Tracker(several, None, config, alone=alone, mirror=alone)
            with open_video(four_camera_clip / f"{view}.mp4") as source:
                list(tracker.follow(source))
            alone.close()
            several.close()
            known[view] = max(tracker.tracklets(), key=Tracklet.full_size)
        return known[view]

    man.always = request.param
    return man


def projected(truth, view):
    """(frames, joints, 2) pixels."""
    camera = truth["cameras"][view.replace("cam", "cam_")]
    joints = np.array(truth["points"], float)
    joints[(joints == truth["missing"]).any(-1)] = np.nan
    xy, _ = cv2.projectPoints(
        joints.reshape(-1, 3),
        *(np.array(camera[key]) for key in ("rotation", "translation", "matrix", "distortions")),
    )
    return xy.reshape(*joints.shape[:2], 2)


def has_right_sides(person, truth, view):
    """For each frame whether neither arms nor legs fit the truth clearly better exchanged."""
    joints, names = projected(truth, view), truth["joint_names"]
    right = np.ones(len(person.frames), bool)
    for limbs in (ARMS, LEGS):
        pairs = [(s + true, f"{side}_{told}") for true, told in limbs.items()
                 for s, side in (("L", "left"), ("R", "right"))]  # fmt: skip
        true = joints[person.frames][:, [names.index(name) for name, _ in pairs]]
        points = MEDIAPIPE_33.indices(*(name for _, name in pairs))
        mirror = np.array(MEDIAPIPE_33.mirror)[points]
        told, swapped = (
            np.linalg.norm(person.keypoints2d.xy[:, order] - true, axis=-1)
            for order in (points, mirror)
        )
        right &= ~(np.nanmean(told - swapped, axis=1) > CLEARLY)
    return right


def cured(tracklet, frames=None, mirrored=True):
    """The person as told, as put right, and what was done."""
    part = Tracklet()
    for frame in tracklet.frames:
        if frames is None or frame in frames:
            part.add(frame, tracklet.sightings[frame], tracklet.appearance)
    told = person_record(part, "a", MEDIAPIPE_33, "pose", None)
    seen = part.mirrored if mirrored else {}
    after, amends = put_right(
        told, FPS, sides=SideConfig(), depths=DepthConfig(), glitches=GlitchConfig(), mirrored=seen
    )
    return told, after, amends


@pytest.mark.slow
@pytest.mark.parametrize("view", ["cam01", "cam03", "cam04"])
def test_where_nothing_is_wrong_nothing_is_done(follow, truth, view):
    man = follow(view)
    told, after, amends = cured(man)
    assert has_right_sides(told, truth, view).all()
    assert (amends.swapped, amends.flipped, amends.doubted) == (0, 0, 0)
    assert 8 <= amends.mirrored == len(man.mirrored)
    np.testing.assert_array_equal(after.keypoints2d.xy, told.keypoints2d.xy)


@pytest.mark.slow
@pytest.mark.parametrize("mirrored", [True, False])
def test_the_view_that_is_swapped_in_a_fifth_of_its_frames(follow, truth, mirrored):
    told, after, amends = cured(follow("cam02"), mirrored=mirrored)
    assert has_right_sides(told, truth, "cam02").mean() < 0.85
    assert has_right_sides(after, truth, "cam02").mean() >= 0.97
    # One pose is made up altogether.
    assert 1 <= amends.doubted <= 3
    assert amends.flipped == 0


@pytest.mark.slow
def test_most_of_a_clip_swapped(follow, truth):
    told, after, _ = cured(follow("cam02"), BAD)
    assert has_right_sides(told, truth, "cam02").mean() < 0.4
    assert has_right_sides(after, truth, "cam02").mean() >= 0.95


@pytest.mark.slow
def test_looks_into_the_mirror_are_few_or_all(follow):
    for view in ("cam01", "cam02", "cam03", "cam04"):
        tracklet = follow(view)
        if follow.always:
            assert len(tracklet.reflected) == len(tracklet.sightings)
        else:
            assert len(tracklet.reflected) <= 2 + 0.15 * len(tracklet.sightings)
        assert len(tracklet.mirrored) >= 0.8 * len(tracklet.reflected)

"""Truth files: what is understood, what is refused, and in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from takes import make_take

from mocap.errors import MocapError
from mocap.evaluate import Truth, TruthError, TruthPerson, load_truth, write_truth
from mocap.evaluate.joints import LIMBS, canonical, pick

CAMERA = {
    "matrix": [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]],
    "rotation": [0.1, 0.2, 0.3],
    "translation": [0, 1, 2],
    "distortions": [0.01, 0, 0, 0],
    "size": [1280, 720],
}


def standing(frames=5):
    """Limbs of somebody upright along +Z."""
    heights = {"shoulder": 1.4, "elbow": 1.2, "wrist": 1.0, "hip": 0.9, "knee": 0.5, "ankle": 0.1}
    points = np.zeros((frames, 12, 3))
    for row, name in enumerate(LIMBS):
        side, joint = name.split("_")
        points[:, row] = [0.2 if side == "left" else -0.2, 0.0, heights[joint]]
    return points


def told(**changes):
    content = {"joint_names": list(LIMBS), "points": standing().tolist(), "cameras": {"c1": CAMERA}}
    content |= changes
    return {key: value for key, value in content.items() if value is not None}


@pytest.fixture
def write(tmp_path):
    def writing(content):
        path = tmp_path / "truth.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        return path

    return writing


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RHip", "right_hip"),
        ("LAnkle", "left_ankle"),
        ("left_hip", "left_hip"),
        ("Left Shoulder", "left_shoulder"),
        ("knee_r", "right_knee"),
        ("lhip", "left_hip"),
        ("relbow", "right_elbow"),
        ("RBigToe", "right_big_toe"),
        ("LHeel", "left_heel"),
        ("Nose", "nose"),
        ("Neck", "neck"),
        ("MidHip", "mid_hip"),
        ("L_Wrist", "left_wrist"),
        ("leftEye", "left_eye"),
    ],
)
def test_names_of_other_programs(name, expected):
    assert canonical(name) == expected


def test_the_plain_form(write):
    truth = load_truth(write(told()))
    assert truth.names == LIMBS
    np.testing.assert_allclose(truth.people["1"].points, standing())
    np.testing.assert_allclose(truth.up, [0, 0, 1])
    assert truth.up_source == "how people stand"
    camera = truth.cameras["c1"]
    assert (camera.width, camera.height) == (1280, 720)
    np.testing.assert_allclose(camera.camera.t, [[0, 1, 2]])


def test_people_up_and_times(write):
    people = [{"id": "a", "points": standing().tolist()}, {"id": 2, "points": standing().tolist()}]
    truth = load_truth(write(told(points=None, people=people, up_axis="-Y", fps=10)))
    assert list(truth.people) == ["a", "2"]
    np.testing.assert_allclose(truth.up, [0, -1, 0])
    np.testing.assert_allclose(truth.times, [0, 0.1, 0.2, 0.3, 0.4])


def test_what_is_missing_is_nan(write):
    points = standing().tolist()
    points[1][2] = [-999, -999, -999]
    points[2][3][1] = -999
    points[3][4] = [None, None, None]
    truth = load_truth(write(told(points=points, missing=-999)))
    lost = np.isnan(truth.people["1"].points)
    assert lost[1, 2].all()
    assert lost[2, 3].all()
    assert lost[3, 4].all()
    assert lost.sum() == 9


def test_up_of_people_who_lie_is_unknown(write):
    lying = standing() @ np.array([[1, 0, 0], [0, 0.7071, 0.7071], [0, -0.7071, 0.7071]])
    truth = load_truth(write(told(points=lying.tolist())))
    assert truth.up is None


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("not JSON at all", "neither a take nor JSON"),
        ("[1, 2]", "no object"),
        ({"points": []}, "joint_names"),
        (told(joint_names=["a", "b"]), "lack the hips"),
        (told(points=None), "neither points nor people"),
        (told(points=[[[0, 0]]]), "shape"),
        (told(points=[[["x"] * 3] * 12]), "no array of numbers"),
        (told(points=[[[1, 2, 3]] * 12, [[1, 2, 3]]]), "no array of numbers"),
        (told(points=[[[-1, -1, -1]] * 12], missing=-1), "is missing"),
        (told(points=None, people=[]), "empty"),
        (told(points=None, people=[{"points": []}]), "it lacks 'id'"),
        (told(points=None, people="all"), "malformed"),
        (told(up_axis="up"), "up_axis"),
        (told(up_axis=[0, 0, 0]), "up_axis"),
        (told(fps=0), "fps"),
        (told(fps="fast"), "malformed"),
        (told(timestamps=[0, 1]), "timestamps"),
        (told(timestamps=[0, 1, 1, 2, 3]), "timestamps"),
        (told(cameras={"c1": {"matrix": [[1]]}}), "camera c1"),
        (told(cameras={"c1": CAMERA | {"rotation": [[1, 2], [3, 4]]}}), "camera c1"),
        (told(cameras={"c1": CAMERA | {"distortions": [1.0]}}), "camera c1"),
        (told(cameras={"c1": 5}), "camera c1"),
    ],
)
def test_what_is_malformed_is_refused_in_one_line(write, content, word):
    path = write(content)
    with pytest.raises(TruthError) as caught:
        load_truth(path)
    message = str(caught.value)
    assert str(path) in message
    assert word in message
    assert "\n" not in message


def test_no_such_file(tmp_path):
    with pytest.raises(TruthError, match=r"no\.json"):
        load_truth(tmp_path / "no.json")


def test_written_truth_is_read_again(write, tmp_path):
    points = standing()
    points[0, 0] = np.nan
    truth = load_truth(write(told(points=points.tolist(), missing=float("nan"))))
    again = load_truth(write_truth(truth, tmp_path / "deep" / "copy.json", "a copy"))
    np.testing.assert_allclose(again.people["1"].points, points, atol=1e-5)
    np.testing.assert_allclose(again.up, truth.up)
    for name in ("K", "R", "t", "distortion"):
        mine, theirs = (getattr(t.cameras["c1"].camera, name) for t in (again, truth))
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_a_take_is_truth(tmp_path):
    take = make_take(people=2, frames=12, first_frame=3)
    truth = load_truth(take.save(tmp_path / "truth.h5"))
    assert list(truth.people) == ["person-1", "person-2"]
    at = truth.points_at("person-2", np.arange(15), take.video.timestamps)
    assert np.isnan(at[:3]).all()
    np.testing.assert_allclose(at[3:], take.people["person-2"].body.joints)
    rows = truth.rows_at(np.arange(15), take.video.timestamps)
    np.testing.assert_array_equal(rows, np.arange(15))


def test_a_take_without_motion_is_no_truth(tmp_path):
    take = make_take()
    bare = replace(take.people["person-1"], body=None)
    path = replace(take, people={"person-1": bare}).save(tmp_path / "bare.h5")
    with pytest.raises(MocapError, match="no fitted motion"):
        load_truth(path)


def truth_at(times):
    points = np.asarray(times)[:, None, None] * np.ones((1, 12, 3))
    return Truth("t", LIMBS, {"1": TruthPerson(points)}, np.asarray(times, float))


def test_times_are_met_between_the_points():
    truth = truth_at([0.0, 0.1, 0.2, 0.3])
    times = np.array([-0.01, 0.0, 0.05, 0.2, 0.3, 0.31])
    found = truth.points_at("1", np.arange(6), times)[:, 0, 0]
    np.testing.assert_allclose(found, [np.nan, 0.0, 0.05, 0.2, 0.3, np.nan])
    np.testing.assert_array_equal(truth.rows_at(np.arange(6), times)[[1, 3, 4]], [0, 2, 3])


def test_gaps_are_not_bridged():
    truth = truth_at([0.0, 0.1, 0.2, 0.9, 1.0])
    found = truth.points_at("1", np.arange(3), np.array([0.15, 0.5, 0.95]))[:, 0, 0]
    np.testing.assert_allclose(found, [0.15, np.nan, 0.95])
    np.testing.assert_array_equal(truth.rows_at(np.arange(1), np.array([0.5])), [-1])


def test_without_times_a_point_is_a_frame():
    truth = replace(truth_at([0.0, 1.0, 2.0]), times=None)
    found = truth.points_at("1", np.array([2, 1, 7]), np.zeros(3))[:, 0, 0]
    np.testing.assert_allclose(found, [2.0, 1.0, np.nan])
    np.testing.assert_array_equal(truth.rows_at(np.array([2, 7]), np.zeros(2)), [2, -1])


def test_pick_gives_nan_for_what_there_is_none_of():
    found = pick(np.ones((2, 2, 3)), ["a", "b"], ["b", "c"])
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()

import numpy as np
import pytest

from mocap.datasets.motions import BodyClip
from mocap.datasets.scenes import dancers, film
from mocap.errors import MocapError
from mocap.fitting.freedom import means
from mocap.fitting.kinematics import Pose
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Take


def standers(places: list[tuple[float, float]], frames: int = 10) -> list[BodyClip]:
    root = np.tile(np.eye(3), (frames, 1, 1))
    return [
        BodyClip(
            f"{i}",
            "p",
            25.0,
            np.zeros(10),
            Pose(np.tile([x, 0.3, z], (frames, 1)), root, np.tile(means(), (frames, 1))),
            np.zeros(frames),
        )
        for i, (x, z) in enumerate(places)
    ]


def check(detected: Take, truth: Take) -> None:
    assert set(detected.people) == set(truth.people)
    for name, person in truth.people.items():
        seen = detected.people[name]
        pixels = truth.camera.project(person.body.joints, person.frames)
        assert np.isfinite(pixels).all()
        rows = [SMPLX_55.index(n) for n in ("left_hip", "right_wrist")]
        told = seen.keypoints2d.xy[:, MEDIAPIPE_33.indices("left_hip", "right_wrist")]
        sure = seen.keypoints2d.confidence[:, MEDIAPIPE_33.indices("left_hip", "right_wrist")] > 0.9
        gaps = np.linalg.norm(told - pixels[seen.frames][:, rows], axis=-1)
        assert np.median(gaps[sure]) < 12
        assert ((pixels > 0) & (pixels < [1280, 720])).all()


def test_everybody_stands_on_one_floor_where_they_stood(body):
    detected, truth = film(standers([(-1.0, 0.0), (1.0, 0.5)]), body, azimuth=0.0)
    check(detected, truth)
    a, b = (truth.people[f"person-{i}"].body for i in (1, 2))
    np.testing.assert_allclose((b.joints - a.joints)[:, 0], [[2.0, 0.0, 0.5]] * 10, atol=1e-6)
    soles = body.forward(a, return_landmarks=True).landmarks
    names = ("left_heel_sole", "left_toe_sole", "right_heel_sole", "right_toe_sole")
    low = soles[:, [body.landmark_names.index(name) for name in names], 1].numpy().min(1)
    np.testing.assert_allclose(low, 0.0, atol=1e-4)
    posed = body.forward(a).joints.numpy()
    np.testing.assert_allclose(posed, a.joints, atol=1e-5)


def test_the_fit_is_told_the_lens_but_not_where_the_camera_is(body):
    detected, truth = film(standers([(0.0, 0.0)]), body)
    np.testing.assert_array_equal(detected.camera.K, truth.camera.K)
    np.testing.assert_array_equal(detected.camera.t, np.zeros((1, 3)))
    place = -truth.camera.R[0].T @ truth.camera.t[0]
    assert place[1] == pytest.approx(1.6)
    assert np.linalg.det(truth.camera.R[0]) == pytest.approx(1)


def test_takes_survive_the_file(body, tmp_path):
    for take in film(standers([(0.0, 0.0)]), body):
        again = Take.load(take.save(tmp_path / "take.h5"))
        assert set(again.people) == set(take.people)


def test_people_too_far_apart_are_refused(body):
    with pytest.raises(MocapError, match="too far apart"):
        film(standers([(-60.0, 0.0), (60.0, 0.0)]), body)


def test_three_dancers(data_dir, body):
    folder = data_dir / "motions" / "perfume"
    detected, truth = dancers(folder, body, seconds=2.0)
    check(detected, truth)
    assert len(truth.people) == 3
    for person in truth.people.values():
        feet = person.body.joints[:, SMPLX_55.indices("left_foot", "right_foot"), 1]
        assert -0.02 < feet.min() < 0.08
    # One floor frame: A stands between B and C, a metre and more apart.
    pelvis = [p.body.joints[0, 0, [0, 2]] for p in truth.people.values()]
    assert 1.0 < np.linalg.norm(pelvis[0] - pelvis[1]) < 2.0
    assert 2.0 < np.linalg.norm(pelvis[1] - pelvis[2]) < 4.0
    with pytest.raises(MocapError, match="over before"):
        dancers(folder, body, start=1000.0)


def test_from_the_side_dancers_hide_one_another(data_dir, body):
    detected, _ = dancers(data_dir / "motions" / "perfume", body, seconds=1.0, azimuth=110.0)
    shares = [(p.keypoints2d.confidence < 0.5).mean() for p in detected.people.values()]
    assert max(shares) > 0.2

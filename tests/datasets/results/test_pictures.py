"""Systems that look at pictures: who is where, in pictures of which size, and who is who."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import FRAMES, known_motion, write_glamr, write_gvhmr

from mocap.body import Body
from mocap.datasets.results import Footage, read_result, take_of
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.skeletons import SMPLX_55

WIDTH, HEIGHT = 1280, 720
#: The lens that ROMP and BEV were trained with, in halves of the square around the picture.
LENS = 443.4 / 256


def _person(place: np.ndarray, body: Body, *, is_bev: bool) -> dict[str, np.ndarray]:
    """Somebody in a T-pose in the camera's axes, as these systems save them."""
    rest = body.rest_joints()[0].double().numpy()[:22] * [1.0, -1.0, -1.0]
    joints = np.concatenate([rest, rest[:2], np.tile(rest[:1], (47, 1))])
    seen = joints + place
    if is_bev:
        square = LENS * seen[:, :2] / seen[:, 2:]
        # Scale, then y before x.
        cam = np.array([0.4, *(LENS * place[[1, 0]] / place[2])])
    else:
        scale = LENS / place[2]
        cam = np.array([scale, *(scale * place[:2])])
        square = joints[:, :2] * scale + cam[1:]
    half = WIDTH / 2
    pixels = (square + 1) * half - [0.0, half - HEIGHT / 2]
    upside_down = np.zeros(72)
    upside_down[0] = np.pi
    return {
        "smpl_thetas": upside_down,
        "smpl_betas": np.zeros(11 if is_bev else 10),
        "cam": cam,
        "cam_trans": place,
        "joints": joints,
        "pj2d_org": pixels,
    }


def _picture(people: list[dict[str, np.ndarray]], numbers: list[int] | None) -> dict[str, Any]:
    found: dict[str, Any] = {key: np.stack([one[key] for one in people]) for key in people[0]}
    if numbers is not None:
        found["track_ids"] = np.array(numbers)
    return found


@pytest.mark.parametrize("is_bev", [False, True])
def test_either_projection_tells_size_and_place(tmp_path: Path, body: Body, is_bev: bool) -> None:
    place = np.array([-1.2, 0.3, 4.5])
    path = tmp_path / "r.npz"
    np.savez(path, results=_picture([_person(place, body, is_bev=is_bev)], None))  # type: ignore[arg-type]
    recording = read_result(path, "romp", body)
    assert recording.size == (WIDTH, HEIGHT)
    hips = recording.people[0].hips[0] * [-1.0, -1.0, 1.0]
    assert np.linalg.norm(hips - place) < 0.15


@pytest.mark.parametrize("numbers", [[4, 9], None])
def test_people_stay_themselves(tmp_path: Path, body: Body, numbers: list[int] | None) -> None:
    pictures = {}
    for frame in range(6):
        left, right = (
            _person(np.array([x + 0.05 * frame, 0.2, 5.0]), body, is_bev=False) for x in (-1.0, 1.0)
        )
        people, told = [left, right], numbers
        # They are listed in any order.
        if frame % 2:
            people, told = people[::-1], None if numbers is None else numbers[::-1]
        pictures[f"{frame + 7}.png"] = _picture(people, told)
    path = tmp_path / "video_results.npz"
    np.savez(path, results=pictures)  # type: ignore[arg-type]
    people_ = read_result(path, "romp", body).people
    assert [one.name for one in people_] == (
        ["person-4", "person-9"] if numbers else ["person-1", "person-2"]
    )
    for one in people_:
        assert len(one.frames) == 6
        assert np.abs(np.diff(one.hips[:, 0])).max() < 0.2


def _mhr(place: np.ndarray) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    points = random.normal(0, 0.3, (70, 3))
    points[[9, 10]] = [[0.1, 0, 0], [-0.1, 0, 0]]
    points[[11, 12]] = [[0.1, 0.4, 0], [-0.1, 0.4, 0]]
    points[[13, 14]] = [[0.1, 0.8, 0], [-0.1, 0.8, 0]]
    seen = points + place
    pixels = 1000.0 * seen[:, :2] / seen[:, 2:] + [WIDTH / 2, HEIGHT / 2]
    return {"pred_keypoints_3d": points, "pred_cam_t": place, "pred_keypoints_2d": pixels}


def test_pictures_of_nobody_and_points_that_lack_are_told(tmp_path: Path, body: Body) -> None:
    place = np.array([0.0, 0.2, 4.0])
    whole = _picture([_person(place, body, is_bev=False)], [1])
    nobody = {key: value[:0] for key, value in whole.items()}
    path = tmp_path / "r.npz"
    for content, fault in (
        (nobody, "nobody is in it"),
        ({"a.png": nobody, "b.png": nobody}, "nobody is in it"),
        ({**whole, "track_ids": np.zeros(0, int)}, "picture 1 has 1 people and 0 track_ids"),
    ):
        np.savez(path, results=content)  # type: ignore[arg-type]
        with pytest.raises(MocapError, match=rf"r\.npz: {fault}"):
            read_result(path, "romp", body)
    one = _mhr(place)
    np.savez(path, **{**one, "pred_keypoints_2d": one["pred_keypoints_2d"][:60]})
    with pytest.raises(MocapError, match="70 points of somebody and 60 in the picture"):
        read_result(path, "sam3dbody", body)


def test_lists_of_people_and_of_pictures(tmp_path: Path, body: Body) -> None:
    near, far = np.array([-0.8, 0.2, 4.0]), np.array([1.1, 0.2, 6.0])
    for kind in ("picture", "film"):
        if kind == "picture":
            content: list[Any] = [_mhr(near), _mhr(far)]
        else:
            content = [[_mhr(near), _mhr(far)], [_mhr(far), _mhr(near)], [_mhr(near)]]
        array = np.empty(len(content), dtype=object)
        array[:] = content
        path = tmp_path / f"{kind}.npy"
        np.save(path, array)
        recording = read_result(path, "sam3dbody", body)
        assert recording.size == (WIDTH, HEIGHT)
        counts = [len(one.frames) for one in recording.people]
        assert counts == ([1, 1] if kind == "picture" else [3, 2])
        for one in recording.people:
            assert np.ptp(one.hips[:, 0]) < 0.1


def test_glamrs_people_are_there_where_they_exist(tmp_path: Path, body: Body) -> None:
    known = known_motion()
    path = write_glamr(known, tmp_path / "g.pkl")
    content = read_arrays(path)
    person = content["person_data"][0]
    rows = np.arange(FRAMES)
    person["exist_frames"], person["visible"] = (rows >= 5) & (rows < 30), (rows < 12) | (rows > 20)
    # What is not seen has no intrinsics, and what does not exist no place.
    person["cam_K"][(rows < 5) | ~person["visible"]] = 0.0
    person["root_trans_world"][~person["exist_frames"]] = 1e3
    path.write_bytes(pickle.dumps(content))
    take = take_of(read_result(path, "glamr", body), path, body)
    one = take.people["person-0"]
    np.testing.assert_array_equal(one.frames, np.arange(5, 30))
    np.testing.assert_array_equal(one.observed, person["visible"][5:30])
    assert (take.video.width, take.video.height) == (WIDTH, HEIGHT)
    assert one.keypoints2d is not None
    assert np.isnan(one.keypoints2d.xy[~one.observed]).all()


def test_a_smaller_video_scales_the_lens_and_another_is_refused(tmp_path: Path, body: Body) -> None:
    known = known_motion()
    path = write_gvhmr(known, tmp_path / "r.pt")
    recording = read_result(path, "gvhmr", body)
    times = np.arange(FRAMES) / 30.0
    take = take_of(
        recording, path, body, footage=Footage("c.mp4", "", (WIDTH // 2, HEIGHT // 2), times)
    )
    np.testing.assert_allclose(take.camera.K[0, :2], known.K[:2] / 2, rtol=1e-5)
    person = take.people["person-1"]
    assert person.body is not None
    hips = SMPLX_55.indices("left_hip", "right_hip")
    seen = take.camera.project(person.body.joints[:, hips].mean(1)[:, None], person.frames)[:, 0]
    assert np.abs(seen - known.pixels(known.hips) / 2).max() < 10
    with pytest.raises(MocapError, match="640×640 pixels, and the motion was seen in"):
        take_of(recording, path, body, footage=Footage("c.mp4", "", (640, 640), times))

"""Results that the systems themselves wrote: people are seen where these saw them."""

from pathlib import Path

import numpy as np
import pytest

from mocap.body import Body
from mocap.datasets.results import read_result, take_of
from mocap.datasets.unpickling import read_arrays
from mocap.skeletons import SMPLX_55
from mocap.take import Take


def _imported(path: Path, system: str, body: Body) -> Take:
    return take_of(read_result(path, system, body), path, body)


def _pixels(take: Take, names: list[str]) -> np.ndarray:
    """(N, J, 2) joints of the first person in the pictures."""
    person = next(iter(take.people.values()))
    assert person.body is not None
    return take.camera.project(person.body.joints, person.frames)[:, SMPLX_55.indices(*names)]


def test_romps_joints_are_on_the_person(data_dir: Path, body: Body) -> None:
    path = data_dir / "results" / "romp" / "romp_output.npz"
    take = _imported(path, "romp", body)
    assert (take.video.width, take.video.height) == (1280, 720)
    seen = read_arrays(path)["results"]["pj2d_org"][0]
    names = [
        f"{side}_{joint}"
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
        for side in ("left", "right")
    ]
    # ROMP's joints are SMPL's 24 first, in SMPL-X's order.
    wanted = seen[SMPLX_55.indices(*names)]
    away = np.linalg.norm(_pixels(take, names)[0] - wanted, axis=1)
    tall = np.ptp(seen[:24, 1])
    assert away.mean() / tall < 0.03
    assert away.max() / tall < 0.06


def test_glamrs_runner_is_where_it_was_seen(data_dir: Path, body: Body) -> None:
    path = data_dir / "results" / "glamr" / "running_seed1.pkl"
    take = _imported(path, "glamr", body)
    told = read_arrays(path)["person_data"][0]
    assert take.camera.R.shape == (203, 3, 3)
    # Which of GLAMR's 26 points are these joints.
    points = {
        **{"left_knee": 4, "right_knee": 5, "left_ankle": 7, "right_ankle": 8},
        **{"left_elbow": 22, "right_elbow": 23, "left_wrist": 24, "right_wrist": 25},
    }
    seen = told["kp_2d_pred"]
    away = np.linalg.norm(_pixels(take, list(points)) - seen[:, list(points.values())], axis=2)
    share = np.median(away / np.ptp(seen[..., 1], axis=1)[:, None], axis=0)
    assert share[:4].max() < 0.02
    # SMPL's shoulders are farther up and out than the open body's.
    assert share[4:].max() < 0.06
    motion = take.people["person-0"].body
    assert motion is not None
    travelled = np.linalg.norm(motion.joints[-1, 0, [0, 2]] - motion.joints[0, 0, [0, 2]])
    was = told["root_trans_world"]
    assert travelled == pytest.approx(np.linalg.norm(was[-1, :2] - was[0, :2]), rel=0.01)


@pytest.mark.parametrize("number", range(4))
def test_sam_3d_bodys_people_are_where_they_were_seen(
    number: int, data_dir: Path, body: Body
) -> None:
    folder = data_dir / "results" / "mhr_sam3dbody" / "sam3d_body_outputs"
    path = folder / f"img_subj{number:02d}.npz"
    take = _imported(path, "sam3dbody", body)
    seen = read_arrays(path)["pred_keypoints_2d"]
    names = [
        f"{side}_{joint}"
        for joint in ("shoulder", "elbow", "hip", "knee", "ankle")
        for side in ("left", "right")
    ]
    away = np.linalg.norm(_pixels(take, names)[0] - seen[5:15], axis=1)
    assert away.max() / np.ptp(seen[:, 1]) < 0.04
    person = next(iter(take.people.values()))
    assert person.keypoints2d is not None
    nose = person.keypoints2d.xy[0, 0]
    assert np.linalg.norm(nose - seen[0]) / np.ptp(seen[:, 1]) < 0.06

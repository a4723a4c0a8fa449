"""The shipped body is a sound mesh of a plausible person in SMPL-X's rest pose."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55


@pytest.fixture(scope="module")
def joints(body):
    found = body.rest_joints()[0].double().numpy()
    return {name: found[i] for i, name in enumerate(SMPLX_55.names)}


@pytest.fixture(scope="module")
def marks(body):
    found = body.forward(BodyPose(), return_landmarks=True).landmarks[0].double().numpy()
    return dict(zip(body.landmark_names, found, strict=True))


@pytest.fixture(scope="module")
def template(body):
    return body.template.double().numpy()


def test_the_mesh_is_watertight_and_oriented(body, template):
    faces = body.faces.numpy()
    edges = Counter(
        map(tuple, np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]))
    )
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    a, b, c = (template[faces[:, i]] for i in range(3))
    litres = 1e3 * np.einsum("fa,fa->", a, np.cross(b, c)) / 6
    assert 50 < litres < 95
    assert len(np.unique(faces)) == len(template)


def test_left_and_right_mirror_each_other(body, template):
    across = np.array([-1.0, 1.0, 1.0])
    distance, mirror = cKDTree(template).query(template * across)
    assert distance.max() < 1e-6
    directions = body.directions[..., : body.num_betas].double().numpy()
    mirrored = directions[mirror] * across[:, None]
    assert np.abs(directions - mirrored).max() < 1e-4
    weights = body.weights.numpy()
    assert np.abs(weights - weights[mirror][:, list(SMPLX_55.mirror)]).max() < 1e-6


def test_the_rest_pose_is_a_t(joints, marks, template):
    for side, sign in (("left", 1), ("right", -1)):
        arm = [joints[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")]
        for near, far in pairwise(arm):
            along = (far - near) / np.linalg.norm(far - near)
            assert along @ [sign, 0, 0] > 0.9999
        fingers = [
            joints[f"{side}_{f}{k}"][1] for f in ("index", "ring", "pinky") for k in (1, 2, 3)
        ]
        assert np.ptp(fingers) < 0.01
        palm = np.cross(
            joints[f"{side}_index1"] - joints[f"{side}_wrist"],
            joints[f"{side}_pinky1"] - joints[f"{side}_wrist"],
        )
        assert sign * palm[1] > 0
        assert np.allclose(joints[f"{side}_ankle"][[0]], joints[f"{side}_knee"][[0]], atol=0.01)
        assert marks[f"{side}_big_toe"][2] > marks[f"{side}_heel"][2] + 0.2
    lowest = template[template[:, 1].argmin()]
    assert abs(lowest[1] - min(p[1] for p in marks.values())) < 0.005
    assert np.allclose(joints["pelvis"], 0, atol=1e-4)


def test_segments_have_human_proportions(joints, body):
    stature = float(body.height())

    def span(a, b):
        return np.linalg.norm(joints[a] - joints[b]) / stature

    # Shares of stature between joint centres, after de Leva (1996).
    assert span("left_shoulder", "left_elbow") == pytest.approx(0.162, abs=0.02)
    assert span("left_elbow", "left_wrist") == pytest.approx(0.154, abs=0.02)
    assert span("left_hip", "left_knee") == pytest.approx(0.2425, abs=0.025)
    assert span("left_knee", "left_ankle") == pytest.approx(0.249, abs=0.02)
    assert 0.165 < np.linalg.norm(joints["left_hip"] - joints["right_hip"]) < 0.185
    assert 0.30 < np.linalg.norm(joints["left_shoulder"] - joints["right_shoulder"]) < 0.40


def test_landmarks_lie_where_their_names_say(marks, joints):
    for side, sign in (("left", 1), ("right", -1)):
        inner, middle, outer = (marks[f"{side}_eye{s}"] for s in ("_inner", "", "_outer"))
        assert (
            0
            < sign * inner[0]
            < sign * middle[0]
            < sign * outer[0]
            < sign * marks[f"{side}_ear"][0]
        )
        assert np.linalg.norm(middle - joints[f"{side}_eye_smplhf"]) < 0.02
        assert marks["nose"][2] > outer[2] > marks[f"{side}_ear"][2] + 0.05
        mouth = marks[f"mouth_{side}"]
        assert sign * mouth[0] > 0.015
        assert mouth[1] < marks["nose"][1] < middle[1]
        big, small = marks[f"{side}_big_toe"], marks[f"{side}_small_toe"]
        assert sign * small[0] > sign * big[0] + 0.04
        assert np.array_equal(big, marks[f"{side}_foot_index"])
        heel, ankle = marks[f"{side}_heel"], joints[f"{side}_ankle"]
        assert heel[2] < ankle[2] - 0.03
        floor = min(p[1] for p in marks.values())
        for sole in ("heel", "toe"):
            assert marks[f"{side}_{sole}_sole"][1] < floor + 0.005
        assert marks[f"{side}_heel_sole"][2] < ankle[2] < marks[f"{side}_toe_sole"][2]
        for finger in ("index", "middle", "ring", "pinky"):
            tip, last = marks[f"{side}_{finger}_tip"], joints[f"{side}_{finger}3"]
            assert 0.01 < sign * (tip - last)[0] < 0.04
        for point, joint in (("index", "index1"), ("pinky", "pinky1"), ("thumb", "thumb2")):
            assert np.linalg.norm(marks[f"{side}_{point}"] - joints[f"{side}_{joint}"]) < 0.006


def test_shapes_have_unit_scale_and_stay_human(body):
    spread = body.directions[..., : body.num_betas].norm(dim=1).mean(dim=0)
    assert 0.03 < float(spread[0]) < 0.08
    assert bool((spread[:-1] > 0.3 * spread[1:]).all())
    sizes = body.height(torch.from_numpy(np.random.default_rng(0).normal(size=(300, 32))).float())
    assert float(sizes.mean()) == pytest.approx(1.705, abs=0.03)
    assert float(sizes.std()) == pytest.approx(0.1, abs=0.03)


def test_expressions_leave_the_body_alone(body):
    units = body.directions[..., body.num_betas :]
    below = body.template[:, 1] < body.rest_joints()[0, SMPLX_55.index("left_shoulder"), 1]
    assert float(units[below].abs().max()) == 0.0
    drift = body.joint_directions[..., body.num_betas :].norm(dim=1)
    assert float(drift.max()) < 5e-4


# Plain skinning leaves 0.93, 0.73 and 0.55 of it.
@pytest.mark.parametrize(("degrees", "least"), [(45, 0.97), (90, 0.95), (120, 0.8)])
def test_a_twisted_wrist_keeps_its_girth(body, degrees, least):
    pose = torch.zeros(1, 63)
    column = 3 * (SMPLX_55.index("left_wrist") - 1)
    pose[0, column] = np.deg2rad(degrees)
    twisted = body.forward(BodyPose(body_pose=pose), return_vertices=True).vertices[0]
    wrist = body.rest_joints()[0, SMPLX_55.index("left_wrist")]
    half = body.weights[:, SMPLX_55.index("left_elbow")]
    ring = (half > 0.3) & (half < 0.7) & (body.template[:, 0] > wrist[0] - 0.05)
    ring &= body.template[:, 0] < wrist[0] + 0.05

    def girth(points: torch.Tensor) -> float:
        return float((points[ring] - wrist)[:, 1:].norm(dim=1).mean())

    assert least < girth(twisted) / girth(body.template) < 1.05

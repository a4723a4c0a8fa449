"""Points from several views: exact where views agree, and not fooled where one does not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap.errors import CalibrationError
from mocap.evaluate import RigCamera, TruthError, read_rig, triangulate_takes
from mocap.evaluate.alignment import fit_similarity
from mocap.evaluate.bundle import refine_extrinsics
from mocap.evaluate.joints import LIMBS
from mocap.evaluate.triangulation import triangulate
from mocap.geometry import Camera
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D

FRAMES = 30


def ring(count=4, radius=4.0):
    """Cameras around the origin that look at it, slightly distorted."""
    cameras = []
    for angle in np.arange(count) * 2 * np.pi / count + 0.3:
        centre = np.array([radius * np.sin(angle), 1.2, radius * np.cos(angle)])
        z = np.array([0.0, 0.9, 0.0]) - centre
        z /= np.linalg.norm(z)
        x = np.cross(z, [0.0, 1.0, 0.0])
        x /= np.linalg.norm(x)
        R = np.stack([x, np.cross(z, x), z])
        K = np.array([[1500.0, 0, 540], [0, 1500.0, 960], [0, 0, 1]])
        lens = np.array([-0.02, 0.01, 1e-4, -1e-4])
        camera = Camera(K[None], R[None], -(R @ centre)[None], "given", lens)
        cameras.append(RigCamera(camera, 1080, 1920))
    return cameras


@pytest.fixture
def scene():
    points = make_take(frames=FRAMES).people["person-1"].body.joints[:, SMPLX_55.indices(*LIMBS)]
    return points - [0.0, 0.0, 3.0]


def shown(cameras, points):
    frames = np.arange(len(points))
    return np.stack([one.camera.project(points, frames) for one in cameras])


def test_views_that_agree_give_the_point(scene):
    cameras = ring()
    found = triangulate(cameras, shown(cameras, scene), np.ones((4, FRAMES, 12)))
    np.testing.assert_allclose(found.points, scene, atol=1e-5)
    assert found.residual_px.max() < 0.01
    assert found.used.all()


def test_a_view_that_disagrees_is_left_out(scene):
    cameras = ring()
    pixels = shown(cameras, scene)
    pixels[2, :, 4] += [150.0, -80.0]
    found = triangulate(cameras, pixels, np.ones((4, FRAMES, 12)))
    np.testing.assert_allclose(found.points, scene, atol=1e-4)
    assert not found.used[2, :, 4].any()
    assert found.used.sum() == found.used.size - FRAMES


def test_what_one_view_sees_is_nowhere(scene):
    cameras = ring()
    pixels = shown(cameras, scene)
    weights = np.ones((4, FRAMES, 12))
    weights[1:, :, 0] = 0
    pixels[:, 3, 5] = np.nan
    found = triangulate(cameras, pixels, weights)
    assert np.isnan(found.points[:, 0]).all()
    assert np.isnan(found.points[3, 5]).all()
    assert np.isfinite(found.points[:, 1:5]).all()


def test_noise_of_a_pixel_is_millimetres(scene):
    cameras = ring()
    noise = np.random.default_rng(0).normal(size=(4, FRAMES, 12, 2))
    found = triangulate(cameras, shown(cameras, scene) + noise, np.ones((4, FRAMES, 12)))
    assert np.linalg.norm(found.points - scene, axis=-1).mean() < 0.004
    assert 0.5 < np.median(found.residual_px) < 2.0


def disturbed(cameras, turn=0.006, shift=0.02):
    """The same rig, calibrated badly: one camera a little off, as real ones are."""
    camera = cameras[1].camera
    off = Rotation.from_rotvec([turn, -turn, 0.0]).as_matrix()
    wrong = replace(camera, R=off @ camera.R, t=camera.t + [[shift, 0.0, 0.0]])
    return [cameras[0], replace(cameras[1], camera=wrong), *cameras[2:]]


def test_bundle_adjustment_finds_the_camera_that_is_off(scene):
    cameras = ring()
    pixels = shown(cameras, scene) + np.random.default_rng(0).normal(
        scale=0.5, size=(4, FRAMES, 12, 2)
    )
    weights = np.ones((4, FRAMES, 12))
    rough = disturbed(cameras)
    before = triangulate(rough, pixels, weights)
    better = refine_extrinsics(rough, pixels, weights)
    after = triangulate(better, pixels, weights)
    assert np.nanmedian(before.residual_px) > 2.5
    assert np.nanmedian(after.residual_px) < 1
    laid = fit_similarity(after.points.reshape(-1, 3), scene.reshape(-1, 3), scaled=False)
    assert np.linalg.norm(laid(after.points.reshape(1, -1, 3)[0]) - scene.reshape(-1, 3), axis=-1
                          ).mean() < 0.005  # fmt: skip
    # The world stays where the calibration has it.
    assert np.linalg.norm(after.points - scene, axis=-1).mean() < 0.03


def test_too_few_points_change_no_camera(scene):
    cameras = disturbed(ring())
    pixels = shown(ring(), scene)[:, :1, :4]
    same = refine_extrinsics(cameras, pixels, np.ones((4, 1, 4)))
    assert all(a is b for a, b in zip(same, cameras, strict=True))


def viewed(cameras, people, order):
    """Takes of one scene: in each, people by ids in the order given."""
    takes = {}
    for number, one in enumerate(cameras):
        take = make_take(people=len(people), frames=FRAMES, fps=60.0)
        entries = {}
        for name, which in zip(take.people, order[number], strict=True):
            xy = np.full((FRAMES, 33, 2), np.nan)
            confidence = np.zeros((FRAMES, 33))
            rows = MEDIAPIPE_33.indices(*LIMBS)
            xy[:, rows] = one.camera.project(people[which], np.arange(FRAMES))
            confidence[:, rows] = 0.9
            keypoints = Keypoints2D(xy, confidence, "mediapipe33", "test")
            entries[name] = replace(take.people[name], keypoints2d=keypoints)
        video = replace(take.video, width=1080, height=1920)
        takes[f"cam{number}"] = replace(take, people=entries, video=video)
    return takes


def test_people_are_found_across_views(scene):
    cameras = ring()
    people = [scene + [-0.6, 0.0, 0.0], scene[::-1] + [0.9, 0.0, 0.3]]
    order = [(0, 1), (1, 0), (0, 1), (1, 0)]
    takes = viewed(cameras, people, order)
    rig = {f"cam{i}": one for i, one in enumerate(cameras)}
    result = triangulate_takes(takes, rig, refine=False)
    assert sorted(result.who.values()) == [
        ("person-1", "person-2", "person-1", "person-2"),
        ("person-2", "person-1", "person-2", "person-1"),
    ]
    for name, who in result.who.items():
        points = result.truth.people[name].points[:, :12]
        np.testing.assert_allclose(points, people[0 if who[0] == "person-1" else 1], atol=1e-4)


def test_videos_that_fit_no_calibration_are_refused(scene):
    cameras = ring(2)
    takes = viewed(cameras, [scene], [(0,), (0,)])
    rig = {"cam0": cameras[0], "cam1": replace(cameras[1], width=720)}
    with pytest.raises(TruthError, match=r"cam1.*1080×1920"):
        triangulate_takes(takes, rig)
    with pytest.raises(TruthError, match="no camera cam1"):
        triangulate_takes(takes, {"cam0": cameras[0]})
    with pytest.raises(TruthError, match="two cameras"):
        triangulate_takes({"cam0": takes["cam0"]}, rig)


def test_views_of_different_scenes_are_refused(scene):
    cameras = ring(2)
    takes = viewed(cameras, [scene, scene + [0.0, 6.0, 0.0]], [(0, 0), (1, 1)])
    rig = {f"cam{i}": one for i, one in enumerate(cameras)}
    with pytest.raises(TruthError, match="no person is the same"):
        triangulate_takes(takes, rig)


QUALISYS = """<calibration><cameras><camera serial="cam01" viewrotation="0">
<fov_video bottom="1919" left="0" right="1087" top="0"/>
<transform x="1000" y="-2000" z="1500" r11="1" r12="0" r13="0" r21="0" r22="0" r23="1" r31="0"
 r32="-1" r33="0"/>
<intrinsic centerPointU="34816" centerPointV="61440" focalLengthU="107520" focalLengthV="107520"
 radialDistortion1="-0.064" radialDistortion2="0.128" tangentalDistortion1="0" skew="0"
 tangentalDistortion2="0.0064"/></camera></cameras></calibration>"""


def test_a_rig_of_qualisys(tmp_path):
    path = tmp_path / "Calib.qca.txt"
    path.write_text(QUALISYS)
    one = read_rig(path, ["cam01"])["cam01"]
    np.testing.assert_allclose(one.camera.K[0], [[1680, 0, 544.5], [0, 1680, 960.5], [0, 0, 1]])
    # Of normalised coordinates, and so no 64ths of anything.
    np.testing.assert_allclose(one.camera.distortion, [-0.064, 0.128, 0, 0.0064, 0])
    assert (one.width, one.height) == (1088, 1920)
    # At (1, -2, 1.5) m, looking along +Y with Z up: what is straight ahead is in the middle.
    ahead = np.array([[[1.0, 3.0, 1.5], [1.5, 3.0, 1.5], [1.0, 3.0, 2.0]]])
    upright = ahead[..., [0, 2, 1]] * [1, 1, -1]
    pixels = one.camera.project(upright, np.arange(1))[0]
    np.testing.assert_allclose(pixels[:, 0], [544, 712, 544], atol=4)
    np.testing.assert_allclose(pixels[:, 1], [960, 960, 792], atol=4)


def pinhole(**more):
    told = {
        "matrix": [[1000, 0, 500], [0, 1000, 400], [0, 0, 1]],
        "size": [1000, 800],
        "rotation": [np.pi, 0, 0],
        "translation": [0, 1, 3],
        "up_axis": "+Y",
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize(
    ("second", "word"),
    [
        (None, "no camera 'b'"),
        (pinhole(size=None), "b: has no picture size"),
        (pinhole(rotation=None), "b: has no place"),
        (pinhole(up_axis=None), "b: has no place"),
    ],
)
def test_cameras_that_make_no_rig_are_refused(tmp_path, second, word):
    path = tmp_path / "rig.json"
    cameras = {"a": pinhole(), "c": pinhole()} | ({} if second is None else {"b": second})
    path.write_text(json.dumps({"cameras": cameras}))
    assert list(read_rig(path, ["c", "a"])) == ["c", "a"]
    with pytest.raises(CalibrationError, match=word) as caught:
        read_rig(path, ["a", "b"])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)

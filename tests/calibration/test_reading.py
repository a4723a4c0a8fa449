"""Calibration files as programs write them, real ones where there are any."""

import json
import logging

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.calibration import read_calibration
from mocap.errors import CalibrationError

K = [[1400.0, 0.0, 950.0], [0.0, 1410.0, 545.0], [0.0, 0.0, 1.0]]
LENS = [-0.12, 0.03, 0.001, -0.002, 0.004]
#: Looks along the world's +Y, 5 m away and 1.5 m above the ground, where +Z is up.
LEVEL = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
PLACE = -LEVEL @ [0.0, -5.0, 1.5]
VECTOR = Rotation.from_matrix(LEVEL).as_rotvec()


def toml_camera(name: str, fx: float = 1400.0, extra: str = "") -> str:
    return f"""
[{name}]
name = "{name}"
size = [ 1920.0, 1080.0,]
matrix = [ [ {fx}, 0.0, 950.0,], [ 0.0, 1410.0, 545.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ -0.12, 0.03, 0.001, -0.002,]
rotation = {VECTOR.tolist()}
translation = {PLACE.tolist()}
{extra}
"""


def assert_level(calibration) -> None:
    """As LEVEL, in a world with +Y up, which keeps +X."""
    assert calibration.has_gravity
    camera = calibration.camera()
    assert camera.gravity_given
    seen = camera.R[0] @ [0.0, 1.0, 0.0]
    np.testing.assert_allclose(seen, [0, -1, 0], atol=1e-9)
    centre = -camera.R[0].T @ camera.t[0]
    np.testing.assert_allclose(centre, [0.0, 1.5, 5.0], atol=1e-9)


def write(path, text):
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


class TestToml:
    def test_pose2sim(self, tmp_path):
        text = toml_camera("cam_01", extra="fisheye = false") + "[metadata]\nadjusted = false\n"
        found = read_calibration(write(tmp_path / "Calib.toml", text))
        np.testing.assert_array_equal(found.matrix, K)
        assert (found.file, found.name, found.size) == ("Calib.toml", "cam_01", (1920, 1080))
        assert found.distortion == (-0.12, 0.03, 0.001, -0.002)
        assert_level(found)

    def test_anipose_states_no_axis(self, tmp_path):
        found = read_calibration(write(tmp_path / "a.toml", toml_camera("A")))
        assert not found.has_gravity
        assert found.translation is None

    @pytest.mark.parametrize("place", ["camera", "metadata"])
    def test_the_axis_stated(self, tmp_path, place):
        line = 'up_axis = "+Z"'
        text = toml_camera("A", extra=line if place == "camera" else "")
        text += f"[metadata]\n{line}\n" if place == "metadata" else ""
        assert_level(read_calibration(write(tmp_path / "a.toml", text)))

    def test_a_world_that_is_a_cameras_own_is_no_world(self, tmp_path, caplog):
        own = toml_camera("A", extra="fisheye = false").replace(
            f"rotation = {VECTOR.tolist()}", "rotation = [0.0, 0.0, 0.0]"
        )
        with caplog.at_level(logging.WARNING):
            found = read_calibration(write(tmp_path / "a.toml", own))
        assert not found.has_gravity
        assert "tilted by 90" in caplog.text

    def test_fisheye(self, tmp_path):
        text = toml_camera("A", extra="fisheye = true")
        found = read_calibration(write(tmp_path / "a.toml", text))
        assert (found.model, len(found.distortion)) == ("fisheye", 4)
        assert found.camera().model == "fisheye"


class TestJson:
    @pytest.mark.parametrize(
        "content",
        [
            {"K": K, "dist": LENS, "image_size": [1920, 1080]},
            {"camera_matrix": K, "dist_coeffs": [LENS], "width": 1920, "height": 1080},
            {"matrix": K, "distortions": LENS, "size": [1920, 1080]},
            {"intrinsics": [1400, 1410, 950, 545], "distortion": LENS, "resolution": [1920, 1080]},
            {"fx": 1400, "fy": 1410, "cx": 950, "cy": 545, "D": LENS, "img_size": [1920, 1080]},
            {"mtx": K, "dist": LENS, "image_width": 1920, "image_height": 1080},
            {"cameras": {"A": {"K": K, "D": LENS, "size": [1920, 1080]}}},
            {"cameras": [{"name": "A", "K": K, "D": LENS, "size": [1920, 1080]}]},
            {"A": {"K": K, "D": LENS, "size": [1920, 1080]}},
        ],
        ids=lambda content: next(iter(content)),
    )
    def test_layouts(self, tmp_path, content):
        found = read_calibration(write(tmp_path / "a.json", content))
        np.testing.assert_allclose(found.matrix, K)
        assert found.distortion == tuple(LENS)
        assert found.size == (1920, 1080)

    @pytest.mark.parametrize(
        "pose",
        [
            {"R": LEVEL.tolist(), "t": PLACE.tolist()},
            {"rvec": [[v] for v in VECTOR], "tvec": [[v] for v in PLACE]},
            {"rotation": LEVEL.ravel().tolist(), "translation": (1000 * PLACE).tolist()},
            {"R": LEVEL.tolist(), "T": (100 * PLACE).tolist(), "units": "cm"},
        ],
    )
    def test_poses(self, tmp_path, pose):
        content = {"K": K, "up_axis": "+Z", **pose}
        assert_level(read_calibration(write(tmp_path / "a.json", content)))

    @pytest.mark.parametrize("axis", ["+X", "-X", "+Y", "-Y", "+Z", "-Z", "y"])
    def test_every_way_up(self, tmp_path, axis):
        up = np.zeros(3)
        up["XYZ".index(axis[-1].upper())] = -1.0 if axis.startswith("-") else 1.0
        turn = Rotation.align_vectors([[0, 0, 1.0]], [up])[0].as_matrix()
        content = {"K": K, "up_axis": axis, "R": (LEVEL @ turn).tolist(), "t": PLACE.tolist()}
        camera = read_calibration(write(tmp_path / "a.json", content)).camera()
        np.testing.assert_allclose(camera.R[0] @ [0, 1.0, 0], [0, -1, 0], atol=1e-9)
        assert np.linalg.det(camera.R[0]) == pytest.approx(1.0)

    def test_aist(self, tmp_path):
        """World with +Y up, centimetres; the videos' names hold the cameras'."""
        upright = LEVEL @ np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
        entry = {
            "size": [1920, 1080],
            "matrix": K,
            "rotation": Rotation.from_matrix(upright).as_rotvec().tolist(),
            "translation": (100 * PLACE).tolist(),
            "distortions": LENS,
        }
        path = write(tmp_path / "setting1.json", [{"name": f"c0{i}", **entry} for i in (1, 2)])
        found = read_calibration(path, clip="gBR_sBM_c02_d04_mBR0_ch01")
        assert found.name == "c02"
        assert_level(found)

    def test_millimetres_are_told(self, tmp_path, caplog):
        content = {"K": K, "up_axis": "+Z", "R": LEVEL.tolist(), "t": (1000 * PLACE).tolist()}
        with caplog.at_level(logging.WARNING):
            read_calibration(write(tmp_path / "a.json", content))
        assert "millimetres" in caplog.text


class TestOpenCv:
    @pytest.mark.parametrize("suffix", ["yaml", "yml", "xml", "json"])
    def test_what_opencv_writes(self, tmp_path, suffix):
        path = tmp_path / f"a.{suffix}"
        storage = cv2.FileStorage(str(path), cv2.FileStorage_WRITE)
        storage.write("image_width", 1920)
        storage.write("image_height", 1080)
        storage.write("camera_matrix", np.array(K))
        storage.write("distortion_coefficients", np.array(LENS)[:, None])
        storage.release()
        found = read_calibration(path)
        np.testing.assert_allclose(found.matrix, K)
        np.testing.assert_allclose(found.distortion, LENS)
        assert found.size == (1920, 1080)

    def test_ros(self, tmp_path):
        text = f"""image_width: 1920
image_height: 1080
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: {np.ravel(K).tolist()}
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: {LENS}
"""
        found = read_calibration(write(tmp_path / "ost.yaml", text))
        np.testing.assert_allclose(found.matrix, K)
        assert found.distortion == tuple(LENS)
        assert found.name == "narrow_stereo"

    def test_kalibr(self, tmp_path):
        text = """cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.28, 0.07, 0.0001, 1.7e-05]
  distortion_model: radtan
  intrinsics: [458.6, 457.2, 367.2, 248.3]
  resolution: [752, 480]
cam1:
  T_cn_cnm1:
  - [0.99, 0.002, -0.0004, -0.11]
  - [-0.002, 0.99, 0.01, 0.0004]
  - [0.0004, -0.01, 0.99, -0.0008]
  - [0.0, 0.0, 0.0, 1.0]
  camera_model: pinhole
  distortion_coeffs: [-0.01, 0.02, -0.01, 0.003]
  distortion_model: equidistant
  intrinsics: [457.6, 456.1, 379.9, 255.2]
  resolution: [752, 480]
"""
        path = write(tmp_path / "camchain.yaml", text)
        assert read_calibration(path, "cam0").matrix[0] == (458.6, 0.0, 367.2)
        second = read_calibration(path, "cam1")
        assert (second.model, second.size) == ("fisheye", (752, 480))


class TestRealFiles:
    def test_qualisys_agrees_with_its_refinement(self, data_dir):
        """The refined rig is within degrees and centimetres of the original one."""
        folder = data_dir / "clips" / "pose2sim_single"
        truth = json.loads((folder / "ground_truth.json").read_text())["cameras"]
        for number in range(1, 5):
            found = read_calibration(folder / "Calib.qca.txt", clip=f"cam0{number}")
            refined = truth[f"cam_0{number}"]
            assert found.size == tuple(refined["size"])
            np.testing.assert_allclose(found.matrix, refined["matrix"], atol=1e-6)
            R = Rotation.from_rotvec(refined["rotation"]).as_matrix()
            camera = found.camera()
            up = R @ [0.0, 0.0, 1.0]
            assert np.rad2deg(np.arccos(camera.R[0] @ [0, 1.0, 0] @ up)) < 2
            np.testing.assert_allclose(camera.t[0], refined["translation"], atol=0.05)
            assert found.has_gravity

    def test_truth_of_an_evaluation(self, data_dir):
        path = data_dir / "clips" / "pose2sim_single" / "ground_truth.json"
        truth = json.loads(path.read_text())["cameras"]["cam_03"]
        found = read_calibration(path, "cam03", (1088, 1920))
        np.testing.assert_allclose(found.matrix, truth["matrix"])
        np.testing.assert_allclose(found.distortion, truth["distortions"])
        # Videos of the first two are eight columns short of what was calibrated.
        assert read_calibration(path, "cam_01", (1080, 1920)).size == (1080, 1920)

    def test_text_of_intrinsics(self, data_dir):
        path = data_dir / "clips" / "single_view" / "bodypose3d_calibration" / "c0.dat"
        found = read_calibration(path, size=(720, 720))
        assert found.matrix[0] == pytest.approx((900.4857632254283, 0.0, 366.8661146698476))
        assert found.matrix[1][1:] == pytest.approx((902.6176551471326, 363.7146796254499))
        assert found.distortion[4] == pytest.approx(-5.637775169623254)
        assert not found.has_gravity


class TestChoice:
    @pytest.fixture
    def rig(self, tmp_path):
        text = toml_camera("cam_01") + toml_camera("cam_02", 1300.0) + toml_camera("side", 1200.0)
        return write(tmp_path / "rig.toml", text)

    def test_by_name(self, rig):
        assert read_calibration(rig, "cam_02").matrix[0][0] == 1300.0
        assert read_calibration(rig, "CAM02").matrix[0][0] == 1300.0

    @pytest.mark.parametrize(
        ("clip", "focal"), [("cam_01", 1400), ("cam02", 1300), ("walk-side-3", 1200)]
    )
    def test_by_the_videos_name(self, rig, clip, focal):
        assert read_calibration(rig, clip=clip).matrix[0][0] == focal

    def test_none_of_the_names(self, rig):
        names = "cam_01, cam_02, side"
        with pytest.raises(CalibrationError, match=f"rig.toml: holds 3 cameras.*NAME.*{names}"):
            read_calibration(rig, clip="walk")
        with pytest.raises(CalibrationError, match=f"no camera 'top', but {names}"):
            read_calibration(rig, "top")

    def test_a_single_camera_needs_no_name(self, tmp_path):
        path = write(tmp_path / "a.toml", toml_camera("cam_07"))
        assert read_calibration(path, clip="walk").name == "cam_07"


def changed(**changes: object) -> dict:
    return {"K": K, "dist": LENS, "size": [1920, 1080], **changes}


def with_focal(fx: float, fy: float) -> dict:
    return changed(K=[[fx, 0, 950], [0, fy, 545], [0, 0, 1]])


class TestAbsurd:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (with_focal(0.0, 0.0), "focal length is 0"),
            (with_focal(-1400.0, 1410.0), "focal length is -1400"),
            (with_focal(float("nan"), 1400.0), "not all numbers"),
            (with_focal(150.0, 150.0), "does not go with 1920"),
            (with_focal(1e5, 1e5), "does not go with"),
            (with_focal(1400.0, 300.0), "too different"),
            (changed(K=[[1400, 0, 9000], [0, 1400, 545], [0, 0, 1]]), "far outside"),
            (changed(K=[[1400, 90, 950], [0, 1400, 545], [0, 0, 1]]), "skewed"),
            (changed(K=np.transpose(K).tolist()), "not of the form"),
            (changed(K=[[1400, 0], [0, 1400]]), "focal length is 0"),
            (changed(K=[1, 2, 3]), "3 numbers"),
            (changed(K="wide"), "no calibration"),
            (changed(dist=[0.1, 0.2, 0.3]), "3 distortion coefficients"),
            (changed(dist=[float("inf")] * 5), "not all numbers"),
            (changed(dist=[*LENS, 0, 0, 0, 0.1, 0, 0, 0]), "prism"),
            (changed(dist=[-30.0, 0, 0, 0]), "folds"),
            (changed(model="fisheye"), "4 distortion coefficients, not 5"),
            (changed(distortion_model="double_sphere"), "'double_sphere'"),
            (changed(size=[0, 1080]), "size"),
            (changed(R=(2 * LEVEL).tolist()), "square"),
            (changed(R=(-LEVEL).tolist()), "mirror"),
            (changed(R=[1, 2]), "neither"),
            (changed(R=LEVEL.tolist(), t=[1, 2], up_axis="+Z"), "no calibration"),
            (changed(R=LEVEL.tolist(), t=[1, 2, float("nan")], up_axis="+Z"), "translation"),
            (changed(R=LEVEL.tolist(), up_axis="north"), "up_axis is 'north'"),
            ({"frames": [1, 2, 3]}, "no camera in any known form"),
            ([], "no camera"),
            ("text", "no camera"),
        ],
    )  # fmt: skip
    def test_is_refused_in_one_line(self, tmp_path, content, said):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(content))
        with pytest.raises(CalibrationError, match=said) as caught:
            read_calibration(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.toml", b"[cam\nmatrix ="),
            ("a.json", b'{"K": [1, 2'),
            ("a.yaml", b"a: [1, 2"),
            ("a.xml", b"<opencv_storage><a>"),
            ("a.xml", b"<opencv_storage><camera_matrix>what</opencv_storage>"),
            ("a.qca.txt", b"<calibration><cameras><camera serial='a'><intrinsic/><transform/>"
             b"<fov_video left='0'/></camera></cameras></calibration>"),
            ("a.dat", b"1 2 3\n4 5 6\n"),
            ("a.dat", b"intrinsic:\none two three\n"),
            ("clip.mp4", bytes(range(256)) * 40),
            ("empty.json", b""),
        ],
    )  # fmt: skip
    def test_damaged_files(self, tmp_path, name, content):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(CalibrationError) as caught:
            read_calibration(path)
        assert str(caught.value).startswith(str(path))

    def test_missing_files(self, tmp_path):
        with pytest.raises(CalibrationError, match="no such file"):
            read_calibration(tmp_path / "a.toml")
        with pytest.raises(CalibrationError, match="cannot be read"):
            read_calibration(tmp_path)

    def test_the_size_may_be_silent(self, tmp_path):
        found = read_calibration(write(tmp_path / "a.json", {"K": K}))
        assert found.size is None
        assert found.distortion == ()
        assert found.camera().distortion is None

"""CSV, JSON, TRC and C3D, read back by others' readers or by the letter."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.editing import part
from mocap.exporters.joint_tables import encode_c3d, encode_csv, encode_json, encode_trc

from .performers import performer, tumbler


def test_csv_holds_a_row_a_frame():
    one = performer(skin=False)
    rows = list(csv.DictReader(io.StringIO(encode_csv(one).decode())))
    assert len(rows) == 40
    assert (rows[0]["frame"], rows[3]["frame"]) == ("15", "18")
    assert float(rows[3]["time"]) == pytest.approx(0.6, abs=1e-6)
    found = [[[float(row[f"{n}_{a}"]) for a in "xyz"] for n in one.motion.names] for row in rows]
    np.testing.assert_allclose(found, one.motion.joints(), atol=6e-7)


def test_csv_goes_by_the_clip():
    one = performer(skin=False)  # From 0.5 s on, 30 a second.
    late = part(one, 0.8, 1.2)
    rows = list(csv.DictReader(io.StringIO(encode_csv(late).decode())))
    assert (rows[0]["frame"], rows[-1]["frame"]) == ("24", "36")
    assert [float(row["time"]) for row in rows] == pytest.approx(np.arange(24, 37) / 30, abs=1e-6)
    before = list(csv.DictReader(io.StringIO(encode_csv(part(one, 0.25, None)).decode())))
    assert (before[0]["frame"], float(before[0]["time"])) == ("15", 0.5)


def test_json_says_all_that_is_needed_to_pose_the_skeleton():
    people = [performer(person=1, skin=False), tumbler(10)]
    content = json.loads(encode_json(people))
    assert (content["format"], content["version"]) == ("mocap-motion", 1)
    assert content["units"]["length"] == "m"
    assert content["axes"]["quaternion"] == "w x y z"
    for told, one in zip(content["people"], people, strict=True):
        assert told["names"] == list(one.motion.names)
        turns = Rotation.from_quat(np.reshape(told["rotations"], (-1, 4)), scalar_first=True)
        rotations = turns.as_matrix().reshape(len(one.motion), -1, 3, 3)
        posed = replace(
            one.motion,
            rest_offsets=np.array(told["rest"]),
            rotations=rotations,
            root_position=np.array(told["joints"])[:, 0],
        )
        assert np.abs(posed.joints() - one.motion.joints()).max() < 5e-6
        assert np.abs(np.array(told["joints"]) - one.motion.joints()).max() < 1e-6
        assert told["times"][1] - told["times"][0] == pytest.approx(1 / one.motion.fps, abs=2e-6)


def test_trc_is_laid_out_as_opensim_wants():
    one = performer(skin=False, fps=29.97)
    lines = encode_trc(one, "a.trc").decode().split("\n")
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\ta.trc"
    keys, values = lines[1].split("\t"), lines[2].split("\t")
    told = dict(zip(keys, values, strict=True))
    assert told["NumMarkers"] == "55"
    assert (told["NumFrames"], told["Units"]) == ("40", "mm")
    assert float(told["DataRate"]) == 29.97
    labels, axes = lines[3].split("\t"), lines[4].split("\t")
    assert labels[:3] == ["Frame#", "Time", "pelvis"]
    assert labels[5] == one.motion.names[1]
    assert axes[:5] == ["", "", "X1", "Y1", "Z1"]
    assert lines[5] == ""
    rows = np.array([line.split("\t") for line in lines[6:46]], float)
    assert rows.shape == (40, 2 + 3 * 55)
    np.testing.assert_allclose(rows[:, 0], np.arange(1, 41))
    np.testing.assert_allclose(rows[:, 1], 0.5 + np.arange(40) / 29.97, atol=1e-6)
    joints = rows[:, 2:].reshape(40, 55, 3) / 1000
    np.testing.assert_allclose(joints, one.motion.joints(), atol=1e-8)


def test_c3d_is_read_by_ezc3d(tmp_path):
    ezc3d = pytest.importorskip("ezc3d")
    one = performer(skin=False, fps=50.0)
    path = tmp_path / "a.c3d"
    path.write_bytes(encode_c3d(one))
    file = ezc3d.c3d(str(path))
    points = file["parameters"]["POINT"]
    assert points["LABELS"]["value"] == list(one.motion.names)
    assert points["UNITS"]["value"] == ["mm"]
    assert points["RATE"]["value"][0] == 50.0
    assert (points["X_SCREEN"]["value"], points["Y_SCREEN"]["value"]) == (["+X"], ["+Y"])
    joints = file["data"]["points"][:3].transpose(2, 1, 0) / 1000
    np.testing.assert_allclose(joints, one.motion.joints(), atol=1e-6)


def test_c3d_is_read_by_another_reader(tmp_path):
    c3d = pytest.importorskip("c3d")
    one = performer(skin=False)
    path = tmp_path / "a.c3d"
    path.write_bytes(encode_c3d(one))
    with path.open("rb") as file:
        frames = [points[:, :3] for _, points, _ in c3d.Reader(file).read_frames()]
    np.testing.assert_allclose(np.array(frames) / 1000, one.motion.joints(), atol=1e-6)


@pytest.mark.parametrize("encode", [encode_csv, encode_c3d, lambda p: encode_json([p])])
def test_what_is_no_number_is_refused(encode):
    one = performer(frames=4, skin=False)
    lost = one.motion.root_position.copy()
    lost[2, 1] = np.nan
    with pytest.raises(ExportError, match="from frame 2"):
        encode(replace(one, motion=replace(one.motion, root_position=lost)))

"""Reading files other programs wrote, and refusing broken ones by line."""

import bvhio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters import decimals, read_bvh
from mocap.exporters.bvh import encode_bvh

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 1.0 2.0 3.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Arm
  {
    OFFSET 0.0 10.0 0.0
    CHANNELS 3 Yrotation Xrotation Zrotation
    End Site
    {
      OFFSET 0.0 5.0 0.0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 0 0 0 0 0 0 0 0
100 90 1e1 90.0 0 0 30 0 -4.5E+1
"""


def read(tmp_path, text: str | bytes, **options):
    path = tmp_path / "file.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bvh(path, **options)


def test_a_small_file_means_what_it_says(tmp_path):
    motion = read(tmp_path, SMALL)
    assert motion.names == ("Hips", "Arm")
    assert motion.parents == (-1, 0)
    assert (len(motion), motion.fps) == (2, 30.0)
    np.testing.assert_allclose(motion.rest_offsets, [[0.01, 0.02, 0.03], [0, 0.1, 0]])
    np.testing.assert_allclose(motion.end_sites[1], [0, 0.05, 0])
    assert np.isnan(motion.end_sites[0]).all()
    # Position channels replace the root's OFFSET; a quarter turn about Z takes +Y to -X.
    np.testing.assert_allclose(motion.joints()[1], [[1.0, 0.9, 0.1], [0.9, 0.9, 0.1]], atol=1e-12)
    arm = Rotation.from_euler("YXZ", [30, 0, -45], degrees=True).as_matrix()
    np.testing.assert_allclose(motion.rotations[1, 1], arm, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("\n", "\r\n"),
        SMALL.replace("\n", "\r"),
        SMALL.replace("  ", "\t"),
        SMALL.replace("\n{", " {").replace("\n  {", " {"),
        SMALL.upper().replace("HIPS", "Hips").replace("ARM", "Arm"),
        "\ufeff" + SMALL,
        SMALL + "\n\n  \n",
        SMALL.replace("\n", " \n"),
        SMALL.replace("Frame Time: ", "Frame Time:\t"),
        SMALL.replace("End Site", "End Site tip of it"),
    ],
)
def test_the_ways_programs_lay_files_out(tmp_path, text):
    motion, plain = read(tmp_path, text), read(tmp_path, SMALL)
    assert motion.names == plain.names
    assert motion.fps == plain.fps
    np.testing.assert_array_equal(motion.joints(), plain.joints())
    np.testing.assert_array_equal(motion.end_sites, plain.end_sites)


def test_names_in_any_script_and_with_spaces(tmp_path):
    assert read(tmp_path, SMALL.replace("Arm", "左 腕")).names[1] == "左 腕"
    old = SMALL.encode().replace(b"Arm", "左腕".encode("shift-jis"))
    assert len(read(tmp_path, old).names[1]) > 0


def test_units(tmp_path):
    for units, scale in (("m", 100.0), (0.0254, 2.54)):
        joints = read(tmp_path, SMALL, units=units).joints()
        np.testing.assert_allclose(joints, scale * read(tmp_path, SMALL).joints())
    with pytest.raises(ExportError, match="cm or m"):
        read(tmp_path, SMALL, units="ft")


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("0.0333333", 30.0),
        (".03333", 30.0),
        ("0.033333333333", 30.0),
        ("0.0333667", 30000 / 1001),
        ("0.0333667000333667", 29.97),
        ("0.008333", 120.0),
        ("8.33333e-3", 120.0),
        ("0.0166833", 60000 / 1001),
        ("0.04", 25.0),
        ("0.025", 40.0),
        ("0.0080", 125.0),
        ("2", 0.5),
        # Short ones mean the usual rate that they could be.
        ("0.017", 60.0),
        ("0.033", 30.0),
        ("0.042", 24.0),
        ("0.011", 90.0),
        ("0.0042", 240.0),
        ("0.067", 15.0),
        ("0.012345", 1 / 0.012345),
    ],
)
def test_rounded_frame_times_mean_the_rate_they_were_rounded_from(tmp_path, written, fps):
    motion = read(tmp_path, SMALL.replace("0.0333333", written))
    assert motion.fps == pytest.approx(fps, rel=1e-12)


def test_position_channels_that_repeat_the_offset_leave_bones_rigid(tmp_path):
    text = SMALL.replace("CHANNELS 3 Y", "CHANNELS 6 Xposition Yposition Zposition Y")
    text = text.replace("0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 10 0 0 0 0")
    rigid = text.replace("90.0 0 0 30 0", "90.0 0 0 0 10 0 30 0")
    assert read(tmp_path, rigid).local_positions is None
    moving = read(tmp_path, text.replace("90.0 0 0 30 0", "90.0 0 0 0 20 0 30 0"))
    np.testing.assert_allclose(moving.joints()[1, 1], [0.8, 0.9, 0.1], atol=1e-12)


def test_long_files_are_read_in_pieces(tmp_path, monkeypatch):
    text = SMALL.replace("Frames: 2", "Frames: 22") + "7 8.5 -9 1 .25 2 3. 4 +5\n" * 20
    whole = read(tmp_path, text)
    for piece in (1, 7, 40):
        monkeypatch.setattr(decimals, "_PIECE", piece)
        np.testing.assert_array_equal(read(tmp_path, text).joints(), whole.joints())
        plain = read(tmp_path, text.replace("1e1", "10").replace("-4.5E+1", "-45"))
        np.testing.assert_array_equal(plain.joints(), whole.joints())


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("HIERARCHY\n", "SKELETON\n", 1, "'SKELETON' is not understood"),
        ("ROOT Hips", "ROOT", 2, "no name"),
        ("OFFSET 1.0 2.0 3.0", "OFFSET 1.0 2.0", 4, "OFFSET needs 3 numbers"),
        ("OFFSET 0.0 10.0 0.0", "OFFSET 0.0 ten 0.0", 8, "OFFSET needs 3 numbers"),
        ("    OFFSET 0.0 10.0 0.0\n", "", 6, "'Arm' has no OFFSET"),
        ("CHANNELS 3 Yrotation", "CHANNELS 4 Yrotation", 9, "promises 4 and names 3"),
        ("CHANNELS 3 Yrotation", "CHANNELS 3 Wrotation", 9, "'Wrotation' is not understood"),
        ("CHANNELS 3 Yrotation", "CHANNELS 3 Xrotation", 9, "twice"),
        ("CHANNELS 3", "CHANNELS", 9, "needs a count"),
        ("  }\n}\nMOTION", "}\nMOTION", 15, "not closed"),
        ("}\nMOTION", "}\n}\nMOTION", 16, "never opened"),
        ("}\nMOTION", "}\nROOT Other\nMOTION", 16, "second ROOT"),
        ("}\nMOTION", "}\nJOINT Other\nMOTION", 16, "outside a joint"),
        ("MOTION", "", 21, "no MOTION"),
        ("Frames: 2\n", "", 17, "must go on with 'Frames:'"),
        ("Frames: 2", "Frames: two", 17, "'two', not a whole number"),
        ("Time: 0.0333333", "Time: 0", 18, "positive number of seconds"),
        ("Time: 0.0333333", "Time: fast", 18, "positive number of seconds"),
        ("0 30 0", "0 30", 20, "8 values where the channels are 9"),
        ("0 30 0", "0 30 0 0", 20, "10 values where the channels are 9"),
        ("1e1 90.0", "1,5 90.0", 20, "'1,5' has a comma"),
        ("1e1 90.0", "nan 90.0", 20, "'nan' is not a number"),
    ],
)
def test_what_is_broken_is_named_with_its_line(tmp_path, old, new, line, problem):
    assert old in SMALL
    with pytest.raises(ExportError, match=problem) as refusal:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert f"file.bvh, line {line}: " in str(refusal.value)


def test_files_that_are_no_bvh(tmp_path):
    with pytest.raises(ExportError, match="No such file"):
        read_bvh(tmp_path / "none.bvh")
    for data in (b"", b"\x00\xff\xfe" * 100):
        with pytest.raises(ExportError, match="MOTION"):
            read(tmp_path, data)


def test_every_stored_motion_is_read_and_comes_back(data_dir, tmp_path):
    files = sorted((data_dir / "motions").rglob("*.bvh"))
    assert files
    for path in files:
        motion = read_bvh(path)
        joints = motion.joints()
        bones = np.linalg.norm(joints[:, 1:] - joints[:, motion.parents[1:]], axis=-1)
        assert np.ptp(bones, axis=0).max() < 1e-9, path
        assert len(motion) == int(path.read_text().split("Frames:")[1].split()[0]), path
        copy = tmp_path / "copy.bvh"
        copy.write_bytes(encode_bvh(motion))
        again = read_bvh(copy)
        assert (again.names, again.parents, again.fps) == (motion.names, motion.parents, motion.fps)
        # The promise is a twentieth of a millimetre; six decimals keep far more.
        assert np.abs(again.joints() - joints).max() < 1e-6, path
        assert np.abs(again.rotations - motion.rotations).max() < 1e-7, path
        np.testing.assert_allclose(again.end_sites, motion.end_sites, atol=1e-8, err_msg=str(path))


@pytest.mark.parametrize(
    "name",
    [
        "animated_drawings/cmu1/jumping_jacks.bvh",
        "animated_drawings/fair1/dab.bvh",
        "animated_drawings/rokoko/jesse_dance.bvh",
        "cmu_bvh11/131_01.bvh",
        "cmu_bvh11/scaled_131_01.bvh",
        "more/salsa/10.bvh",
        "perfume/A_test.bvh",
        "skeleton_headers/lafan.bvh",
        "skeleton_headers/mixamo.bvh",
        "skeleton_headers/mocapnet.bvh",
    ],
)
def test_stored_motions_have_the_rotations_and_positions_bvhio_reads(data_dir, name):
    path = data_dir / "motions" / name
    motion = read_bvh(path)
    theirs = bvhio.readAsBvh(str(path))
    assert theirs.FrameCount == len(motion)
    # Frame times in files are rounded, and meant as a rate.
    assert theirs.FrameTime == pytest.approx(1 / motion.fps, rel=2e-4)
    layout = [joint for joint, _, _ in theirs.Root.layout()]
    assert tuple(joint.Name for joint in layout) == motion.names
    offsets = np.array([list(joint.Offset) for joint in layout]) / 100
    np.testing.assert_allclose(motion.rest_offsets, offsets, atol=1e-6)
    for joint, tip in zip(layout, motion.end_sites, strict=True):
        if not joint.Children:
            np.testing.assert_allclose(tip, np.array(list(joint.EndSite)) / 100, atol=1e-6)
    for i, joint in enumerate(layout):
        quaternions = np.array([list(key.Rotation.to_tuple()) for key in joint.Keyframes])
        expected = Rotation.from_quat(quaternions, scalar_first=True).as_matrix()
        np.testing.assert_allclose(motion.rotations[:, i], expected, atol=2e-5)
    root = np.array([list(key.Position) for key in layout[0].Keyframes]) / 100
    np.testing.assert_allclose(motion.root_position, root, atol=1e-6)


def test_a_stored_motion_stands_where_bvhio_puts_it(data_dir):
    path = data_dir / "motions" / "animated_drawings" / "cmu1" / "jumping_jacks.bvh"
    motion = read_bvh(path)
    root = bvhio.readAsHierarchy(str(path))
    joints = motion.joints()
    for frame in range(0, len(motion), 25):
        root.loadPose(frame)
        found = np.array([list(joint.PositionWorld) for joint, _, _ in root.layout()]) / 100
        np.testing.assert_allclose(joints[frame], found, atol=1e-5)

"""What programs, recorders that crashed, and editors make of BVH."""

import itertools
import logging
import resource
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters import SkeletalMotion, read_bvh
from mocap.exporters.bvh import encode_bvh

TURNS = "Zrotation Xrotation Yrotation"
PLACES = "Xposition Yposition Zposition"
HEAD = f"""HIERARCHY
ROOT Hips
{{
\tOFFSET 0 0 0
\tCHANNELS 6 {PLACES} {TURNS}
\tJOINT Arm
\t{{
\t\tOFFSET 0 10 0
\t\tCHANNELS 3 {TURNS}
\t\tEnd Site
\t\t{{
\t\t\tOFFSET 0 5 0
\t\t}}
\t}}
}}
"""
ROWS = ("0 0 0 0 0 0 0 0 0\n", "1 2 3 10 20 30 40 50 60\n", "4 5 6 -10 0 170 0 0 99.125\n")
CLOCK = "MOTION\nFrames: 3\nFrame Time: 0.04\n"
WHOLE = HEAD + CLOCK + "".join(ROWS)


def read(tmp_path, text: str | bytes) -> SkeletalMotion:
    path = tmp_path / "file.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bvh(path)


def refusal(tmp_path, text: str | bytes) -> str:
    """What the error says after the file's name."""
    with pytest.raises(ExportError) as refused:
        read(tmp_path, text)
    told = str(refused.value).removeprefix(f"{tmp_path / 'file.bvh'}, ")
    assert told.isprintable()
    return told


def assert_same(motion: SkeletalMotion, other: SkeletalMotion) -> None:
    assert (motion.names, motion.fps, len(motion)) == (other.names, other.fps, len(other))
    np.testing.assert_array_equal(motion.joints(), other.joints())
    np.testing.assert_array_equal(motion.end_sites, other.end_sites)


# Layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("Frames: ", "Frames:"),
        WHOLE.replace("0.04", "4.0e-02"),
        WHOLE.replace("0.04", "4.E-2"),
        WHOLE.replace("Frames: 3\nFrame", "\n\nFrames: 3\n\nFrame"),
        WHOLE.replace("1 2 3", "1e0 2.0E+00 300e-02").replace("40", "+40."),
        WHOLE.replace("\t", ""),
        WHOLE.replace(HEAD, " ".join(HEAD.split()) + "\n"),
        WHOLE.replace("\nMOTION", "\n\n\n  MOTION  "),
        WHOLE.replace("\n", "\r\r\n"),
        WHOLE.replace(HEAD, HEAD.replace("\n", "\r\n")),
        WHOLE.replace(HEAD, HEAD.replace("\n", "\r")),
        WHOLE.replace("\n", "\r") + "\n",
        WHOLE.replace("20 30 40", "20\n30 40"),
        WHOLE.removesuffix("\n"),
        WHOLE.encode("utf-8-sig"),
        WHOLE.encode("utf-16"),
        b"\xfe\xff" + WHOLE.encode("utf-16-be"),
    ],
)
def test_layouts_mean_the_same(tmp_path, caplog, text):
    assert_same(read(tmp_path, text), read(tmp_path, WHOLE))
    assert not caplog.records


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"mixamorig:LeftArm", "mixamorig:LeftArm"),
        (b"Bip01 L  UpperArm", "Bip01 L UpperArm"),
        ("左腕".encode(), "左腕"),
        ("Épaule".encode("latin-1"), "Épaule"),
        # The second bytes of these two letters are braces in ASCII.
        ("ボーンマ".encode("shift-jis"), "ボーンマ"),
        (b"Joint JOINT End Site 3", "Joint JOINT End Site 3"),
    ],
)
def test_names(tmp_path, data, name):
    motion = read(tmp_path, WHOLE.encode().replace(b"Arm", data))
    assert motion.names == ("Hips", name)
    np.testing.assert_array_equal(motion.joints(), read(tmp_path, WHOLE).joints())


# Channels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["".join(order) for order in itertools.permutations("XYZ")])
def test_all_orders_of_rotation(tmp_path, order):
    turns = " ".join(f"{axis}rotation" for axis in order)
    motion = read(tmp_path, WHOLE.replace(TURNS, turns))
    expected = Rotation.from_euler(order, [[10, 20, 30], [40, 50, 60]], degrees=True).as_matrix()
    np.testing.assert_allclose(motion.rotations[1], expected, atol=1e-12)


def test_six_channels_everywhere_as_motionbuilder_and_axis_neuron_write(tmp_path):
    """Positions that repeat the OFFSET, and in one joint and frame do not."""
    still = HEAD.replace(f"3 {TURNS}", f"6 {PLACES} {TURNS}") + CLOCK
    for row in ROWS:
        values = row.split()
        still += " ".join((*values[:6], "0", "10", "0", *values[6:])) + "\n"
    motion = read(tmp_path, still)
    assert motion.local_positions is None
    assert_same(motion, read(tmp_path, WHOLE))
    moved = read(tmp_path, still.replace("20 30 0 10 0", "20 30 0 12 0"))
    np.testing.assert_allclose(moved.local_positions[:, 1, 1], [0.1, 0.12, 0.1])


def test_a_root_that_only_turns_stays_at_its_offset(tmp_path):
    text = HEAD.replace(f"6 {PLACES} {TURNS}", f"3 {TURNS}").replace("0 0 0", "7 8 9", 1)
    motion = read(tmp_path, text + CLOCK + "10 20 30 40 50 60\n" * 3)
    np.testing.assert_allclose(motion.root_position, [[0.07, 0.08, 0.09]] * 3)
    turned = Rotation.from_euler("ZXY", [10, 20, 30], degrees=True).as_matrix()
    np.testing.assert_allclose(motion.rotations[2, 0], turned, atol=1e-12)


def test_positions_alone_and_no_channels_at_all(tmp_path):
    text = HEAD.replace(f"6 {PLACES} {TURNS}", "2 Zposition Xposition")
    text = text.replace(f"CHANNELS 3 {TURNS}", "CHANNELS 0").replace("0 0 0", "7 8 9", 1)
    for variant in (text, text.replace("\t\tCHANNELS 0\n", "")):
        motion = read(tmp_path, variant + CLOCK + "1 2\n3 4\n5 6\n")
        np.testing.assert_allclose(motion.root_position[0], [0.02, 0.08, 0.01])
        np.testing.assert_array_equal(motion.rotations, np.tile(np.eye(3), (3, 2, 1, 1)))


def test_one_turn_of_three(tmp_path):
    text = HEAD.replace(f"3 {TURNS}", "1 Xrotation") + CLOCK + "0 0 0 0 0 0 90\n" * 3
    expected = Rotation.from_euler("X", 90, degrees=True).as_matrix()
    np.testing.assert_allclose(read(tmp_path, text).rotations[0, 1], expected, atol=1e-12)


def test_a_leaf_without_an_end_site_has_no_tip(tmp_path):
    end = WHOLE.index("\t\tEnd Site")
    text = WHOLE[:end] + WHOLE[WHOLE.index("\t}\n}", end) :]
    assert np.isnan(read(tmp_path, text).end_sites).all()


# Depth and size ------------------------------------------------------------------------------


def test_ten_thousand_joints_in_a_chain(tmp_path):
    count = 10_000
    joint = "{\nOFFSET 0 1 0\nCHANNELS 1 Xrotation\n"
    names = "".join(f"{'JOINT' if i else 'ROOT'} j{i} {joint}" for i in range(count))
    text = f"HIERARCHY\n{names}{'}' * count}\nMOTION\nFrames: 1\nFrame Time: 1\n{'0 ' * count}\n"
    motion = read(tmp_path, text)
    assert motion.parents == tuple(range(-1, count - 1))
    np.testing.assert_allclose(motion.joints()[0, -1], [0, count / 100, 0], rtol=1e-12)
    assert "not closed" in refusal(tmp_path, text.replace("}\nMOTION", "\nMOTION"))


def test_a_small_file_that_would_fill_the_memory(tmp_path):
    joints = "JOINT still {\nOFFSET 0 0 0\n}\n" * 10_000
    head = f"ROOT a {{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n{joints}}}\n"
    text = f"{head}MOTION\nFrames: 100000\nFrame Time: 0.01\n" + "0\n" * 100_000
    assert "100000 frames of 10001 joints are more than can be read; cut" in refusal(tmp_path, text)


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be limited on Linux only")
def test_more_than_the_memory_holds(tmp_path):
    chain = "JOINT still {\nOFFSET 0 0 0\n}\n" * 9_999
    head = f"ROOT a {{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n{chain}}}\n"
    text = f"{head}MOTION\nFrames: 5000\nFrame Time: 0.01\n" + "0\n" * 5_000
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**29, limits[1]))
    try:
        with pytest.raises(ExportError, match="does not fit into the memory; cut it"):
            read(tmp_path, text)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.parametrize("count", ["1" + "0" * 12, "9" * 18])
def test_a_promise_of_frames_costs_nothing(tmp_path, caplog, count):
    assert len(read(tmp_path, WHOLE.replace("Frames: 3", f"Frames: {count}"))) == 3
    assert f"promises {count} lines of motion, 3 are read" in caplog.text
    still = WHOLE.replace(f"CHANNELS 6 {PLACES} {TURNS}", "CHANNELS 0")
    still = still.replace(f"CHANNELS 3 {TURNS}", "CHANNELS 0").replace(
        "Frames: 3", f"Frames: {count}"
    )
    assert "line 16: no joint above has CHANNELS" in refusal(tmp_path, still)


# Frames that are not as promised -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "frames", "told"),
    [
        (WHOLE.replace("Frames: 3", "Frames: 2"), 3, "promises 2 lines of motion, 3 are read"),
        (WHOLE.replace("Frames: 3", "Frames: 0"), 3, "promises 0 lines of motion, 3 are read"),
        (WHOLE.replace("Frames: 3", "Frames: 9"), 3, "promises 9 lines of motion, 3 are read"),
        # Cut within a line, within a number, after a sign; a disk's empty blocks.
        (WHOLE[:-13], 2, "3 lines of motion, 2 are read; left out from line 21 on: 6 values"),
        (WHOLE.replace("Frames: 3", "Frames: 4")[:-1], 2, "line 21 on: the file breaks off here"),
        (WHOLE[: WHOLE.index("-10") + 1], 2, "left out from line 21 on: '-' is not a number"),
        (WHOLE[:-9] + "\0" * 512, 2, r"left out from line 21 on: '\x00\x00"),
        (WHOLE + "# exported by hand\n", 3, "3 are read; left out from line 22 on: '#' is not"),
        (WHOLE + WHOLE, 3, "3 are read; left out from line 22 on: 'HIERARCHY' is not a number"),
    ],
)
def test_what_is_there_is_read_and_what_is_not_is_told(tmp_path, caplog, text, frames, told):
    caplog.set_level(logging.WARNING)
    motion = read(tmp_path, text)
    [record] = caplog.records
    assert record.getMessage().startswith(f"{tmp_path / 'file.bvh'}: Frames: promises ")
    assert told in record.getMessage()
    assert len(motion) == frames
    np.testing.assert_array_equal(motion.joints(), read(tmp_path, WHOLE).joints()[:frames])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ROWS[1], "1 2 3 10 20 30 40 50\n", "line 20: 8 values where the channels are 9"),
        (ROWS[1], "1 2 3 10 20 30 40 50 x\n", "line 20: 'x' is not a number"),
        ("99.125", "99.125 1", "line 21: 10 values where the channels are 9"),
        ("99.125", "99,125", "line 21: '99,125' has a comma; write decimal points"),
        ("99.125", "inf", "line 21: 'inf' is impossibly large; export the file again"),
        ("99.125", "1e309", "line 21: '1e309' is impossibly large"),
        ("99.125", "-1e300", "line 21: '-1e300' is impossibly large"),
        ("99.125", "NaN", "line 21: 'NaN' is not a number"),
        ("99.125", "-1.#IND", "line 21: '-1.#IND' is not a number"),
        ("99.125", "x" * 10**6, f"line 21: '{'x' * 40}...' is not a number"),
        ("".join(ROWS), "", "line 19: there are no lines of motion"),
        ("".join(ROWS), "\n \n", "line 19: there are no lines of motion"),
        ("".join(ROWS), "0 0 0", "line 19: 3 values where the channels are 9"),
        (CLOCK + "".join(ROWS), "MOTION\n", "line 17: MOTION must go on with 'Frames:'"),
        (CLOCK + "".join(ROWS), "", "line 16: there is no MOTION section"),
        ("Frames: 3", "Frames: -3", "line 17: Frames: is '-3', not a whole number; write"),
        ("Frames: 3", "Frames: 2.5", "line 17: Frames: is '2.5', not a whole number"),
        ("Frames: 3", f"Frames: {'9' * 5000}", f"line 17: Frames: is '{'9' * 40}...', not"),
        ("0.04", "-0.04", "line 18: Frame Time: is '-0.04', not a positive number"),
        ("0.04", "0.000000", "line 18: Frame Time: is '0.000000', not a positive"),
        ("0.04", "0,04", "line 18: Frame Time: is '0,04', not a positive number"),
        ("0.04", "1e-320", "line 18: Frame Time: is '1e-320', not a positive number"),
        ("0.04", "nan", "write the seconds between frames there, 0.0333333 for 30 a second"),
        ("\nFrame Time", "\n\n\nFrame Time: x\n#", "line 20: Frame Time: is 'x', not"),
    ],
)
def test_motion_that_is_broken(tmp_path, old, new, told):
    assert old in WHOLE
    assert told in refusal(tmp_path, WHOLE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("CHANNELS 3", "CHANNELS 2", "line 9: CHANNELS promises 2 and names 3"),
        ("CHANNELS 3", f"CHANNELS {'9' * 5000}", "line 9: CHANNELS needs a count"),
        ("CHANNELS 3", "CHANNELS ²", "line 9: CHANNELS needs a count"),
        (f"3 {TURNS}", "", "line 9: CHANNELS needs a count"),
        (f"3 {TURNS}", "3 Xrotation Zrotation Xrotation", "line 9: CHANNELS names a channel twice"),
        (f"3 {TURNS}\n", f"3 {TURNS}\nCHANNELS 1 Xposition\n", "line 10: joint 'Arm' has CHANNELS"),
        ("OFFSET 0 10 0", "OFFSET 0 1e400 0", "line 8: OFFSET needs 3 numbers, not '0 1e400 0'"),
        ("OFFSET 0 10 0", "OFFSET 0 1e300 0", "line 8: OFFSET needs 3 numbers, not '0 1e300 0'"),
        ("OFFSET 0 10 0", "OFFSET 0,0 10,0 0,0", "line 8: OFFSET needs 3 numbers, not '0,0 10,0"),
        ("OFFSET 0 10 0", "OFFSET 0 10 0 0", "line 8: '0' is not understood here"),
        ("OFFSET 0 10 0\n", "OFFSET 0 10 0\nOFFSET 1 1 1\n", "line 9: joint 'Arm' has a second"),
        ("\t{\n\t\tOFFSET 0 10", "\t\tOFFSET 0 10", "line 7: a joint has no opening brace"),
        ("\tJOINT Arm\n\t{", "\tJOINT Arm\n}\n{", "line 7: a joint has no opening brace"),
        ("JOINT Arm", "", "line 7: a brace opens that belongs to no joint"),
        ("\t\tEnd Site\n", "\t\tEnd Site\n{\nJOINT a\n", "line 12: JOINT stands outside a joint"),
        ("}\nMOTION", "}\nROOT b\n{\n}\nMOTION", "export every character to a file of its own"),
        ("JOINT Arm", "\x1b" * 99, r"line 6: '\x1b\x1b"),
    ],
)
def test_skeletons_that_are_broken(tmp_path, old, new, told):
    assert old in WHOLE
    assert told in refusal(tmp_path, WHOLE.replace(old, new, 1))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\0" * 4096, bytes(range(256)) * 16, b"\x89PNG\r\n\x1a\n", b"\xff\xfe\0"]
)
def test_what_is_no_bvh_at_all(tmp_path, data):
    assert refusal(tmp_path, data).endswith("this is no BVH; choose another file")


def test_a_folder(tmp_path):
    with pytest.raises(ExportError, match="cannot be read"):
        read_bvh(tmp_path)


@pytest.mark.parametrize("units", ["inch", "", 0, -1, np.nan, np.inf])
def test_units_that_measure_nothing(tmp_path, units):
    path = tmp_path / "file.bvh"
    path.write_text(WHOLE)
    with pytest.raises(ExportError, match=r"in cm or m, or in so many metres, not in"):
        read_bvh(path, units=units)


def test_names_that_would_end_early_are_written_readably(tmp_path: Path) -> None:
    motion = SkeletalMotion(
        names=("hips {root}", "left  leg"),
        parents=(-1, 0),
        rest_offsets=np.array([[0.0, 1.0, 0.0], [0.0, -0.5, 0.0]]),
        rotations=np.tile(np.eye(3), (3, 2, 1, 1)),
        root_position=np.zeros((3, 3)),
        fps=30.0,
    )
    path = tmp_path / "named.bvh"
    path.write_bytes(encode_bvh(motion))
    assert read_bvh(path).names == ("hips_root", "left_leg")
    with pytest.raises(ExportError, match="rest pose"):
        encode_bvh(replace(motion, end_sites=np.array([[np.nan] * 3, [np.inf, 0.0, 0.0]])))

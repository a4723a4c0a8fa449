import gzip
import json
import pickle
import re
import shutil

import numpy as np
import pytest

from mocap.datasets.motions import (
    motion_sources,
    read_aistpp_clip,
    read_amc_clip,
    read_bvh_clip,
    read_climbing_clip,
    read_deepmimic_clip,
    read_expmap_clip,
    read_poselib_clip,
    sources,
)
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.exporters import TABLES, plain, table_for
from mocap.fitting.rig import NAMES

ASF = """:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
:bonedata
  begin
     id 1
     name up
     direction 0 1 0
     length 2.0
     axis 0 0 90 XYZ
     dof rx
  end
  begin
     id 2
     name tip
     direction 0 1 0
     length 1.0
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root up
    up tip
  end
"""


def test_every_table_names_what_the_body_has():
    for table in TABLES:
        assert set(table.places) - {"left_middle1", "right_middle1"} <= set(NAMES)
        assert {"pelvis", "left_hip", "right_knee", "left_elbow"} <= set(table.places)
    assert plain("mixamorig:LeftUp_Leg") == "leftupleg"
    with pytest.raises(MocapError, match="no known family"):
        table_for(("a", "b"))


def test_bones_turn_about_axes_of_their_own(tmp_path):
    from mocap.datasets.motions.asf import _frames, _motion, _skeleton

    motion = _motion(
        _skeleton(ASF), _frames("1\nroot 1 0 0 0 0 0\nup 90\n2\nroot 1 0 0 0 90 0\nup 0"), 30, 1.0
    )
    joints = motion.joints()
    # The bone's x axis is the world's y: a turn about the bone leaves its end where it is.
    np.testing.assert_allclose(joints[0], [[1, 0, 0], [1, 0, 0], [1, 2, 0]], atol=1e-12)
    y_turn = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    np.testing.assert_allclose(motion.world_rotations()[0, 1], y_turn, atol=1e-12)
    np.testing.assert_allclose(motion.world_rotations()[1, 0], y_turn, atol=1e-12)


def test_pickles_that_call_are_refused(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(MocapError, match=r"os\.system"):
        read_arrays(path)
    path.write_bytes(b"\x80\x04")
    with pytest.raises(MocapError, match=re.escape(str(path))):
        read_arrays(path)


def test_pickles_of_arrays_are_read(tmp_path):
    path = tmp_path / "good.pkl"
    content = {"a": np.arange(6.0).reshape(2, 3), "b": np.float64(2.5), "c": ["x", 1]}
    path.write_bytes(pickle.dumps(content))
    found = read_arrays(path)
    np.testing.assert_array_equal(found["a"], content["a"])
    assert found["b"] == 2.5
    assert found["c"] == ["x", 1]


@pytest.mark.parametrize(
    ("name", "content", "read"),
    [
        ("a.txt.gz", gzip.compress(b"1,2\n3,4\n", mtime=0), read_expmap_clip),
        ("a.txt", b"1,2,x\n", read_expmap_clip),
        ("a.json", b"{}", read_deepmimic_clip),
        ("b.json", json.dumps({"Frames": [[1, 2]]}).encode(), read_deepmimic_clip),
        ("a.npy", b"nothing", read_climbing_clip),
        ("a.pkl", pickle.dumps({"x": 1}), read_poselib_clip),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, name, content, read):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MocapError, match=re.escape(name)):
        read(path)
    with pytest.raises(MocapError):
        read(tmp_path / "missing.npy")


def test_no_corpora_is_an_error(tmp_path, body):
    with pytest.raises(MocapError, match="none of the motion corpora"):
        sources(tmp_path, body)


def height(clip) -> float:
    """Ankle to neck or shoulder of the tallest frame, metres."""
    top = clip.place("left_shoulder")
    return float(np.nanmax(top[:, 1] - clip.place("left_ankle")[:, 1]))


@pytest.mark.parametrize(
    "corpus",
    ["cmu", "cmu_expmap/test", "cmu_bvh11", "salsa", "perfume", "animated_drawings", "climbing",
     "deepmimic", "amp", "aistpp"],
)  # fmt: skip
def test_corpora_are_people_of_ordinary_size_with_left_on_the_left(data_dir, body, corpus):
    source = next(s for s in sources(data_dir, body) if s.corpus == corpus)
    clip = source.read()
    assert 1.0 < height(clip) < 1.7
    # Facing is told by the feet or the elbows' bend; left is on the left of it.
    left = clip.place("left_hip") - clip.place("right_hip")
    up = (clip.place("left_shoulder") + clip.place("right_shoulder")) / 2 - clip.place("pelvis")
    ahead = np.cross(left, up)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    knee = clip.place("left_knee") - (clip.place("left_hip") + clip.place("left_ankle")) / 2
    assert np.mean(np.sum(knee * ahead, -1)) > 0


def test_rotations_agree_with_positions(data_dir, body):
    for source in sources(data_dir, body)[::40]:
        clip = source.read()
        turn = clip.turn("pelvis")
        if turn is None:
            continue
        left = clip.place("left_hip") - clip.place("right_hip")
        left /= np.linalg.norm(left, axis=-1, keepdims=True)
        assert np.sum(left * turn[..., 0], -1).min() > 0.95, clip.name


def test_an_amc_file_needs_its_skeleton(tmp_path):
    (tmp_path / "a.amc").write_text("1\nroot 0 0 0 0 0 0\n")
    with pytest.raises(MocapError, match=r"a\.asf"):
        read_amc_clip(tmp_path / "a.amc", tmp_path / "a.asf")


def test_the_unit_of_a_bvh_is_told_by_the_legs(data_dir):
    path = next((data_dir / "motions" / "cmu_bvh11").glob("131_01.bvh"))
    scaled = next((data_dir / "motions" / "cmu_bvh11").glob("scaled_131_01.bvh"))
    guessed, known = read_bvh_clip(path), read_bvh_clip(scaled, units=1.0)
    assert 0.8 < height(known) / height(guessed) < 1.2


def test_aistpp_keeps_its_frames(data_dir, body):
    clip = read_aistpp_clip(next((data_dir / "aistpp").glob("*.pkl")), body)
    assert len(clip) == 720
    assert clip.performer == "d27"


def test_isaac_gyms_motion_is_known_by_what_is_in_it(data_dir, body, tmp_path):
    path = data_dir / "motions/cmu_isaacgym_amp/amp_humanoid_walk.npy"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    folder = tmp_path / "gym"
    folder.mkdir()
    shutil.copy(path, folder / "walk.npy")
    # Other arrays, pickled ones too, are no motion.
    np.save(folder / "shapes.npy", np.zeros((3, 10)))
    np.save(folder / "names.npy", np.array(["a", None], dtype=object), allow_pickle=True)
    [source] = motion_sources(folder, body)
    assert (source.path, source.performer) == (folder / "walk.npy", "gym")
    known = read_poselib_clip(path)
    clip = motion_sources(folder / "walk.npy", body)[0].read()
    assert clip.fps == known.fps
    np.testing.assert_array_equal(clip.joints, known.joints)
    with pytest.raises(MocapError, match=r"shapes\.npy: is no motion of SMPL's keypoints"):
        motion_sources(folder / "shapes.npy", body)


@pytest.mark.parametrize(
    ("corpus", "pattern", "read"),
    [
        ("deepmimic", "humanoid3d_walk.txt", read_deepmimic_clip),
        ("climbing", "*_seq_1_*.npy", read_climbing_clip),
    ],
)
def test_files_of_corpora_are_read_wherever_they_are(
    data_dir, body, tmp_path, corpus, pattern, read
):
    found = sorted((data_dir / "motions" / corpus).glob(pattern))
    if not found:
        pytest.skip(f"{corpus} is not there")
    folder = tmp_path / "anna"
    folder.mkdir()
    path = folder / found[0].name
    shutil.copy(found[0], path)
    # What is called alike and is something else.
    (folder / "notes.txt").write_text('{"frames": 3}\n')
    np.save(folder / "shapes.npy", np.zeros((3, 52, 3)))
    [source] = motion_sources(folder, body)
    assert (source.performer, source.path) == ("anna", path)
    np.testing.assert_array_equal(motion_sources(path, body)[0].read().joints, read(path).joints)
    with pytest.raises(MocapError, match=r"is no motion that can be read, which is .*DeepMimic"):
        motion_sources(folder / "notes.txt", body)
    with pytest.raises(MocapError, match=r"shapes\.npy: .* nor of climbing takes"):
        motion_sources(folder / "shapes.npy", body)

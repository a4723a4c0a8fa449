"""Skeletons in pickles and JSON: nothing is lost between them, and nothing in them is run."""

import json
import os
import pickle
import pickletools
import struct
import subprocess
import sys

import numpy as np
import pytest

from mocap.datasets.skeleton_files import describing, joints_of, read_skeleton, write_skeleton
from mocap.errors import MocapError
from mocap.skeletons import BODY_25, COCO_17, H36M_17, PANOPTIC_19


def research_content() -> dict:
    """A dictionary as research code pickles it: of everything something."""
    random = np.random.default_rng(0)
    joints = random.normal(size=(4, 3, 3)).astype(np.float32)
    joints[1, 2] = np.nan
    return {
        "joints": joints,
        "joints_raw": random.normal(size=(4, 3, 3)),
        "names": ["head", "neck", "hüfte"],
        "parents": np.array([1, 2, -1]),
        "fps": np.float64(29.97),
        "offset": np.float32("nan"),
        "score": [0.1, float("nan"), 1 / 3, -0.0, 5e-324],
        "valid": np.array([True, False, True, True]),
        "labels": np.array(["a", "bcd"]),
        "empty": np.zeros((0, 3), np.float16),
        "camera": {"K": np.eye(3), "name": "cam/1", "size": [1920, 1080], "lens": None},
        "frames": [np.int64(3), 2**70],
    }


def same(a: object, b: object) -> bool:
    """Alike to the last bit, kinds of numbers included."""
    if isinstance(a, np.ndarray | np.generic):
        alike = type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape
        return alike and bool(np.all((a == b) | ((a != a) & (b != b))))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return type(b) is list and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(b) is float and (struct.pack("d", a) == struct.pack("d", b) or a != a != b)
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_to_json_to_pickle_loses_nothing(tmp_path, protocol):
    first, document, second = (tmp_path / name for name in ("a.pkl", "a.json", "b.pkl"))
    first.write_bytes(pickle.dumps(research_content(), protocol))
    write_skeleton(document, read_skeleton(first))
    write_skeleton(second, read_skeleton(document))
    assert same(research_content(), read_skeleton(second))
    assert same(research_content(), pickle.loads(second.read_bytes()))  # noqa: S301
    again = write_skeleton(tmp_path / "b.json", read_skeleton(second))
    assert again.read_bytes() == document.read_bytes()


def test_json_is_plain(tmp_path):
    path = write_skeleton(tmp_path / "a.json", research_content())
    document = json.loads(path.read_text(), parse_constant=pytest.fail)
    skeleton = document["skeleton"]
    assert (document["format"], document["version"]) == ("mocap-skeleton", 1)
    assert skeleton["names"] == ["head", "neck", "hüfte"]
    assert skeleton["parents"] == [1, 2, -1]
    assert skeleton["joints"][1][2] == [None, None, None]
    assert skeleton["joints"][0][0] == research_content()["joints"][0, 0].tolist()
    assert skeleton["camera"]["size"] == [1920, 1080]


def test_pickles_are_of_builtin_things_and_names_that_every_numpy_has(tmp_path):
    path = write_skeleton(tmp_path / "a.pkl", research_content())
    names = {
        argument
        for code, argument, _ in pickletools.genops(path.read_bytes())
        if code.name in ("GLOBAL", "STACK_GLOBAL", "PROTO") or code.name.startswith("EXT")
    }
    assert names == {
        3,
        "numpy.core.multiarray _reconstruct",
        "numpy.core.multiarray scalar",
        "numpy ndarray",
        "numpy dtype",
    }
    # The new numpy knows the old name without a word.
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)['joints'].shape)"
    with path.open("rb") as file:
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(4, 3, 3)\n", "")


class Harm:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    mark, path = tmp_path / "was-here", tmp_path / "walk.pkl"
    path.write_bytes(pickle.dumps({"joints": np.zeros((2, 3)), "more": Harm(str(mark))}))
    with pytest.raises(MocapError, match=r"walk\.pkl: .*system, which no array needs"):
        read_skeleton(path)
    assert not mark.exists()


def test_other_layouts_are_read(tmp_path):
    joints = np.arange(12.0).reshape(2, 2, 3)
    alone = tmp_path / "alone.pkl"
    alone.write_bytes(pickle.dumps(joints))
    assert np.array_equal(read_skeleton(alone)["joints"], joints)
    aist = tmp_path / "aist.pkl"
    aist.write_bytes(pickle.dumps({"keypoints3d": joints, "names": np.array(["a", "b"], object)}))
    assert joints_of(read_skeleton(aist))[0] == "keypoints3d"
    anybody = tmp_path / "anybody.json"
    anybody.write_text('{"positions": [[0, 1, 2], [null, null, NaN]], "fps": 30, "note": null}')
    found = read_skeleton(anybody)
    np.testing.assert_array_equal(found["positions"], [[0, 1, 2], [np.nan] * 3])
    assert (found["fps"], found["note"]) == (30, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([1, 2], "holds a list, not a dictionary with joints"),
        ({"pose": 1}, "holds pose, but no joints or positions"),
        ({"joints": [[1, 2, 3], [4, 5]]}, r"joints must be numbers of shape \(joints, 3\)"),
        ({"joints": np.zeros((2, 9))}, r"joints must be numbers"),
        ({"joints": ["a", "b"]}, r"joints must be numbers"),
        ({"joints": np.zeros((2, 3)), "names": ["a"]}, "names must be 2 texts"),
        ({"joints": np.zeros((2, 3)), "names": 7}, "names must be 2 texts"),
        ({"joints": np.zeros((2, 3)), "parents": [0, 2]}, "parents must be joints 0 to 1"),
        ({"joints": np.zeros((2, 3)), "parents": [0.5, 1]}, "parents must be 2 whole numbers"),
    ],
)
def test_what_is_no_skeleton_is_refused(tmp_path, content, fault):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(MocapError, match=rf"a\.pkl: {fault}"):
        read_skeleton(path)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"x": np.array([1.0, np.inf])}, "x holds an infinity"),
        ({"x": {"y": [float("-inf")]}}, "x/y/0 holds an infinity"),
        ({"x": 1j}, "x holds a complex"),
        ({"x": np.zeros(2, complex)}, "x is an array of complex128"),
        ({"x": {3: "a"}}, "a key in it is 3, not text"),
        ({"x": [None, float("nan")]}, "x holds None beside NaN"),
        ({"x": b"abc"}, "x holds a bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path, more, fault):
    for name in ("a.json", "a.pkl"):
        with pytest.raises(MocapError, match=rf"{name}: is not written, for .*{fault}"):
            write_skeleton(tmp_path / name, {"joints": np.zeros((2, 3)), **more})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"format": "mocap-skeleton", "version": 2}', "is of version 2, this program reads 1"),
        ('{"format": "mocap-skeleton", "version": 1}', "lacks skeleton, arrays or nan"),
        (
            '{"format": "mocap-skeleton", "version": 1, "skeleton": {"joints": [[1, 2, 3]]}, '
            '"arrays": [{"at": ["joints"], "dtype": "O", "shape": [1, 3]}], "nan": []}',
            "its note of an array is not of its content",
        ),
        (
            '{"format": "mocap-skeleton", "version": 1, "skeleton": {"joints": [[1, 2, 3]]}, '
            '"arrays": [{"at": [], "dtype": "<f8", "shape": [1, 3]}], "nan": []}',
            "its note of an array is not of its content",
        ),
    ],
)
def test_damaged_json_is_refused(tmp_path, text, fault):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(MocapError, match=rf"a\.json: {fault}"):
        read_skeleton(path)


def test_other_suffixes_and_missing_files_are_refused(tmp_path):
    with pytest.raises(MocapError, match=r"a\.npz: is no \.pkl and no \.json"):
        read_skeleton(tmp_path / "a.npz")
    for name in ("a.pkl", "a.json"):
        with pytest.raises(MocapError, match="cannot be read"):
            read_skeleton(tmp_path / name)


@pytest.mark.parametrize("skeleton", [BODY_25, PANOPTIC_19, H36M_17], ids=lambda s: s.name)
def test_parents_lead_along_the_edges_to_one_root(skeleton):
    parents = describing(skeleton)["parents"]
    assert parents.count(-1) == 1
    bones = {frozenset((i, parent)) for i, parent in enumerate(parents) if parent >= 0}
    assert bones == {frozenset(edge) for edge in skeleton.edges}
    for joint in range(len(skeleton)):
        steps = 0
        while parents[joint] >= 0:
            joint, steps = parents[joint], steps + 1
            assert steps < len(skeleton)
    assert skeleton.names[parents.index(-1)] in ("mid_hip", "body_center", "pelvis")


def test_a_set_that_is_no_tree_has_edges_and_no_parents():
    described = describing(COCO_17)
    assert described["parents"] == []
    assert [0, 1] in described["edges"]
    assert described["mirror"][5:7] == [6, 5]

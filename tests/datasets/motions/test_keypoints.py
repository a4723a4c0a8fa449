"""SMPL's keypoints with labels of foot contact: made up by hand, and PyRoki's own."""

from dataclasses import replace

import numpy as np
import pytest
from made_keypoints import standing, written

from mocap.datasets.motions import human_of_clip, motion_sources, read_keypoints_clip, to_body
from mocap.errors import MocapError


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "anna")


def test_who_stands_stands_upright_with_left_on_the_left(folder):
    clip = read_keypoints_clip(folder / "smpl_keypoints.npy", fps=50)
    assert (clip.name, clip.performer, clip.fps, clip.fps_told) == (
        *("smpl_keypoints", "anna"),
        *(50, False),
    )
    # +Z is up in the file, +Y here; what was +Y is -Z.
    np.testing.assert_allclose(clip.place("left_ankle")[0], [-0.03, 0.08, -0.1], atol=1e-12)
    np.testing.assert_allclose(clip.place("head")[-1], [0.02, 1.52, 0], atol=1e-12)
    np.testing.assert_allclose(clip.place("right_middle1")[3], [0.05, 0.8, 0.22], atol=1e-12)
    assert clip.contacts.tolist() == [[1, 1, 0, 0]] * 12 + [[1, 1, 1, 1]] * 12


def test_our_body_stands_there_and_rests_as_told(folder, body):
    clip = read_keypoints_clip(folder / "smpl_keypoints.npy")
    human = human_of_clip(clip, body)
    axes = human.turn("pelvis")[0]
    assert axes[:, 1] @ [0, 1, 0] > 0.97
    assert axes[:, 2] @ [1, 0, 0] > 0.97
    assert axes[:, 0] @ [0, 0, -1] > 0.97
    assert human.contacts[:, :2].all()


def test_labels_may_be_of_one_foot_or_of_none(folder):
    (folder / "right_foot_contact.npy").unlink()
    clip = read_keypoints_clip(folder / "smpl_keypoints.npy")
    assert (clip.contacts[:, :2] == 1).all()
    assert np.isnan(clip.contacts[:, 2:]).all()
    (folder / "left_foot_contact.npy").unlink()
    assert read_keypoints_clip(folder / "smpl_keypoints.npy").contacts is None


def test_joints_that_nobody_told_are_left_out(tmp_path):
    points = standing()
    points[:, [3, 6, 22, 23]] = np.nan
    clip = read_keypoints_clip(written(tmp_path, smpl_keypoints=points) / "smpl_keypoints.npy")
    assert clip.place("spine1") is clip.place("left_middle1") is None
    np.testing.assert_allclose(clip.place("spine3")[0], [0, 1.23, 0], atol=1e-12)


def _holed(joint: int, frames: slice) -> np.ndarray:
    points = standing()
    points[frames, joint] = np.nan
    return points


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("smpl_keypoints", np.zeros((24, 44, 3)), r"\(24, 44, 3\), not \(frames, 45, 3\)"),
        ("smpl_keypoints", np.zeros((0, 45, 3)), r"\(0, 45, 3\), not"),
        ("smpl_keypoints", np.float64(3), r"shape \(\), not"),
        ("smpl_keypoints", np.full((24, 45, 3), "x"), "no array of numbers"),
        ("smpl_keypoints", np.array([{}, []], object), "holds Python objects"),
        ("smpl_keypoints", _holed(4, slice(7, 9)), "left_knee is not a number in frame 7"),
        ("smpl_keypoints", _holed(17, slice(None)), "tells nothing of right_shoulder"),
        ("left_foot_contact", np.ones(23, bool), r"\(23,\), not a label for each of 24 frames"),
        ("right_foot_contact", np.ones((24, 2)), r"\(24, 2\), not a label"),
        ("right_foot_contact", np.full(24, np.nan), "not between 0 and 1"),
        ("left_foot_contact", np.arange(24), "not between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(tmp_path, body, name, content, said):
    folder = written(tmp_path)
    np.save(folder / f"{name}.npy", content)
    [source] = motion_sources(folder, body)
    with pytest.raises(MocapError, match=rf"{name}\.npy: .*{said}") as told:
        source.read()
    assert "\n" not in str(told.value)


def test_damaged_files_are_told_in_one_line(folder):
    path = folder / "smpl_keypoints.npy"
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04", b"nothing", whole[:50], whole[:-8]):
        path.write_bytes(content)
        with pytest.raises(MocapError, match=r"smpl_keypoints\.npy: ") as told:
            read_keypoints_clip(path)
        assert "\n" not in str(told.value)


def test_folders_lead_to_keypoints_whatever_lies_beside_them(tmp_path, body):
    written(tmp_path / "a")
    other = written(tmp_path / "b")
    (other / "smpl_keypoints.npy").rename(other / "walk.npy")
    (other / "damaged.npy").write_bytes(b"PK\x03\x04")
    np.save(other / "rotations.npy", np.zeros((24, 24, 3)))
    found = motion_sources(tmp_path, body)
    assert [(one.performer, one.path.name) for one in found] == [
        *[("a", "smpl_keypoints.npy"), ("b", "walk.npy")]
    ]
    [named] = motion_sources(other / "walk.npy", body)
    assert len(named.read()) == 24
    for name in ("left_foot_contact.npy", "rotations.npy", "damaged.npy"):
        with pytest.raises(MocapError, match=rf"{name}: is no motion of SMPL's keypoints"):
            motion_sources(other / name, body)


def test_labels_find_the_steps_on_stairs(data_dir, body, caplog):
    path = data_dir / "results" / "pyroki_humanoid"
    if not path.is_dir():
        pytest.skip(f"{path} is not there")
    [source] = motion_sources(path, body)
    clip = source.read()
    assert to_body(clip, body).error.mean() < 0.015
    human = human_of_clip(clip, body)
    # A flight of stairs is gone up, forwards.
    way = human.place("pelvis")[-1] - human.place("pelvis")[0]
    assert way[1] > 1
    assert way @ human.turn("pelvis")[60][:, 2] > 2
    feet = human.contacts.reshape(-1, 2, 2).any(2)
    starts = np.argwhere(np.diff(feet, axis=0, prepend=False) & feet)
    # Each foot in turn, nine times, each time higher than the one before until both are at the top.
    assert [side for _, side in starts] == [0, 1] * 4 + [0]
    balls = np.stack([human.place(f"{side}_foot")[:, 1] for side in ("left", "right")], 1)
    rises = np.diff([balls[frame, side] for frame, side in starts])
    assert (rises[:-1] > 0.1).all()
    assert abs(rises[-1]) < 0.05
    # Half of the labels are of a foot in the air, which is said.
    assert "of the feet labelled as resting, 47% move as in the air" in caplog.text
    alone = human_of_clip(replace(clip, contacts=None), body).contacts.reshape(-1, 2, 2).any(2)
    assert feet.sum() > 1.5 * alone.sum()

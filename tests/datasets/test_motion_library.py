"""The library of motions and the batches planned of it: bad files, splits, what is warned of."""

import pickle
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from mocap.datasets.motions import motion_sources
from mocap.datasets.synthetic import synthesize
from mocap.datasets.synthetic.batches import Batch
from mocap.datasets.synthetic.library import Motion, read_library
from mocap.errors import MocapError


def upright(path: Path, frames: int = 12, **more) -> Path:
    """Write somebody who stands, as AMASS has it: +Z is up."""
    poses = np.zeros((frames, 156))
    poses[:, 0] = np.pi / 2
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path, **{"poses": poses, "trans": np.zeros((frames, 3)), "mocap_framerate": 30.0} | more
    )
    return path


def aistpp(path: Path, frames: int = 8, **more) -> Path:
    """Write somebody who stands, as AIST++ has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "smpl_poses": np.zeros((frames, 72), np.float32),
        "smpl_trans": np.zeros((frames, 3), np.float32),
        "smpl_scaling": np.ones(1, np.float32),
    }
    path.write_bytes(pickle.dumps(content | more))
    return path


#: A person of BVH, a line of numbers to follow.
_BVH = "HIERARCHY\nROOT Hips\n{\n OFFSET 0 0 0\n CHANNELS 6 Xposition Yposition Zposition" + (
    " Zrotation Xrotation Yrotation\n"
)
for _side, _x in (("Left", 1), ("Right", -1)):
    _BVH += (
        f" JOINT {_side}UpLeg\n {{\n OFFSET {_x} 0 0\n CHANNELS 3 Zrotation Xrotation Yrotation\n"
    )
    _BVH += f" JOINT {_side}Leg\n {{\n OFFSET 0 -4 0\n CHANNELS 3 Zrotation Xrotation Yrotation\n"
    _BVH += f" JOINT {_side}Foot\n {{\n OFFSET 0 -4 0\n CHANNELS 3 Zrotation Xrotation Yrotation\n"
    _BVH += " End Site\n {\n OFFSET 0 0 1\n }\n }\n }\n }\n"
_BVH += "}\nMOTION\nFrames: 3\nFrame Time: 0.033333\n"


def test_one_bad_file_stops_no_other(tmp_path, body, caplog):
    upright(tmp_path / "a" / "good.npz")
    upright(tmp_path / "a" / "still.npz", frames=1)
    upright(tmp_path / "b" / "still.npz", frames=1)
    upright(tmp_path / "a" / "lost.npz", trans=np.full((12, 3), np.nan))
    upright(tmp_path / "a" / "flat.npz", poses=np.zeros(12))
    (tmp_path / "a" / "text.npz").write_text("no archive")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "nothing.bvh").write_text("HIERARCHY of nothing")
    (tmp_path / "c" / "nan.bvh").write_text(_BVH + "\n".join([" ".join(["nan"] * 24)] * 3))
    aistpp(tmp_path / "d" / "nan.pkl", smpl_trans=np.full((8, 3), np.inf))
    aistpp(tmp_path / "d" / "size.pkl", smpl_scaling=np.zeros(1))
    aistpp(tmp_path / "d" / "good.pkl")
    # What AMASS keeps beside its motions is not worth a word.
    np.savez(tmp_path / "a" / "shape.npz", betas=np.zeros(16))
    told = []
    found = read_library([tmp_path], body, progress=lambda *of: told.append(of))
    assert sorted(motion.name for motion in found) == ["good", "good"]
    left_out = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    for name in (
        *("a/still.npz", "b/still.npz", "lost.npz", "flat.npz", "text.npz", "nothing.bvh"),
        *("nan.bvh", "nan.pkl", "size.pkl"),
    ):
        assert sum(name in line for line in left_out) == 1, name
    assert len(left_out) == 9
    assert told[-1] == ("motions", 11, 11)


def test_a_motion_that_no_body_can_follow_is_left_out(tmp_path, body, caplog, monkeypatch):
    retarget = import_module("mocap.datasets.motions.retarget")
    solved = retarget._solved

    def failing(clip, *arguments):
        if clip.name == "odd":
            raise np.linalg.LinAlgError("SVD did not converge")
        return solved(clip, *arguments)

    monkeypatch.setattr(retarget, "_solved", failing)
    upright(tmp_path / "a" / "odd.npz")
    with pytest.raises(MocapError, match=r"odd\.npz: odd: no body can follow it: SVD"):
        read_library([tmp_path], body)
    upright(tmp_path / "a" / "good.npz")
    assert [motion.name for motion in read_library([tmp_path], body)] == ["good"]
    assert "odd.npz: odd: no body can follow it" in caplog.text


def test_where_nothing_can_be_read_the_first_reason_is_told(tmp_path, body):
    for name in ("a", "b"):
        upright(tmp_path / name / "still.npz", frames=1)
    with pytest.raises(MocapError, match=r"not one can be read; the first: .*a.still\.npz"):
        read_library([tmp_path], body)
    shape = tmp_path / "shape.npz"
    np.savez(shape, betas=np.zeros(16))
    with pytest.raises(MocapError, match=r"shape\.npz: is no AMASS motion: it holds no poses"):
        read_library([shape, tmp_path], body)
    with pytest.raises(MocapError, match=r"nope: no such file or folder"):
        read_library([tmp_path / "nope"], body)


def test_the_root_of_aistpp_is_no_folder_of_test_data(tmp_path, body, caplog):
    for name in ("gBR_sBM_cAll_d04_mBR0_ch01", "gBR_sBM_cAll_d05_mBR0_ch01"):
        aistpp(tmp_path / "motions" / f"{name}.pkl")
        for other in ("keypoints2d", "keypoints3d"):
            (tmp_path / other).mkdir(exist_ok=True)
            content = {other: np.zeros((3, 17, 3))}
            (tmp_path / other / f"{name}.pkl").write_bytes(pickle.dumps(content))
    (tmp_path / "cameras").mkdir()
    (tmp_path / "cameras" / "mapping.txt").write_text("a setting1")
    found = read_library([tmp_path], body)
    assert [motion.performer for motion in found] == ["d04", "d05"]
    assert not caplog.records


def test_any_part_of_the_test_data_is_read_as_there(data_dir, body):
    motions = data_dir / "motions"
    parts = {
        "deepmimic": ("deepmimic", {"deepmimic"}),
        "climbing/mocap_climb_seq_4_joint_positions_f0-2303.npy": ("climbing", {"climber"}),
        "more/cmu/05": ("cmu", {"cmu-05"}),
        "cmu_bvh11": ("cmu_bvh11", {"cmu-131"}),
    }
    every = {source.path for source in motion_sources(data_dir, body)}
    for name, (corpus, performers) in parts.items():
        found = motion_sources(motions / name, body)
        assert {source.corpus for source in found} == {corpus}, name
        assert {source.performer for source in found} == performers
        assert {source.path for source in found} <= every
    [one] = motion_sources(next(iter(sorted((motions / "more/cmu").glob("*/*.amc")))), body)
    assert one.corpus == "cmu"


def test_a_folder_that_is_called_as_a_corpus_is_a_folder(tmp_path, body):
    for name in ("alice", "perfume", "climbing"):
        upright(tmp_path / "motions" / name / "stand.npz")
        (tmp_path / "motions" / name / "walk.bvh").write_text("HIERARCHY")
    for path in (tmp_path, tmp_path / "motions"):
        found = motion_sources(path, body)
        assert [source.performer for source in found] == [
            *["alice"] * 2, *["climbing"] * 2, *["perfume"] * 2
        ]  # fmt: skip


def test_a_mistyped_path_does_not_spoil_the_store(tmp_path):
    upright(tmp_path / "m" / "someone" / "stand.npz", 60)
    with pytest.raises(MocapError, match="mm: no such file or folder"):
        synthesize([tmp_path / "mm"], tmp_path / "store", frames=1, workers=1)
    told = []
    made = synthesize(
        [tmp_path / "m"], tmp_path / "store", frames=1, workers=1,
        progress=lambda *of: told.append(of),
    )  # fmt: skip
    assert len(made.made) == 1
    # A batch is a batch, however many pairs it turns out to have.
    assert told[-1] == ("batches", 1, 1)


@pytest.fixture
def planned(tmp_path, monkeypatch, body):
    """What batches would be made of performers of some splits."""
    module = import_module("mocap.datasets.synthetic.synthesize")
    still = Motion("still", "", "", np.zeros((2, 22, 3)), np.zeros((2, 3)))

    def plan(name: str, frames: int, *splits: str) -> list[Batch]:
        given = []
        monkeypatch.setattr(module, "run_items", lambda items, *_, **__: given.extend(items))
        library = [replace(still, performer=split, split=split) for split in splits]
        monkeypatch.setattr(module, "read_library", lambda *_, **__: library)
        monkeypatch.setattr(module, "digest_of", lambda *_, **__: "")
        monkeypatch.setattr(module, "load_body", lambda: body)
        module.synthesize([tmp_path], tmp_path / name, frames=frames)
        return given

    return plan


def test_small_stores_have_pairs_of_every_split(planned, caplog):
    caplog.set_level("INFO", logger="mocap")
    splits = [batch.split for batch in planned("a", 6 * 140, "train", "val", "test", "test")]
    assert splits == ["train", "train", "test", "train", "train", "val"]
    assert "test: 1 performers, 2 clips" in caplog.text
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    splits = [batch.split for batch in planned("b", 2000 * 140, "train", "val", "test")]
    assert (splits.count("val"), splits.count("test")) == (100, 200)


def test_it_is_told_when_nobody_is_held_out(planned, caplog):
    planned("a", 1000, "train")
    assert "nobody is held out for val and test: that takes three performers" in caplog.text
    caplog.clear()
    planned("b", 1000, "train", "val")
    assert "nobody is held out for test: that takes" in caplog.text


def test_it_is_told_when_frames_are_too_few_for_a_test(planned, caplog):
    planned("a", 280, "train", "val", "test")
    assert "280 frames are too few for any pairs for val and test: ask for 701" in caplog.text
    caplog.clear()
    planned("b", 281, "train", "test")
    assert "too few" not in caplog.text

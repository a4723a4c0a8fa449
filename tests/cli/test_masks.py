"""``mocap masks``: masks into the take, looked at and told of; what cannot be done is said."""

import json
import shutil

import numpy as np
import torch
from h5py import File

from mocap.take import Take
from mocap.video import open_video


def test_masks_go_into_the_take(mocap, extracted, tmp_path):
    take, overlay = extracted / "take.h5", tmp_path / "outlines.mp4"
    before = take.stat().st_size
    ended = mocap("masks", take, "--overlay", overlay)
    assert ended.code == 0, ended.err
    assert "person-1: masks of 20 of 20 frames" in ended.out
    assert "outlining people: 20 frames" in ended.err
    masks = Take.load(take).people["person-1"].masks
    assert masks.known.all()
    box = Take.load(take).people["person-1"].box[10]
    rows, columns = np.nonzero(masks.at(10))
    assert np.abs([columns.min(), columns.max()] - box[[0, 2]]).max() < 30
    assert box[1] - 40 < rows.min() < rows.max() < box[3] + 30
    assert take.stat().st_size - before < 60_000
    with open_video(overlay) as video:
        assert sum(1 for _ in video) == 20

    told = json.loads(mocap("info", take, "--json").out)
    assert told["people"][0]["masks"] == {"source": masks.source, "known": 1.0}
    assert "person-1 in 100% of the frames, by mediapipe pose" in mocap("info", take).out


def test_a_take_without_masks_says_so(mocap, extracted):
    assert "masks   none" in mocap("info", extracted / "take.h5").out
    told = json.loads(mocap("info", extracted / "take.h5", "--json").out)
    assert told["people"][0]["masks"] is None


def test_a_clip_that_was_moved_is_named(mocap, extracted, clip, tmp_path):
    take = extracted / "take.h5"
    with File(take, "r+") as file:
        file["video"].attrs["path"] = str(tmp_path / "gone.mp4")
    before = take.read_bytes()
    ended = mocap("masks", take)
    assert ended.code == 1
    assert "gone.mp4: is not there any more; say by --video" in ended.err
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes() + b"\0")
    ended = mocap("masks", take, "--video", other)
    assert ended.code == 1
    assert "other.mp4: is not the video that the take was made from" in ended.err
    assert take.read_bytes() == before
    moved = shutil.copy(clip, tmp_path / "moved.mp4")
    assert mocap("masks", take, "--video", moved).code == 0
    assert Take.load(take).people["person-1"].masks is not None


def test_what_cannot_be_done_is_said_in_a_line(mocap, extracted, tmp_path, monkeypatch):
    take, weights = extracted / "take.h5", tmp_path / "weights.pt"
    before = take.read_bytes()
    monkeypatch.delenv("MOCAP_SAM2_CHECKPOINT", raising=False)
    monkeypatch.delenv("MOCAP_OFFICIAL_MODELS", raising=False)
    torch.save({"model": {}}, weights)
    for arguments, code, said in (
        (("--checkpoint", weights), 2, "is for --source sam2"),
        (("--source", "sam3"), 2, "'sam3' is not one of light, sam2"),
        (("--source", "sam2", "--checkpoint", tmp_path / "no.pt"), 1, "no such checkpoint"),
        (("--source", "sam2", "--checkpoint", weights), 1, "is no checkpoint of SAM 2"),
        (("--overlay", tmp_path / "outlines.gif"), 1, "only MP4 can be written"),
        (("--body", weights), 1, "weights.pt"),
    ):
        ended = mocap("masks", take, *arguments)
        assert ended.code == code, ended.err
        assert said in ended.err.replace("\n", " ")
        assert "Traceback" not in ended.err
    assert take.read_bytes() == before


def test_a_take_that_was_not_fitted(mocap, extracted):
    path = extracted / "take.h5"
    with File(path, "r+") as file:
        del file["people/person-1/body"]
    ended = mocap("masks", path)
    assert ended.code == 1
    assert "nobody's motion yet; `mocap fit` makes it" in ended.err

"""``mocap evaluate picture``: what it prints, writes and refuses."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
from h5py import File

from mocap.avatar import surface_avatar, write_avatar
from mocap.evaluate import PersonAgreement
from mocap.take import Take
from mocap.video import VideoWriter


def test_help_teaches(mocap):
    ended = mocap("evaluate", "picture", "--help")
    assert ended.code == 0
    for said in ("Examples", "Needs no truth", "--avatars", "SAM 2"):
        assert said in ended.out
    assert "evaluate picture" in mocap("evaluate", "--help").out


def test_a_take_beside_its_clip(mocap, extracted, tmp_path):
    take, figures = extracted / "take.h5", tmp_path / "figures.json"
    before = take.read_bytes()
    ended = mocap("evaluate", "picture", take, "--every", 4, "--json", figures)
    assert ended.code == 0, ended.err
    assert re.search(r"on the person +yes$", ended.out, re.M)
    assert re.search(r"mask IoU with clothes, mean +0\.[78]\d\d$", ended.out, re.M)
    assert re.search(r"frames, of them with a mask +5, 100%$", ended.out, re.M)
    assert "PSNR" not in ended.out
    assert ended.out.splitlines()[-1] == "person-1 lies on the people in the clip"
    assert "comparing with the clip: 20 frames" in ended.err
    told = json.loads(figures.read_text(encoding="utf-8"))
    (person,) = told["people"]
    assert set(person) == set(PersonAgreement.__dataclass_fields__)
    assert [one["frame"] for one in person["each"]] == [0, 4, 8, 12, 16]
    assert person["psnr_db"] is None
    assert take.read_bytes() == before


def test_a_body_elsewhere_is_an_error(mocap, extracted):
    path = extracted / "take.h5"
    take = Take.load(path)
    person = take.people["person-1"]
    aside = 0.4 * take.camera.R[0, 0]
    moved = replace(person.body, transl=person.body.transl + aside)
    people = {"person-1": replace(person, body=moved)}
    replace(take, people=people).save(path)
    ended = mocap("evaluate", "picture", path, "--every", 5)
    assert ended.code == 1
    assert re.search(r"on the person +NO$", ended.out, re.M)
    assert "the bodies of person-1 do not lie on the people in the clip" in ended.err
    assert mocap("evaluate", "picture", path, "--every", 5, "--least", 0.05).code == 0


def test_masks_held_to_the_bodies_are_not_used(mocap, extracted):
    take = extracted / "take.h5"
    assert mocap("masks", take).code == 0
    ended = mocap("evaluate", "picture", take, "--every", 10)
    assert ended.code == 0
    assert ended.out.startswith("people in the picture by mediapipe pose")
    assert "alone" in ended.out.splitlines()[0]


def test_avatars_in_a_video(mocap, extracted, tmp_path):
    """Of a video without anybody in it there are figures, and they are bad."""
    take, avatars = extracted / "take.h5", tmp_path / "avatars.mp4"
    video = Take.load(take).video
    with VideoWriter(avatars, video.width, video.height, video.fps) as writer:
        for _ in range(20):
            writer.write(np.zeros((video.height, video.width, 3), np.uint8))
    ended = mocap("evaluate", "picture", take, "--every", 10, "--avatars", avatars)
    assert ended.code == 0
    assert re.search(r"avatar, PSNR \(dB\) +\d\.\d$|avatar, PSNR \(dB\) +1\d\.\d$", ended.out, re.M)
    assert re.search(r"avatar, mask IoU +0\.000$", ended.out, re.M)


def test_who_has_no_avatar_is_measured_against_none(mocap, extracted, body, tmp_path):
    take, figures = extracted / "take.h5", tmp_path / "figures.json"
    found = Take.load(take)
    one = found.people["person-1"]
    # Somebody else, out of the picture, of whom there is an avatar.
    other = replace(
        one,
        id="person-2",
        body=replace(one.body, transl=one.body.transl + 9 * found.camera.R[0, 0]),
        observed=np.zeros_like(one.observed),
        box=np.full_like(one.box, np.nan),
        keypoints2d=replace(one.keypoints2d, xy=np.full_like(one.keypoints2d.xy, np.nan)),
    )
    replace(found, people={"person-1": one, "person-2": other}).save(take)
    path = tmp_path / "person-2.ply"
    write_avatar(surface_avatar(body, body.betas_for_height(1.7), 600, name="person-2"), path)
    ended = mocap(
        *("evaluate", "picture", take, "--every", 10, "--avatars", path, "--json", figures)
    )
    assert ended.code == 0, ended.err
    assert f"{path}: has no avatar of person-1, so none is measured of them" in ended.out
    assert "PSNR" not in ended.out
    person = json.loads(figures.read_text(encoding="utf-8"))["people"][0]
    assert (person["psnr_db"], person["ssim"], person["avatar_iou"]) == (None, None, None)
    assert person["iou"] > 0.5


def test_what_cannot_be_done_is_said_in_a_line(mocap, extracted, clip, tmp_path):
    take = extracted / "take.h5"
    other, small = tmp_path / "other.mp4", tmp_path / "small.mp4"
    other.write_bytes(clip.read_bytes() + b"\0")
    with VideoWriter(small, 64, 64, 30.0) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    bare = shutil.copy(take, tmp_path / "bare.h5")
    with File(bare, "r+") as file:
        del file["people/person-1/body"]
    undetected = shutil.copy(take, tmp_path / "undetected.h5")
    with File(undetected, "r+") as file:
        del file["people/person-1/keypoints2d"]
    for path, arguments, code, said in (
        (take, ("--video", other), 1, "other.mp4: is not the video that the take was made from"),
        (take, ("--video", tmp_path / "no.mp4"), 1, "no.mp4: is not there any more"),
        (take, ("--person", "person-7"), 1, "has nobody named person-7; there are person-1"),
        (take, ("--avatars", small), 1, "render it as large as the clip"),
        (take, ("--avatars", tmp_path / "no.mp4"), 1, "no.mp4"),
        (take, ("--json", take), 2, "would be written over what is read"),
        (take, ("--every", 0), 2, "--every"),
        (bare, (), 1, "nobody's motion yet; `mocap fit` makes it"),
        (undetected, (), 1, "where in the picture anybody was detected"),
        (tmp_path / "none.h5", (), 1, "none.h5: no such take file"),
    ):
        ended = mocap("evaluate", "picture", path, *arguments)
        assert ended.code == code, ended.err
        assert said in ended.err.replace("\n", " "), ended.err
        assert "Traceback" not in ended.err

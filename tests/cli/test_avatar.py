"""``mocap avatar``: made from a clip, moved by it and by others, and looking back at it."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from mocap.avatar import act_of, surface_avatar, write_avatar
from mocap.avatar.file import read_avatar
from mocap.body import Body
from mocap.take import Take
from mocap.video import open_video

from .conftest import PATIENCE, start


@pytest.fixture(scope="module")
def grey(body: Body, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An avatar without a clip, small and quick."""
    path = tmp_path_factory.mktemp("avatars") / "grey.ply"
    avatar = surface_avatar(body, body.betas_for_height(1.6), 600, name="grey")
    return write_avatar(avatar, path)[0]


def pictures(film: Path) -> list[np.ndarray]:
    with open_video(film) as video:
        return [frame.image.astype(float) for frame in video]


def test_a_clip_becomes_an_avatar_that_moves_in_it(mocap, extracted, body, tmp_path):
    take = extracted / "take.h5"
    made = mocap("avatar", "create", take, "--gaussians", 2000, "--looks", 6)
    assert made.code == 0, made.err
    assert "2000 Gaussians from 6 pictures" in made.out
    assert "has no masks yet; they are made and kept in it" in made.err
    assert Take.load(take).people["person-1"].masks is not None
    path = extracted / "avatars" / "person-1.ply"
    avatar = read_avatar(path, body)
    assert avatar.name == "person-1"
    assert len(avatar) == 2000
    # Somebody in colours, not the grey they begin in.
    assert avatar.gaussians.harmonics.std() > 0.1

    over = tmp_path / "over.mp4"
    filmed = mocap(
        "avatar", "animate", path, "--motion", take, "--camera", "original", "--out", over
    )
    assert filmed.code == 0, filmed.err
    clip = Take.load(take)
    shown = pictures(over)
    assert len(shown) == len(clip.video.timestamps)
    assert shown[0].shape[:2] == (clip.video.height, clip.video.width)
    seen = pictures(Path(clip.video.path))
    mask = clip.people["person-1"].masks.at(10)
    # It is in the place of the person, in about the person's colours; elsewhere the clip is left.
    off = np.abs(shown[10] - seen[10]).mean(-1)
    assert 4 < off[mask].mean() < 60
    assert off[~mask].mean() < 4

    better = tmp_path / "better.h5"
    refined = mocap("avatar", "refine", take, "--out", better)
    assert refined.code == 0, refined.err
    assert "person-1: " in refined.out
    kept = Take.load(better)
    assert kept.provenance[-1].name == "picture"
    gap = np.abs(kept.people["person-1"].body.joints - clip.people["person-1"].body.joints).max()
    assert gap < 0.3
    assert (gap == 0) == ("left as it was" in refined.out)


def test_avatars_dance(mocap, grey, tmp_path, data_dir):
    dance = data_dir / "motions" / "animated_drawings" / "fair1" / "wave_hello.bvh"
    film = tmp_path / "wave.mp4"
    ended = mocap("avatar", "animate", grey, "--motion", dance, "--size", "96x64", "--out", film)
    assert ended.code == 0, ended.err
    assert "filming avatars" in ended.err
    shown = pictures(film)
    assert f"{len(shown)} frames" in ended.out
    assert shown[0].shape == (64, 96, 3)
    # The camera goes round: the floor moves, and so does the avatar.
    assert np.abs(shown[0] - shown[len(shown) // 2]).max() > 40


def test_colours_behind_avatars(mocap, grey, extracted, tmp_path):
    for colour, wanted in (("white", 255), ("#000000", 0)):
        film = tmp_path / "film.mp4"
        ended = mocap(
            *("avatar", "animate", grey, "--motion", extracted / "take.h5", "--size", "64x64"),
            *("--background", colour, "--out", film),
        )
        assert ended.code == 0, ended.err
        assert np.abs(pictures(film)[0][0, 0] - wanted).max() < 6
    assert "grey moves as person-1" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "wide"), "'wide' is no size such as 960x720"),
        (("--size", "64x"), "'64x' is no size such as 960x720"),
        (("--size", "64x8"), "'64x8' is no size such as 960x720, from 16 to 4096"),
        (("--turns", "nan"), "'--turns': nan is no number"),
        (("--turns", "inf"), "'--turns': inf is not from -100 to 100"),
        (("--camera", "original", "--size", "64x64"), "--size is not for --camera original"),
        (("--camera", "original", "--turns", 1), "--turns is not for --camera original"),
        (("--camera", "cams.toml", "--turns", 1), "--turns is not for --camera cams.toml"),
        (("--background", "blueish"), "no colour such as #20c040"),
        (("--background", "clip"), "give --camera original"),
        (("--camera", "nowhere.toml"), "nor a calibration file that is there"),
        (("--person", "person-7"), "has no motion of 'person-7', only of person-1"),
        (("--out", "/proc/film.mp4"), "/proc: cannot be written"),
        (("--out", "film.gif"), "film.gif"),
    ],
)
def test_what_cannot_be_filmed_is_said(mocap, grey, extracted, tmp_path, arguments, words):
    film = () if "--out" in arguments else ("--out", tmp_path / "film.mp4")
    ended = mocap("avatar", "animate", grey, "--motion", extracted / "take.h5", *film, *arguments)
    assert ended.code in (1, 2)
    assert words in " ".join(ended.err.replace("│", " ").split())
    assert not list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "wide", "--out", "film.mp4"), "no size such as 960x720"),
        (("--out", "film.gif"), "give a name ending in .mp4"),
    ],
)
def test_bad_options_are_told_before_libraries_are_loaded(arguments, words):
    code = "import sys\nfrom mocap.cli import main\nmain(sys.argv[1:])\n"
    code += "print('torch' in sys.modules)"
    words_of = ("avatar", "animate", "anna.ply", "--motion", "walk.bvh", *arguments)
    ended = subprocess.run(
        [sys.executable, "-c", code, *words_of], capture_output=True, text=True, check=True
    )
    assert words in ended.stderr
    assert ended.stdout == "False\n"


CAMERA = """
[cam]
name = "left"
size = [1920, 1080]
matrix = [[1500.0, 0.0, 959.5], [0.0, 1500.0, 539.5], [0.0, 0.0, 1.0]]
rotation = [0.0, 3.14159265, 0.0]
translation = [0.0, -1.0, 4.0]
"""
#: Of a world that is upside down for a camera of OpenCV's.
UP = 'up_axis = "-Y"\n'


def test_a_calibrated_camera_tells_the_size(mocap, grey, extracted, tmp_path):
    cameras, film = tmp_path / "cameras.toml", tmp_path / "new" / "folder" / "film.mp4"
    shoot = ("avatar", "animate", grey, "--motion", extracted / "take.h5", "--out", film)
    cameras.write_text(CAMERA)
    ended = mocap(*shoot, "--camera", f"{cameras}:left")
    assert ended.code == 1
    assert "cameras.toml:left: does not tell where the camera is" in ended.err
    assert 'add up_axis (such as "+Y" or "+Z") to the file' in ended.err

    cameras.write_text(CAMERA + UP)
    ended = mocap(*shoot, "--camera", f"{cameras}:left", "--size", "640x480")
    assert ended.code == 1
    assert "--size 640x480: " in ended.err
    assert "calibrated for pictures of 1920x1080; give a size of that shape, such as" in ended.err
    assert "960x540, or none" in ended.err
    assert not film.parent.exists()
    ended = mocap(*shoot, "--camera", f"{cameras}:left")
    assert ended.code == 0, ended.err
    assert pictures(film)[0].shape == (540, 960, 3)
    ended = mocap(*shoot, "--camera", f"{cameras}:left", "--size", "96x54")
    assert ended.code == 0, ended.err
    assert pictures(film)[0].shape == (54, 96, 3)

    cameras.write_text((CAMERA + UP).replace("size = [1920, 1080]\n", ""))
    ended = mocap(*shoot, "--camera", f"{cameras}:left")
    assert ended.code == 1
    assert "does not tell how large its pictures are; give it by --size" in ended.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an NVIDIA GPU")
def test_without_a_gpu_none_is_used(mocap, grey, extracted, tmp_path):
    take, film = extracted / "take.h5", tmp_path / "film.mp4"
    size = ("--size", "64x64")
    for command in (
        ("animate", grey, "--motion", take, *size, "--out", film),
        ("mesh", grey, "--out", tmp_path / "mesh.ply"),
        ("create", take, "--out", tmp_path / "avatars"),
        ("refine", take, "--out", tmp_path / "refined.h5"),
    ):
        ended = mocap("avatar", *command, "--device", "cuda")
        assert ended.code == 1
        assert "--device cuda: PyTorch sees no NVIDIA GPU here; take --device cpu" in ended.err
    assert list(tmp_path.iterdir()) == [extracted]
    ended = mocap(
        *("avatar", "animate", grey, "--motion", take, *size, "--out", film, "--device", "auto")
    )
    assert ended.code == 0, ended.err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU")
def test_a_gpu_films_the_same(mocap, grey, extracted, tmp_path):
    pytest.importorskip("gsplat", reason="gsplat is not installed")
    films = []
    for device in ("cpu", "cuda"):
        films.append(tmp_path / f"{device}.mp4")
        ended = mocap(
            *("avatar", "animate", grey, "--motion", extracted / "take.h5", "--size", "96x64"),
            *("--device", device, "--out", films[-1]),
        )
        assert ended.code == 0, ended.err
    ours, theirs = (np.stack(pictures(film)) for film in films)
    assert np.abs(ours - theirs).mean() < 1


def test_motion_files_have_no_camera(mocap, grey, tmp_path, data_dir):
    wave = data_dir / "motions" / "animated_drawings" / "fair1" / "wave_hello.bvh"
    ended = mocap(
        *("avatar", "animate", grey, "--motion", wave, "--camera", "original"),
        *("--out", tmp_path / "film.mp4"),
    )
    assert ended.code == 1
    assert "wave_hello.bvh: has no camera; film it with --camera orbit" in ended.err


def test_a_motion_file_has_nobody_to_choose_and_a_folder_no_mesh(mocap, grey, tmp_path, data_dir):
    wave = data_dir / "motions" / "animated_drawings" / "fair1" / "wave_hello.bvh"
    film = ("--out", tmp_path / "film.mp4")
    ended = mocap("avatar", "animate", grey, "--motion", wave, "--person", "person-1", *film)
    assert ended.code == 1
    assert "is the motion of one person; --person is for a take" in ended.err
    ended = mocap("avatar", "mesh", grey.parent, "--out", tmp_path / "mesh.ply")
    assert ended.code == 1
    assert "is a folder; name one of the avatars in it: grey.ply" in ended.err


def test_meshes_and_empty_folders_are_no_avatars(mocap, extracted, tmp_path):
    (tmp_path / "cube.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
        "property float z\nend_header\n0 0 0\n"
    )
    motion = ("--motion", extracted / "take.h5", "--out", tmp_path / "film.mp4")
    ended = mocap("avatar", "animate", tmp_path / "cube.ply", *motion)
    assert ended.code == 1
    assert "cube.ply: is a mesh or a point cloud" in ended.err
    (tmp_path / "none").mkdir()
    ended = mocap("avatar", "animate", tmp_path / "none", *motion)
    assert ended.code == 1
    assert "holds no avatar (.ply); `mocap avatar create` makes them" in ended.err


def test_nobody_else_is_made_or_refined(mocap, extracted, tmp_path):
    take = shutil.copy(extracted / "take.h5", tmp_path / "take.h5")
    ended = mocap("avatar", "refine", take, "--out", take)
    assert ended.code == 1
    assert "is the take itself; give the corrected one another name" in ended.err
    ended = mocap("avatar", "refine", take, "--out", tmp_path / "take.bvh")
    assert ended.code == 1
    assert "a take's name ends in .h5" in ended.err
    ended = mocap("avatar", "refine", take, "--avatars", take)
    assert ended.code == 1
    assert "is no folder; give that of the avatars by --avatars" in ended.err
    ended = mocap("avatar", "create", take, "--person", "anna")
    assert ended.code == 1
    assert "the take has no 'anna', only person-1" in ended.err
    assert not (tmp_path / "avatars").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("refine", "."), ".: is no name of its own; name the take's file"),
        (("bind", "GREY", "--out", "."), ".: an avatar's name ends in .ply"),
        (("bind", ".", "--out", "a.ply"), ".: is not there, or no file; name an avatar's file"),
        (("mesh", "GREY", "--out", "."), ".: a mesh's name ends in .ply, .obj or .glb"),
        (("mesh", "GREY", "--motion", "TAKE", "--out", "."), ".: is no name of its own"),
        (("mesh", "GREY", "--motion", "TAKE", "--out", ".."), "..: is no name of its own"),
        (("mesh", "GREY", "--out", "folder.ply"), "folder.ply: is a folder; name a file"),
        (("mesh", "GREY", "--out", "/proc/mesh.ply"), "/proc: cannot be written"),
        (("mesh", "GREY", "--fps", 25, "--out", "a.ply"), "--fps is for a --motion"),
        (("mesh", "GREY", "--person", "person-1", "--out", "a.ply"), "--person is for a --motion"),
        (
            ("mesh", "GREY", "--motion", "TAKE", "--fps", 25, "--out", "meshes"),
            "take.h5: a take has a rate of its own; --fps is for a motion file",
        ),
        (
            ("animate", "GREY", "--motion", "TAKE", "--fps", 25, "--out", "a.mp4"),
            "take.h5: a take has a rate of its own; --fps is for a motion file",
        ),
    ],
    ids=lambda one: " ".join(map(str, one)) if isinstance(one, tuple) else "",
)
def test_what_cannot_be_is_said_in_a_line_before_work_begins(
    mocap, grey, extracted, monkeypatch, arguments, words
):
    monkeypatch.chdir(extracted)
    (extracted / "folder.ply").mkdir()
    before = sorted(extracted.iterdir())
    places = {"GREY": grey, "TAKE": "take.h5"}
    ended = mocap("avatar", *(places.get(one, one) for one in arguments))
    assert ended.code == 1
    (line,) = [line for line in ended.err.splitlines() if line]
    assert words in line
    assert sorted(extracted.iterdir()) == before


def test_an_unfinished_sequence_goes_on_with_the_same_motion_only(
    mocap, body, grey, extracted, tmp_path
):
    path, folder = extracted / "take.h5", tmp_path / "meshes"
    unfinished = tmp_path / "meshes.unfinished"
    sequence = ("--motion", path, "--every", 100, "--resolution", 40, "--out", folder)

    def left_off(source: str) -> None:
        record = {"source": source, "kind": "ply", "cameras": 24, "resolution": 0.04}
        unfinished.mkdir()
        (unfinished / "sequence.json").write_text(json.dumps(record))
        (unfinished / "000000.ply").write_text("made before")

    take = Take.load(path)
    person = take.people["person-1"]
    source = act_of(read_avatar(grey, body), person).fingerprint()
    left_off(source)
    assert mocap("avatar", "mesh", grey, *sequence).code == 0
    assert (folder / "000000.ply").read_text() == "made before"

    # The file is called the same, and only one frame of it is another.
    turned = person.body.body_pose.copy()
    turned[-1, 0] += 0.01
    changed = replace(person, body=replace(person.body, body_pose=turned))
    replace(take, people={"person-1": changed}).save(path)
    left_off(source)
    assert mocap("avatar", "mesh", grey, *sequence).code == 0
    assert trimesh.load(folder / "000000.ply").is_watertight

    # The splat is the same, and what moves it is not.
    avatar = read_avatar(grey, body)
    other = Path(shutil.copy(grey, tmp_path / "grey.ply"))
    weights = avatar.binding.weights.roll(1, 1)
    write_avatar(replace(avatar, binding=replace(avatar.binding, weights=weights)), other)
    assert other.read_bytes() == grey.read_bytes()
    left_off(act_of(avatar, changed).fingerprint())
    assert mocap("avatar", "mesh", other, *sequence).code == 0
    assert (folder / "000000.ply").read_bytes() != b"made before"


def test_the_motion_of_meshes_may_be_a_folder_and_its_rate_told(mocap, grey, tmp_path, data_dir):
    wave = data_dir / "motions" / "animated_drawings" / "fair1" / "wave_hello.bvh"
    (tmp_path / "waves").mkdir()
    shutil.copy(wave, tmp_path / "waves")
    ended = mocap(
        *("avatar", "mesh", grey, "--motion", tmp_path / "waves", "--fps", 25),
        *("--every", 10_000, "--resolution", 40, "--out", tmp_path / "meshes"),
    )
    assert ended.code == 0, ended.err
    assert trimesh.load(tmp_path / "meshes" / "000000.ply").is_watertight


def test_an_avatar_has_a_mesh_at_rest_and_in_motion(mocap, grey, extracted, tmp_path):
    ended = mocap("avatar", "mesh", grey, "--out", tmp_path / "rest.glb", "--resolution", 20)
    assert ended.code == 0, ended.err
    scene = trimesh.load(tmp_path / "rest.glb")
    assert 1.5 < scene.extents[1] < 1.7
    folder = tmp_path / "meshes"
    ended = mocap(
        *("avatar", "mesh", grey, "--motion", extracted / "take.h5", "--every", 10),
        *("--resolution", 20, "--format", "obj", "--out", folder),
    )
    assert ended.code == 0, ended.err
    assert "2 meshes" in ended.out
    assert sorted(file.name for file in folder.glob("*.obj")) == ["000000.obj", "000010.obj"]
    assert trimesh.load(folder / "000010.obj").is_watertight
    ended = mocap("avatar", "mesh", grey, "--out", tmp_path / "rest.stl")
    assert ended.code == 1
    assert "rest.stl: a mesh's name ends in .ply, .obj or .glb" in ended.err
    ended = mocap("avatar", "mesh", grey, "--out", grey)
    assert ended.code == 1
    assert "is the avatar itself" in ended.err


def test_no_mesh_replaces_another_avatar(mocap, grey, tmp_path):
    for name in ("grey.ply", "grey.binding.npz"):
        shutil.copy(grey.with_name(name), tmp_path / name.replace("grey", "anna"))
    anna = tmp_path / "anna.ply"
    before = anna.read_bytes()
    ended = mocap("avatar", "mesh", grey, "--out", anna, "--resolution", 50)
    assert ended.code == 1
    assert "anna.ply: is an avatar, which anna.binding.npz beside it binds; give the" in ended.err
    assert anna.read_bytes() == before
    # Of another kind, it is not in the way.
    ended = mocap("avatar", "mesh", grey, "--out", tmp_path / "anna.glb", "--resolution", 50)
    assert ended.code == 0, ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_who_stops_a_sequence_is_told_how_it_goes_on(grey, data_dir, tmp_path):
    wave = data_dir / "motions" / "animated_drawings" / "fair1" / "wave_hello.bvh"
    folder = tmp_path / "meshes"
    process = start("avatar", "mesh", grey, "--motion", wave, "--resolution", 50, "--out", folder)
    unfinished = tmp_path / "meshes.unfinished"
    ends = time.monotonic() + PATIENCE
    while not list(unfinished.glob("*.ply")) and time.monotonic() < ends:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        f"stopped; what was finished is in {unfinished}, and the same command goes on from it"
    )
    assert not folder.exists()

"""``mocap export``: every format and option, and what it refuses."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import embodied, make_take

from mocap.body import load_body
from mocap.cli.export import Format, PresetName
from mocap.exporters import FORMATS, PRESETS, read_bvh

from .conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def take_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    take = embodied(make_take(people=2, frames=31), load_body())
    return take.save(tmp_path_factory.mktemp("take") / "take.h5")


def test_the_command_knows_every_format_and_preset() -> None:
    assert [kind.value for kind in Format] == list(FORMATS)
    assert [preset.value for preset in PresetName] == list(PRESETS)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_written(mocap: Run, take_file: Path, tmp_path: Path, kind: str) -> None:
    ended = mocap("export", take_file, "--format", kind, "--out", tmp_path / "out", "--to", 0.1)
    assert ended.code == 0, ended.err
    written = [Path(line) for line in ended.out.splitlines()]
    assert written
    for path in written:
        assert path.exists()
        assert path.parent == tmp_path / "out"


def test_options_reach_the_file(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export = ("export", take_file, "--format", "bvh", "--out", out, "--person", "person-2")
    ended = mocap(*export, "--preset", "unity", "--from", 0.2, "--to", 0.5, "--mirror")
    assert ended == Ended(0, f"{out / 'person-2.bvh'}\n", ended.err)
    motion = read_bvh(out / "person-2.bvh", units="m")
    assert motion.names[0] == "Hips"
    assert len(motion) == 10
    assert motion.root_position[:, 0].max() < 0 < motion.root_position[:, 1].min()
    assert mocap(*export, "--root-motion").code == 0
    motion = read_bvh(out / "person-2.bvh")
    assert motion.names[:2] == ("root", "pelvis")
    np.testing.assert_allclose(motion.root_position[:, 1], 0.0, atol=1e-6)
    assert mocap(*export, "--loop").code == 0
    assert len(read_bvh(out / "person-2.bvh")) == 31 - 12


def test_everybody_goes_into_one_file(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    ended = mocap("export", take_file, "--format", "glb", "--together", "--out", tmp_path)
    assert ended.out == f"{tmp_path / 'take.glb'}\n"
    whole = (tmp_path / "take.glb").stat().st_size
    ended = mocap(
        "export", take_file, "--format", "glb", "--together", "--no-mesh", "--out", tmp_path
    )
    assert (tmp_path / "take.glb").stat().st_size < 0.5 * whole


@pytest.mark.parametrize(
    ("options", "code", "fault"),
    [
        (("--format", "bvh", "--together"), 1, "a file of bvh holds one person"),
        (("--format", "amass", "--preset", "mixamo"), 1, "which no preset changes"),
        (("--format", "bvh", "--from", 30), 1, "nobody is seen in this part of the clip"),
        (("--format", "bvh", "--from", 2, "--to", 1), 2, "1 is before --from 2"),
        (("--format", "bvh", "--loop", "--to", 0.3), 1, "are too short to loop"),
        (("--format", "fbx", "--body", "none.npz"), 1, "none.npz"),
        (("--format", "fbx", "--preset", "maya"), 2, "maya"),
    ],
)
def test_what_is_not_possible_is_refused(
    mocap: Run, take_file: Path, tmp_path: Path, options: tuple[object, ...], code: int, fault: str
) -> None:
    ended = mocap("export", take_file, "--out", tmp_path / "out", *options)
    assert ended.code == code
    assert fault in re.sub(r"[\s│]+", " ", ended.err)
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_who_is_not_there_in_a_part_is_told(mocap: Run, tmp_path: Path) -> None:
    times = np.arange(60) / 30
    early = make_take(frames=40, timestamps=times)
    late = make_take(people=2, frames=20, first_frame=40, timestamps=times)
    people = {"person-1": early.people["person-1"], "person-2": late.people["person-2"]}
    path = replace(early, people=people).save(tmp_path / "take.h5")
    ended = mocap("export", path, "--format", "bvh", "--out", tmp_path / "out", "--to", 1)
    assert ended.code == 0, ended.err
    assert "person-2 is not seen in this part of the clip" in ended.err
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["person-1.bvh"]


def test_a_rig_is_moved_without_a_surface(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out", "--person", "person-1")
    export = ("export", take_file, "--format")
    assert mocap(*export, "glb", "--preset", "unity", "--no-mesh", *out).code == 0
    hero = (tmp_path / "out" / "person-1.glb").rename(tmp_path / "hero.glb")
    ended = mocap(*export, "bvh", "--rig", hero, *out)
    assert ended == Ended(0, f"{tmp_path / 'out' / 'person-1.bvh'}\n", ended.err)
    motion = read_bvh(tmp_path / "out" / "person-1.bvh", units="m")
    assert motion.names[0] == "Hips"
    assert len(motion) == 31
    for options, fault in (
        (("glb", "--rig", tmp_path / "none.glb"), "there is no such file"),
        (("glb", "--rig", take_file), "a rig is a BVH, FBX or GLB file"),
        (("glb", "--rig", hero, "--preset", "unreal"), "choose it or the preset unreal"),
        (("ply", "--rig", hero), "ply holds no rig's skeleton"),
    ):
        ended = mocap(*export, *options, "--out", tmp_path / "not")
        assert ended.code == 1
        assert fault in re.sub(r"[\s│]+", " ", ended.err)
        assert not (tmp_path / "not").exists()


def test_a_surface_of_another_body_is_refused(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    take = make_take(frames=3)
    path = take.save(tmp_path / "take.h5")
    export = ("export", path, "--format", "fbx", "--out", tmp_path / "out")
    ended = mocap(*export)
    assert ended.code == 1
    assert "leave the surface out with --no-mesh" in ended.err
    assert mocap(*export, "--no-mesh").code == 0


def test_a_motion_that_is_no_number_is_refused(mocap: Run, tmp_path: Path) -> None:
    take = make_take(frames=5)
    person = take.people["person-1"]
    joints = person.body.joints.copy()
    joints[2] = np.nan
    lost = replace(person, body=replace(person.body, joints=joints))
    path = replace(take, people={"person-1": lost}).save(tmp_path / "take.h5")
    ended = mocap("export", path, "--format", "glb", "--no-mesh", "--out", tmp_path / "out")
    assert ended.code == 1
    assert "is not a number from video frame 2" in ended.err
    assert not (tmp_path / "out").exists()

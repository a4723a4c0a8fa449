"""``mocap avatar bind``: people from elsewhere, kept as avatars that move at once."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from avatar.people import stance

from mocap.avatar import Avatar, binding_file, bound_from, surface_avatar, write_splat
from mocap.avatar.file import read_avatar
from mocap.body import Body
from mocap.take import Take

A_POSE = stance(left_shoulder=-45, right_shoulder=45, left_hip=8, right_hip=-8)


@pytest.fixture(scope="module")
def scanned(body: Body) -> Avatar:
    return surface_avatar(body, body.betas_for_height(1.6), 3000)


@pytest.fixture
def scan(scanned: Avatar, tmp_path: Path) -> Path:
    """Somebody in A-pose, away from the origin."""
    posed = scanned.posed(A_POSE)
    return write_splat(replace(posed, means=posed.means + 1.0), tmp_path / "scan.ply")


def test_a_scan_is_bound_once_and_moves_from_then_on(
    mocap, scan, scanned, body, extracted, tmp_path
):
    before = scan.read_bytes()
    out = tmp_path / "avatars" / "anna.ply"
    ended = mocap("avatar", "bind", scan, "--out", out)
    assert ended.code == 0, ended.err
    assert "scan.ply: arms 4" in ended.out
    told = re.search(
        r"anna: 3000 Gaussians, ([\d.]+) m tall; half of them within ([\d.]+) cm", ended.out
    )
    assert told is not None
    assert abs(float(told[1]) - 1.6) < 0.04
    assert float(told[2]) < 1.0
    assert str(binding_file(out)) in ended.out
    assert scan.read_bytes() == before
    assert not binding_file(scan).exists()
    kept = read_avatar(out, body)
    assert kept.name == "anna"
    off = (kept.gaussians.means - scanned.gaussians.means).norm(dim=1)
    assert off.median() < 0.015
    film = tmp_path / "film.mp4"
    ended = mocap(
        *("avatar", "animate", out, "--motion", extracted / "take.h5", "--size", "64x64"),
        *("--out", film),
    )
    assert ended.code == 0, ended.err
    assert "has no binding beside it" not in ended.err
    assert film.exists()


def test_a_dictionary_has_a_mesh_at_rest(mocap, scanned, tmp_path):
    posed = scanned.posed(A_POSE)
    path = tmp_path / "canonical_gs.npz"
    np.savez(
        path,
        means=posed.means,
        scales=posed.scales,
        quats=posed.rotations,
        opacities=posed.opacities,
        shs=posed.harmonics[:, 0],
        lbs_weights=scanned.binding.weights,
    )
    out = tmp_path / "rest.ply"
    ended = mocap("avatar", "mesh", path, "--resolution", 20, "--out", out)
    assert ended.code == 0, ended.err
    assert "canonical_gs.npz: Habitat-GS's, with its own skin weights" in ended.err
    # The arms, which hung, are held out.
    assert trimesh.load(out).extents[0] > 1.4


def test_create_replaces_nobody_from_elsewhere_and_keeps_whoever_is_made(mocap, scan, extracted):
    path = extracted / "take.h5"
    assert mocap("masks", path).code == 0
    take = Take.load(path)
    one = take.people["person-1"]
    # Whose motion is of another body, so that no avatar can be made of them.
    other = replace(one, id="person-2", body=replace(one.body, model_sha256="0" * 64))
    replace(take, people={"person-1": one, "person-2": other}).save(path)
    kept = extracted / "avatars" / "person-1.ply"
    assert mocap("avatar", "bind", scan, "--out", kept).code == 0
    before = kept.read_bytes()
    create = ("avatar", "create", path, "--gaussians", 500, "--looks", 1)
    ended = mocap(*create)
    assert ended.code == 1
    assert "person-1.ply: was bound from scan.ply, and was not made of a clip; --force" in ended.err
    binding_file(kept).rename(extracted / "aside")
    ended = mocap(*create)
    assert ended.code == 1
    assert "person-1.ply: has no binding, and was not made of a clip; --force" in ended.err
    assert kept.read_bytes() == before

    ended = mocap(*create, "--force")
    assert ended.code == 1
    assert "the take was fitted with the body" in ended.err
    assert bound_from(kept) == ""
    assert kept.read_bytes() != before
    assert not kept.with_name("person-2.ply").exists()


def test_the_scan_is_never_written_over(mocap, scan, tmp_path):
    before = scan.read_bytes()
    refused = {
        scan: "is the splat itself; give the avatar another name",
        tmp_path / "anna.npz": "an avatar's name ends in .ply",
    }
    for out, words in refused.items():
        ended = mocap("avatar", "bind", scan, "--out", out)
        assert ended.code == 1
        assert words in ended.err
    ended = mocap("avatar", "bind", tmp_path, "--out", tmp_path / "anna.ply")
    assert ended.code == 1
    assert "is not there, or no file" in ended.err
    weights = scan.rename(tmp_path / "anna.binding.npz")
    ended = mocap("avatar", "bind", weights, "--out", tmp_path / "anna.ply")
    assert ended.code == 1
    assert "anna.binding.npz: is the splat itself" in ended.err
    assert weights.read_bytes() == before
    assert not (tmp_path / "anna.ply").exists()


def test_what_cannot_be_bound_leaves_nothing(mocap, scanned, tmp_path):
    few = write_splat(scanned[:100].gaussians, tmp_path / "few.ply")
    ended = mocap("avatar", "bind", few, "--out", tmp_path / "new" / "few.ply")
    assert ended.code == 1
    assert "few.ply: has 100 Gaussians one can see" in ended.err
    assert not (tmp_path / "new").exists()
    ended = mocap("avatar", "bind", tmp_path / "none.ply", "--out", tmp_path / "new" / "few.ply")
    assert ended.code == 1
    assert "none.ply: is not there, or no file" in ended.err
    assert "Traceback" not in ended.err

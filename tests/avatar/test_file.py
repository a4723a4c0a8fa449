"""Avatars as files: there and back, and every way in which a binding can be of no use."""

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.people import bent, painted_avatar
from mocap.avatar import (
    Avatar,
    binding_file,
    bound_from,
    load_avatar,
    write_avatar,
    write_splat,
)
from mocap.avatar.file import read_avatar
from mocap.body import Body
from mocap.errors import AvatarError


@pytest.fixture(scope="module")
def avatar(body: Body) -> Avatar:
    return painted_avatar(body, 400, name="Änna")


@pytest.fixture
def splat(avatar: Avatar, tmp_path: Path) -> Path:
    return write_avatar(avatar, tmp_path / "anna.v2.ply")[0]


def changed(splat: Path, **arrays: object) -> Path:
    """The binding with other arrays; those that are None are left out."""
    path = binding_file(splat)
    with np.load(path) as archive:
        parts = {**{name: archive[name] for name in archive.files}, **arrays}
    np.savez_compressed(path, **{k: v for k, v in parts.items() if v is not None})
    return path


def expect_refused(splat: Path, body: Body, words: str) -> None:
    """In one line that names the binding, and that names a way out."""
    for read in (read_avatar, load_avatar):
        with pytest.raises(AvatarError, match=words) as caught:
            read(splat, body)
        assert str(binding_file(splat)) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_was_written_is_read_again(avatar, splat, body):
    assert binding_file(splat).name == "anna.v2.binding.npz"
    found = read_avatar(splat, body)
    assert found.name == "Änna"
    assert found.antialiased
    assert torch.equal(found.betas, avatar.betas)
    assert torch.equal(found.binding.faces, avatar.binding.faces)
    torch.testing.assert_close(found.binding.shares, avatar.binding.shares)
    torch.testing.assert_close(found.binding.weights, avatar.binding.weights, rtol=0, atol=2e-3)
    pose = bent(body)
    torch.testing.assert_close(found.posed(pose).means, avatar.posed(pose).means, rtol=0, atol=5e-4)


def test_an_avatar_is_read_to_where_the_body_is(splat, body):
    found = read_avatar(splat, body.to(device="meta"))
    parts = *vars(found.gaussians).values(), *vars(found.binding).values(), found.betas
    assert {part.device.type for part in parts} == {"meta"}


def test_who_was_made_before_the_blur_was_compensated_is_rendered_as_then(avatar, splat, body):
    changed(splat, antialiased=None)
    assert not read_avatar(splat, body).antialiased
    write_avatar(replace(avatar, antialiased=False), splat)
    assert not read_avatar(splat, body).antialiased


def test_a_splat_with_its_binding_is_not_bound_anew(avatar, splat, body):
    torch.testing.assert_close(
        load_avatar(splat, body).posed(bent(body)).means,
        read_avatar(splat, body).posed(bent(body)).means,
    )


def test_another_splat_under_the_name_has_another_binding(avatar, splat, body):
    write_avatar(avatar[:300], splat)
    assert len(read_avatar(splat, body)) == 300
    # Written by another program, which knows nothing of bindings.
    write_splat(avatar.gaussians, splat)
    expect_refused(splat, body, "binds 300 Gaussians, but its splat has 400")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_an_avatar_that_cannot_be_written_leaves_the_earlier_one(avatar, splat):
    resource = pytest.importorskip("resource", reason="sizes of files can be limited on Unix only")
    before = contents(splat.parent)
    means = avatar.gaussians.means.clone()
    means[0] = torch.nan
    with pytest.raises(AvatarError, match="not finite"):
        write_avatar(replace(avatar, gaussians=replace(avatar.gaussians, means=means)), splat)
    assert contents(splat.parent) == before
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Of 400 Gaussians the splat is too large, of 50 only what binds it.
    for count, most in ((400, 8192), (50, 4000)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
        try:
            with pytest.raises(AvatarError, match=r"anna\.v2\.ply: cannot be written"):
                write_avatar(avatar[:count], splat)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert contents(splat.parent) == before


def test_it_says_what_it_was_bound_from(avatar, splat):
    assert bound_from(splat) == ""
    write_avatar(avatar, splat, bound_from="scan.ply")
    assert bound_from(splat) == "scan.ply"
    binding_file(splat).unlink()
    assert bound_from(splat) is None


def test_a_folder_in_the_way_is_named(avatar, tmp_path):
    for name in ("anna.binding.npz", "bert.ply"):
        (tmp_path / name).mkdir()
        with pytest.raises(AvatarError, match=f"{name}: cannot be written: it is a folder"):
            write_avatar(avatar, tmp_path / f"{name[:4]}.ply")
    assert {file.name for file in tmp_path.iterdir()} == {"anna.binding.npz", "bert.ply"}


def test_without_a_binding_it_is_not_an_avatar_of_ours(splat, body):
    binding_file(splat).unlink()
    with pytest.raises(AvatarError, match=r"binding\.npz: is not there"):
        read_avatar(splat, body)


def test_another_body_is_named(splat, body):
    other = replace(body, sha256="0" * 64, name="other")
    expect_refused(splat, other, "was made with the body .* --body")
    # The body that is shipped changes with versions.
    expect_refused(
        splat,
        replace(body, sha256="0" * 64),
        f"made with another {body.name} than this one, .* anew .* --body",
    )


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_binding_that_is_cut_short_is_damaged(splat, body, share):
    path = binding_file(splat)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    expect_refused(splat, body, "or damaged; remove it")


def test_bytes_that_were_changed_are_noticed_or_do_no_harm(splat, body):
    path, right = binding_file(splat), read_avatar(splat, body)
    whole, refused = path.read_bytes(), list[str]()
    for place in np.random.default_rng(0).integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read_avatar(splat, body)
        except AvatarError as error:
            refused.append(str(error))
            continue
        # What no reader asks for may change.
        assert torch.equal(found.binding.faces, right.binding.faces)
        assert torch.equal(found.binding.shares, right.binding.shares)
        assert torch.equal(found.binding.weights, right.binding.weights)
        assert torch.equal(found.betas, right.betas)
        assert found.name == right.name
    assert len(refused) > 30
    assert all(str(path) in words for words in refused)


@pytest.mark.parametrize(
    "part",
    [
        {"faces": np.full(400, 1 << 20)},
        {"faces": np.full(400, -1)},
        {"faces": np.zeros((400, 2), int)},
        {"faces": np.zeros(())},
        {"joints": np.full((400, 8), 55, np.uint8)},
        {"joints": np.full((400, 8), -1, np.int8)},
        {"weights": np.full((400, 8), np.nan)},
        {"weights": np.full((400, 8), "heavy")},
        {"weights": np.zeros((400, 8), complex)},
        {"shares": np.zeros((399, 3))},
        {"betas": np.zeros((2, 10))},
        {"betas": np.zeros(99)},
        {"betas": np.array(["tall"])},
        {"betas": np.zeros(0)},
        {"betas": np.full(10, 1e30)},
        {"weights": np.zeros((400, 8))},
        {"weights": np.full((400, 8), 1e20)},
        {"weights": np.tile([3.0, -2.0, 0, 0, 0, 0, 0, 0], (400, 1))},
        {"shares": np.tile([50.0, -49.0, 0.0], (400, 1))},
        {"faces": None},
        {"antialiased": "yes"},
        {"antialiased": np.ones(2, bool)},
        {"version": "newest"},
        {"version": np.array([1, 2])},
    ],
    ids=str,
)
def test_arrays_that_do_not_go_together_are_damage(splat, body, part):
    changed(splat, **part)
    expect_refused(splat, body, "damaged; remove it")


def test_later_versions_and_other_formats_are_named(splat, body):
    changed(splat, version=7)
    expect_refused(splat, body, "mocap-avatar version 7")
    changed(splat, version=1, format="cake")
    expect_refused(splat, body, "is cake version 1")


def test_pickles_are_not_run(splat, body, tmp_path):
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (trap,)

    changed(splat, faces=np.array([Trap()], object))
    trap.unlink(missing_ok=True)
    expect_refused(splat, body, "damaged; remove it")
    binding_file(splat).write_bytes(pickle.dumps(Trap()))
    expect_refused(splat, body, "damaged; remove it")
    assert not trap.exists()


def test_archives_of_something_else_are_no_bindings(splat, body):
    path = binding_file(splat)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("format", "version", "name", "body", "body_sha256", "betas"):
            archive.writestr(name, "no array")
        for name in ("faces", "shares", "joints", "weights"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00\x06\x00{'a'")
    expect_refused(splat, body, "damaged; remove it")
    alone = io.BytesIO()
    np.save(alone, np.zeros(3))
    path.write_bytes(alone.getvalue())
    expect_refused(splat, body, "damaged; remove it")

"""A mesh a frame: whole, and gone on with."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from avatar.surfaces import gaussians_on, sphere
from mocap.avatar import write_mesh_sequence
from mocap.errors import AvatarError

FRAMES = range(7, 10)
SETTINGS = {"source": "an avatar and a take", "cameras": 4, "resolution": 0.02}


class Avatar:
    """A ball that rises 10 cm a frame, and knows for which frames it was asked."""

    def __init__(self, last: int = 1000) -> None:
        self.cloud, self.last = gaussians_on(sphere(), 1500), last
        self.asked: list[int] = []

    def __call__(self, frame: int):
        if frame > self.last:
            raise KeyboardInterrupt
        self.asked.append(frame)
        rise = torch.tensor([0.0, 0.1 * frame, 0.0])
        return replace(self.cloud, means=self.cloud.means + rise)


def names(folder) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "meshes"


def test_every_frame_has_a_file_of_its_number(folder):
    told = []
    write_mesh_sequence(
        FRAMES, Avatar(), folder, **SETTINGS, progress=lambda *call: told.append(call)
    )
    assert names(folder) == ["000007.ply", "000008.ply", "000009.ply"]
    assert names(folder.parent) == ["meshes"]
    assert told == [("meshes", done, 3) for done in range(4)]
    for frame in FRAMES:
        mesh = trimesh.load(folder / f"{frame:06d}.ply", process=False)
        assert mesh.is_watertight
        np.testing.assert_allclose(mesh.center_mass, [0, 0.1 * frame, 0], atol=5e-3)


def test_what_was_interrupted_is_gone_on_with(folder):
    with pytest.raises(KeyboardInterrupt):
        write_mesh_sequence(FRAMES, Avatar(last=8), folder, **SETTINGS)
    assert not folder.exists()
    avatar = Avatar()
    write_mesh_sequence(FRAMES, avatar, folder, **SETTINGS)
    assert avatar.asked == [9]
    assert names(folder) == ["000007.ply", "000008.ply", "000009.ply"]
    assert names(folder.parent) == ["meshes"]


@pytest.mark.parametrize(
    "change", [{"source": "another"}, {"kind": "obj"}, {"cameras": 5}, {"resolution": 0.03}]
)
def test_what_was_begun_otherwise_is_begun_anew(folder, change):
    with pytest.raises(KeyboardInterrupt):
        write_mesh_sequence(FRAMES, Avatar(last=8), folder, **SETTINGS)
    avatar = Avatar()
    write_mesh_sequence(FRAMES, avatar, folder, **SETTINGS | change)
    assert avatar.asked == [7, 8, 9]
    assert len(names(folder)) == 3


def test_fewer_frames_than_were_begun_with_leave_no_others(folder):
    with pytest.raises(KeyboardInterrupt):
        write_mesh_sequence(FRAMES, Avatar(last=8), folder, **SETTINGS)
    write_mesh_sequence([8], Avatar(), folder, **SETTINGS)
    assert names(folder) == ["000008.ply"]


def test_a_sequence_takes_the_place_of_an_earlier_one(folder):
    write_mesh_sequence(FRAMES, Avatar(), folder, **SETTINGS)
    write_mesh_sequence([3], Avatar(), folder, **SETTINGS, kind="glb")
    assert names(folder) == ["000003.glb"]


def test_a_folder_of_something_else_is_left_alone(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(AvatarError, match=r"meshes: holds thesis\.tex"):
        write_mesh_sequence(FRAMES, Avatar(), folder, **SETTINGS)
    assert names(folder.parent) == ["meshes"]
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_frame_without_a_surface_is_named(folder):
    faint = replace(Avatar().cloud, opacities=torch.full((1500,), 0.02))
    with pytest.raises(AvatarError, match="frame 7: the Gaussians enclose nothing"):
        write_mesh_sequence(FRAMES, lambda _: faint, folder, **SETTINGS)


def test_a_file_in_the_folders_place_is_refused(folder):
    folder.write_text("a file")
    with pytest.raises(AvatarError, match="is a file"):
        write_mesh_sequence(FRAMES, Avatar(), folder, **SETTINGS)
    with pytest.raises(ValueError, match="not as 'stl'"):
        write_mesh_sequence(FRAMES, Avatar(), folder, **SETTINGS, kind="stl")

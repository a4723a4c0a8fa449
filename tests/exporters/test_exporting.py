"""Takes in every format: who, which part, in which files."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation
from takes import embodied, make_take

from mocap.body import BodyPose
from mocap.datasets.motions import read_amass_clip
from mocap.errors import ExportError
from mocap.exporters import FORMATS, ExportConfig, export_take, read_bvh
from mocap.exporters.taken import motion_on_beat
from mocap.take import Take


@pytest.fixture(scope="module")
def take(body) -> Take:
    """Two people of the open body, with shapes of their own, in motion."""
    return embodied(make_take(people=2, frames=12), body)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_writes_everybody(tmp_path, take, body, kind):
    written = export_take(take, list(take.people), kind, tmp_path, body=body)
    assert written
    assert all(path.exists() for path in written)
    one_file = kind == "json"
    assert len(written) == (1 if one_file else 2)
    assert {path.name.split(".")[0].split("-" + kind)[0] for path in written} == (
        {"take"} if one_file else {"person-1", "person-2"}
    )
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("kind", ["fbx", "glb", "usd"])
def test_everybody_in_one_file(tmp_path, take, body, kind):
    config = ExportConfig(together=True)
    [path] = export_take(take, list(take.people), kind, tmp_path, config, body=body)
    assert path == tmp_path / f"take.{kind}"
    config = replace(config, mesh=False)
    [bare] = export_take(take, list(take.people), kind, tmp_path / "bare", config)
    assert bare.stat().st_size < 0.5 * path.stat().st_size


def test_options_reach_the_motion(tmp_path, take):
    config = ExportConfig("mixamo", fps=60.0, start=0.1, stop=0.3, mirror=True, units="m")
    [path] = export_take(take, ["person-2"], "bvh", tmp_path, config)
    motion = read_bvh(path, units="m")
    assert motion.names[0] == "mixamorig:Hips"
    assert (motion.fps, len(motion)) == (60.0, 13)
    expected = take.people["person-2"].body.joints[3:10, 0] * [-1.0, 1.0, 1.0]
    np.testing.assert_allclose(motion.root_position[::2], expected, atol=1e-3)
    config = ExportConfig("unreal", root_motion=True)
    [path] = export_take(take, ["person-1"], "bvh", tmp_path, config)
    motion = read_bvh(path)
    # BVH cannot say which way is up: it stays +Y.
    assert motion.names[:2] == ("root", "pelvis")
    np.testing.assert_allclose(motion.root_position[:, 1], 0.0, atol=1e-6)
    assert motion.joints()[:, 1, 1].min() > 0.5


def test_amass_is_the_body_standing_on_z(tmp_path, take, body):
    [path, _] = export_take(take, list(take.people), "amass", tmp_path)
    with np.load(path, allow_pickle=False) as file:
        content = dict(file)
    frames = len(content["poses"])
    assert content["poses"].shape == (frames, 165)
    joined = [content[name].reshape(frames, -1) for name in ("root_orient", "pose_body")]
    joined += [content[name].reshape(frames, -1) for name in ("pose_jaw", "pose_eye", "pose_hand")]
    np.testing.assert_array_equal(np.concatenate(joined, 1), content["poses"])
    assert float(content["mocap_frame_rate"]) == 30.0
    assert str(content["body_model_sha256"]) == body.sha256

    def tensor(values):
        return torch.as_tensor(values, dtype=torch.float64)

    poses = content["poses"]
    with torch.no_grad():
        posed = body.to(dtype=torch.float64).forward(
            BodyPose(
                betas=tensor(content["betas"]),
                global_orient=tensor(poses[:, :3]),
                body_pose=tensor(poses[:, 3:66]),
                jaw_pose=tensor(poses[:, 66:69]),
                left_hand_pose=tensor(poses[:, 75:120]),
                right_hand_pose=tensor(poses[:, 120:]),
                transl=tensor(content["trans"]),
            )
        )
    up = Rotation.from_euler("x", 90, degrees=True)
    expected = up.apply(take.people["person-1"].body.joints.reshape(-1, 3)).reshape(frames, 55, 3)
    np.testing.assert_allclose(posed.joints.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(content["joints"], expected, atol=1e-6)
    assert len(read_amass_clip(path, body)) == frames


@pytest.mark.parametrize("kind", ["obj", "ply"])
def test_meshes_are_the_posed_body(tmp_path, take, body, kind):
    config = ExportConfig(start=0.1, stop=0.2)
    [folder] = export_take(take, ["person-1"], kind, tmp_path, config, body=body)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{i:06d}.{kind}" for i in range(4)]
    mesh = trimesh.load(folder / names[1], process=False)
    fitted = take.people["person-1"].body
    with torch.no_grad():
        posed = body.forward(
            BodyPose(
                **{
                    part: torch.as_tensor(getattr(fitted, part)[4:5], dtype=torch.float32)
                    for part in ("global_orient", "body_pose", "jaw_pose", "transl")
                    + ("left_hand_pose", "right_hand_pose")
                },
                betas=torch.as_tensor(fitted.betas, dtype=torch.float32),
            ),
            return_vertices=True,
        )
    np.testing.assert_allclose(mesh.vertices, posed.vertices[0].numpy(), atol=2e-5)
    np.testing.assert_array_equal(mesh.faces, body.faces.numpy())
    assert mesh.volume > 0.03


def test_a_shorter_sequence_takes_the_place_of_a_longer(tmp_path, take, body):
    for stop, count in ((0.2, 7), (0.1, 4)):
        config = ExportConfig(stop=stop)
        [folder] = export_take(take, ["person-1"], "obj", tmp_path, config, body=body)
        assert len(list(folder.iterdir())) == count
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"notes\.txt, which is no mesh"):
        export_take(take, ["person-1"], "obj", tmp_path, body=body)
    assert (folder / "notes.txt").read_text() == "mine"


def test_an_interrupted_sequence_leaves_the_earlier_one(tmp_path, take, body):
    config = ExportConfig(stop=0.1)
    [folder] = export_take(take, ["person-1"], "ply", tmp_path, config, body=body)
    before = {one.name: one.read_bytes() for one in folder.iterdir()}

    def stop(stage: str, done: int, total: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_take(take, ["person-1"], "ply", tmp_path, body=body, progress=stop)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_json_holds_everybody(tmp_path, take):
    [path] = export_take(take, list(take.people), "json", tmp_path, ExportConfig("unity"))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [person["name"] for person in content["people"]] == list(take.people)
    assert content["people"][0]["names"][0] == "Hips"


@pytest.mark.parametrize(
    ("kind", "config", "fault"),
    [
        ("bvh", ExportConfig(together=True), "holds one person; fbx, glb, usd, json hold several"),
        ("amass", ExportConfig("mixamo"), "which no preset changes"),
        ("obj", ExportConfig(root_motion=True), "which no preset changes"),
        ("fbx", ExportConfig(), "no body was given"),
        ("ply", ExportConfig(), "no body was given"),
        ("ply", ExportConfig(mesh=False), "holds nothing but the body's surface"),
        ("glb", ExportConfig(units="cm", mesh=False), "glb files are in m; leave units out"),
        ("trc", ExportConfig(units="m"), "trc files are in mm; leave units out"),
        ("maya", ExportConfig(), "there is no format 'maya'; choose one of bvh, fbx"),
        ("bvh", ExportConfig("maya"), "there is no preset 'maya'"),
        ("bvh", ExportConfig(start=5.0), "nobody is seen in this part"),
        ("bvh", ExportConfig(loop=True, stop=0.2), "too short to loop"),
    ],
)
def test_what_is_not_possible_is_refused(tmp_path, take, kind, config, fault):
    with pytest.raises(ExportError, match=fault):
        export_take(take, ["person-1"], kind, tmp_path / "out", config)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["fbx", "obj"])
def test_another_body_than_the_fits_is_refused(tmp_path, body, kind):
    with pytest.raises(ExportError, match="was fitted with the body plain"):
        export_take(make_take(frames=3), ["person-1"], kind, tmp_path, body=body)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("uneven", [False, True])
def test_people_who_come_later_are_in_step_with_the_others(tmp_path, uneven):
    times = np.arange(60) / 30
    if uneven:
        times[20:] += 0.02
    early = make_take(frames=60, timestamps=times)
    late = make_take(people=2, frames=53, first_frame=7, timestamps=times)
    people = {"person-1": early.people["person-1"], "person-2": late.people["person-2"]}
    take = replace(early, people=people)
    found = []
    for name in people:
        motion, start = motion_on_beat(take, name, fps=25.0)
        found.append(start + np.arange(len(motion)) / motion.fps)
        # Frames are where the person was at these instants.
        root = np.asarray(people[name].body.joints)[:, 0]
        told = times[people[name].frames]
        expected = np.stack([np.interp(found[-1], told, axis) for axis in root.T], axis=1)
        np.testing.assert_allclose(motion.root_position, expected, atol=2e-3)
    np.testing.assert_allclose(found[1], found[0][-len(found[1]) :], atol=1e-12)
    # A loop of both is as long for both.
    config = ExportConfig(fps=25.0, start=0.4, stop=1.9, loop=True)
    loops = [read_bvh(path) for path in export_take(take, list(people), "bvh", tmp_path, config)]
    assert len(loops[0]) == len(loops[1])

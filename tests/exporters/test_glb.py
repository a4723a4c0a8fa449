"""GLB files as an interpreter of the format sees them, and Khronos's own validator."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.glb import encode_glb, write_glb

from .performers import ACROBATICS, acrobat, performer, posed, stretching, tumbler

CHECK = Path(__file__).with_name("gltf_check.js")
_TYPES = {5126: "<f4", 5121: "u1", 5123: "<u2", 5125: "<u4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class File:
    """A GLB file, read by the letter of the format."""

    def __init__(self, path):
        self.gltf = pygltflib.GLTF2().load(str(path))
        self.blob = self.gltf.binary_blob()

    def array(self, number):
        accessor = self.gltf.accessors[number]
        view = self.gltf.bufferViews[accessor.bufferView]
        raw = self.blob[view.byteOffset : view.byteOffset + view.byteLength]
        values = np.frombuffer(raw, _TYPES[accessor.componentType])
        return values.reshape(accessor.count, _WIDTHS[accessor.type])

    def world(self):
        """Seconds, and (F, N, 4, 4) world transforms of nodes."""
        [animation] = self.gltf.animations
        times = self.array(animation.samplers[0].input)[:, 0]
        nodes = self.gltf.nodes
        local = np.tile(np.eye(4), (len(times), len(nodes), 1, 1))
        for i, node in enumerate(nodes):
            turn = Rotation.from_quat(node.rotation or [0, 0, 0, 1]).as_matrix()
            local[:, i, :3, :3], local[:, i, :3, 3] = turn, node.translation or [0, 0, 0]
        for channel in animation.channels:
            values = self.array(animation.samplers[channel.sampler].output)
            i = channel.target.node
            if channel.target.path == "rotation":
                local[:, i, :3, :3] = Rotation.from_quat(values).as_matrix()
            else:
                local[:, i, :3, 3] = values
        above = {child: i for i, node in enumerate(nodes) for child in node.children or []}
        world = local.copy()

        def place(i):
            if i in above:
                world[:, i] = place(above[i]) @ local[:, i]
            return world[:, i]

        for i in reversed(range(len(nodes))):
            place(i)
        return times, world

    def joints(self, one):
        names = [node.name for node in self.gltf.nodes]
        times, world = self.world()
        found = world[:, [names.index(name) for name in one.motion.names]][..., :3, 3]
        np.testing.assert_allclose(
            times, one.start + np.arange(len(one.motion)) / one.motion.fps, atol=1e-5
        )
        return found

    def surface(self):
        """(F, V, 3) the vertices of the first mesh, skinned."""
        [primitive] = self.gltf.meshes[0].primitives
        skin = self.gltf.skins[0]
        vertices = self.array(primitive.attributes.POSITION)
        who = [self.array(primitive.attributes.JOINTS_0)]
        much = [self.array(primitive.attributes.WEIGHTS_0)]
        if getattr(primitive.attributes, "JOINTS_1", None) is not None:
            who.append(self.array(primitive.attributes.JOINTS_1))
            much.append(self.array(primitive.attributes.WEIGHTS_1))
        back = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        _, world = self.world()
        moves = world[:, skin.joints] @ back
        who, much = np.concatenate(who, 1), np.concatenate(much, 1)
        ends = np.pad(vertices, ((0, 0), (0, 1)), constant_values=1.0)
        blended = np.einsum("vk,fvkab->fvab", much, moves[:, who])
        return np.einsum("fvab,vb->fva", blended, ends)[..., :3]


@pytest.mark.parametrize("axes", ["world", "y", "x"])
def test_joints_and_surface_come_back(tmp_path, axes):
    one = performer(fps=29.97)
    file = File(write_glb([one], tmp_path / "a.glb", axes=axes))
    assert np.abs(file.joints(one) - one.motion.joints()).max() < 5e-6
    assert np.abs(file.surface() - posed(one)).max() < 5e-6


def test_nothing_is_lost_in_tumbling(tmp_path):
    one = tumbler()
    found = File(write_glb([one], tmp_path / "a.glb")).joints(one)
    assert np.abs(found - one.motion.joints()).max() < 5e-6


@pytest.mark.parametrize("name", ACROBATICS)
def test_acrobatics_come_back(tmp_path, data_dir, name):
    one = acrobat(data_dir, name)
    found = File(write_glb([one], tmp_path / "a.glb")).joints(one)
    assert np.abs(found - one.motion.joints()).max() < 2e-5


def test_joints_that_leave_their_places_come_back(tmp_path):
    one = stretching()
    found = File(write_glb([one], tmp_path / "a.glb")).joints(one)
    assert np.abs(found - one.motion.joints()).max() < 5e-6


def test_quaternions_keep_their_sign(tmp_path):
    file = File(write_glb([tumbler()], tmp_path / "a.glb"))
    for sampler in file.gltf.animations[0].samplers:
        values = file.array(sampler.output)
        if values.shape[1] == 4:
            assert (np.sum(values[1:] * values[:-1], axis=1) > 0).all()


def test_many_joints_a_vertex_are_shared_out(tmp_path):
    one = performer()
    weights = np.random.default_rng(0).uniform(size=one.skin.weights.shape)
    skin = replace(one.skin, weights=weights / weights.sum(1, keepdims=True)).strongest(7)
    one = replace(one, skin=skin)
    assert ((skin.weights > 0).sum(1) == 7).all()
    file = File(write_glb([one], tmp_path / "a.glb"))
    assert np.abs(file.surface() - posed(one)).max() < 5e-6


def test_khronos_finds_no_fault(tmp_path):
    validator = os.environ.get("MOCAP_GLTF_VALIDATOR")
    if not validator:
        pytest.skip("MOCAP_GLTF_VALIDATOR does not name a folder that holds gltf-validator")
    people = [performer(person=1), replace(performer(person=2), start=0.0)]
    paths = [
        write_glb(people, tmp_path / "both.glb"),
        write_glb(people[:1], tmp_path / "one.glb"),
        write_glb([replace(people[0], skin=None)], tmp_path / "bare.glb"),
        write_glb([tumbler()], tmp_path / "tumbler.glb"),
    ]
    ended = subprocess.run(
        ["node", str(CHECK), *map(str, paths)],
        env={**os.environ, "NODE_PATH": str(Path(validator) / "node_modules")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    for line in ended.stdout.splitlines():
        issues = json.loads(line)
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), line
    assert len(ended.stdout.splitlines()) == len(paths)


def test_several_people_share_one_animation(tmp_path):
    file = File(write_glb([performer(person=1), performer(person=2)], tmp_path / "a.glb"))
    [scene] = file.gltf.scenes
    names = [file.gltf.nodes[root].name for root in scene.nodes]
    assert names == ["person-1", "person-1-body", "person-2", "person-2-body"]
    assert len(file.gltf.animations) == 1


def test_what_cannot_be_written_is_refused():
    one = performer(frames=3, skin=False)
    lost = replace(one.motion, root_position=np.full_like(one.motion.root_position, np.inf))
    with pytest.raises(ExportError, match="from frame 0"):
        encode_glb([replace(one, motion=lost)])

"""What Blender makes of our files; needs an interpreter with ``bpy``, which is GPL.

python3.11 -m venv blender && blender/bin/pip install "numpy<2" bpy
MOCAP_BLENDER_PYTHON=blender/bin/python pytest tests/exporters/test_blender.py
"""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import make_take

from mocap.exporters import PRESETS, write_bvh
from mocap.exporters.fbx import write_fbx
from mocap.exporters.glb import write_glb
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.retargeting import retargeted
from mocap.exporters.styling import styled
from mocap.exporters.taken import motion_from_take
from mocap.exporters.usd import write_usd
from mocap.geometry import Z_UP_TO_Y_UP
from mocap.skeletons import SMPLX_55

from .performers import performer, posed, rods
from .rigs import held, standing

CHECK = Path(__file__).with_name("blender_check.py")
APPLY = Path(__file__).with_name("blender_apply.py")
RIGIFY = Path(__file__).with_name("blender_rigify.py")


@pytest.fixture(scope="module")
def blender_python() -> str:
    interpreter = os.environ.get("MOCAP_BLENDER_PYTHON")
    if not interpreter:
        pytest.skip("MOCAP_BLENDER_PYTHON does not name an interpreter with bpy")
    return interpreter


def checked(python: str, path: Path, fps: float, scale: float = 1.0) -> dict:
    return run(python, CHECK, path, str(scale), str(fps))


def run(python: str, script: Path, *arguments: str | Path) -> dict:
    """What a script prints last."""
    ended = subprocess.run(
        [python, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("units", "scale", "fps", "order"),
    [("cm", 0.01, 29.97, "ZXY"), ("m", 1.0, 50.0, "ZXY"), ("cm", 0.01, 30.0, "XYZ")],
)
def test_blender_shows_the_takes_joints(blender_python, tmp_path, units, scale, fps, order):
    take = make_take(frames=90, fps=fps)
    path = write_bvh(take, "person-1", tmp_path / "a.bvh", units=units, rotation_order=order)
    seen = checked(blender_python, path, 24.0, scale)
    assert seen["frames"] == 90
    assert seen["fps"] == pytest.approx(fps, rel=1e-6)
    assert np.ptp(seen["lengths"], axis=0).max() < 1e-5
    order_in_file = [seen["names"].index(name) for name in SMPLX_55.names]
    parents = [seen["names"][i] if i >= 0 else None for i in seen["parents"]]
    for name, parent in zip(SMPLX_55.names, SMPLX_55.parents, strict=True):
        expected = SMPLX_55.names[parent] if parent >= 0 else None
        assert parents[seen["names"].index(name)] == expected
    heads = np.array(seen["heads"])[:, order_in_file]
    assert np.abs(heads - take.people["person-1"].body.joints).max() < 1e-3


@pytest.mark.parametrize("kind", ["fbx", "glb", "usd"])
def test_blender_shows_joints_and_surface(blender_python, tmp_path, kind):
    one = replace(performer(frames=50), start=0.0)
    write = {"fbx": write_fbx, "glb": write_glb, "usd": write_usd}[kind]
    seen = checked(blender_python, write([one], tmp_path / f"a.{kind}"), 30.0)
    assert seen["frames"] == 50
    order = [seen["names"].index(name) for name in one.motion.names]
    heads = np.array(seen["heads"])[:, order]
    assert np.abs(heads - one.motion.joints()).max() < 5e-4
    surface = np.array(seen["vertices"])
    assert surface.shape == one.skin.vertices.shape
    assert np.abs(surface - posed(one)[-1]).max() < 5e-4


@pytest.mark.parametrize("name", PRESETS)
def test_blender_takes_every_preset(blender_python, tmp_path, name):
    one, preset = replace(performer(frames=50), start=0.0), PRESETS[name]
    dressed = styled(one, preset, root_motion=True)
    path = write_fbx(
        [dressed], tmp_path / "a.fbx", units=preset.units, up=preset.up, axes=preset.axes
    )
    seen = checked(blender_python, path, 24.0)
    # The file tells its rate, and that its people are as tall as people are.
    assert seen["fps"] == pytest.approx(30.0)
    np.testing.assert_allclose(seen["scale"], {"cm": 0.01, "m": 1.0}[preset.units], rtol=1e-4)
    assert set(seen["names"]) == set(dressed.motion.names)
    theirs = [seen["names"].index(called) for called in preset.bones.values()]
    heads = np.array(seen["heads"])[:, theirs]
    ours = SMPLX_55.indices(*preset.bones)
    assert np.abs(heads - one.motion.joints()[:, ours]).max() < 5e-4
    root = np.array(seen["heads"])[:, seen["names"].index(preset.root or "root")]
    assert np.abs(root - one.motion.root_position * [1, 0, 1]).max() < 5e-4
    assert np.ptp(root, axis=0).max() > 0.1


@pytest.mark.parametrize("kind", ["fbx", "glb"])
@pytest.mark.parametrize("preset", ["mixamo", "unreal"])
def test_blender_moves_the_character_that_a_motion_is_for(blender_python, tmp_path, preset, kind):
    pytest.importorskip("pufbx")
    hero, wanted = tmp_path / f"hero.{kind}", PRESETS[preset]
    if kind == "fbx":
        dressed = styled(replace(standing(), skin=rods(standing().motion)), wanted)
        write_fbx([dressed], hero, up=wanted.up, axes=wanted.axes)
    else:
        held(hero, preset)
    rig = read_rig(hero)
    one = retargeted(replace(performer(frames=30, skin=False), start=0.0), rig)
    path = tmp_path / f"motion.{kind}"
    if kind == "fbx":
        write_fbx([one], path, up=rig.up, axes=rig.axes)
    else:
        write_glb([one], path, axes=rig.axes)
    seen = run(blender_python, APPLY, hero, path, "30")
    assert seen["frames"] == 30
    bones = [name for name in one.motion.names[rig.holder.count :] if name in seen["names"]]
    assert len(bones) > 50
    heads = np.array(seen["heads"])[:, [seen["names"].index(name) for name in bones]]
    expected = one.motion.joints()[:, [one.motion.names.index(name) for name in bones]]
    if kind == "fbx" and rig.up == "z":
        expected = expected @ Z_UP_TO_Y_UP.T
    assert np.abs(heads - expected).max() < 5e-4


def test_a_generated_rigify_character_stays_whole(blender_python, tmp_path):
    hero = tmp_path / "hero.glb"
    assert run(blender_python, RIGIFY, hero)["bones"] > 150
    rig = read_rig(hero)
    source = replace(standing(), motion=motion_from_take(make_take(frames=30), "person-1"))
    one = retargeted(source, rig)
    path = write_glb([one], tmp_path / "moved.glb", axes=rig.axes)
    seen = run(blender_python, APPLY, hero, path, "30")
    heads = np.array(seen["heads"])
    for ends in ("spine", "thigh.L"), ("spine.003", "shoulder.R"), ("spine.006", "jaw"):
        start, end = (heads[:, seen["names"].index(f"DEF-{name}")] for name in ends)
        lengths = np.linalg.norm(end - start, axis=1)
        assert lengths.min() > 0.02
        assert np.ptp(lengths) < 1e-3

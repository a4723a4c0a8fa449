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
from mocap.exporters.styling import styled
from mocap.exporters.usd import write_usd
from mocap.skeletons import SMPLX_55

from .performers import performer, posed

CHECK = Path(__file__).with_name("blender_check.py")


@pytest.fixture(scope="module")
def blender_python() -> str:
    interpreter = os.environ.get("MOCAP_BLENDER_PYTHON")
    if not interpreter:
        pytest.skip("MOCAP_BLENDER_PYTHON does not name an interpreter with bpy")
    return interpreter


def checked(python: str, path: Path, fps: float, scale: float = 1.0) -> dict:
    run = subprocess.run(
        [python, str(CHECK), str(path), str(scale), str(fps)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


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

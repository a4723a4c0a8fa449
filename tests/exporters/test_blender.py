"""What Blender makes of our BVH files; needs an interpreter with ``bpy``, which is GPL.

python3.11 -m venv blender && blender/bin/pip install "numpy<2" bpy
MOCAP_BLENDER_PYTHON=blender/bin/python pytest tests/exporters/test_blender.py
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from takes import make_take

from mocap.exporters import write_bvh
from mocap.skeletons import SMPLX_55

CHECK = Path(__file__).with_name("blender_check.py")


@pytest.fixture(scope="module")
def blender_python() -> str:
    interpreter = os.environ.get("MOCAP_BLENDER_PYTHON")
    if not interpreter:
        pytest.skip("MOCAP_BLENDER_PYTHON does not name an interpreter with bpy")
    return interpreter


@pytest.mark.parametrize(
    ("units", "scale", "fps", "order"),
    [("cm", 0.01, 29.97, "ZXY"), ("m", 1.0, 50.0, "ZXY"), ("cm", 0.01, 30.0, "XYZ")],
)
def test_blender_shows_the_takes_joints(blender_python, tmp_path, units, scale, fps, order):
    take = make_take(frames=90, fps=fps)
    path = write_bvh(take, "person-1", tmp_path / "a.bvh", units=units, rotation_order=order)
    run = subprocess.run(
        [blender_python, str(CHECK), str(path), str(scale)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])

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

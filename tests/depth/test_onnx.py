"""ONNX says what PyTorch says, missing points and other batch sizes included."""

import numpy as np
import pytest
import torch

from mocap.depth import DepthRefiner, export_onnx
from mocap.depth.onnx import INPUTS
from mocap.errors import CheckpointError

from .conftest import somebody

NAN = float("nan")
KINDS = {
    "single": {},
    "pose": {"frames": 5},
    "joints": {"frames": 5, "temporal": "joints"},
    "told": {"frames": 5, "elevation": True},
    "bare": {"view_conditioning": False, "viewpoint_features": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_pytorch(make_network, tmp_path, kind):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    network = make_network(**KINDS[kind])
    path = export_onnx(network, tmp_path / "r.onnx")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = [given.name for given in session.get_inputs()]
    assert inputs[:3] == ["xy", "xyz", "confidence"]
    assert ("elevation" in inputs) == (kind == "told")
    for windows in (1, 7):
        xy, xyz, confidence, time = somebody(windows * network.config.frames).batch(windows=windows)
        xy[0, 0, 3], xyz[-1, -1, 5], confidence[0, 0, 11] = NAN, NAN, 0
        xyz[0] = NAN
        if windows > 1:
            xy[3, -1], xyz[3, -1], confidence[3, -1] = NAN, NAN, 0
        elevation = torch.tensor([0.1, 0.02]).repeat(*time.shape, 1)
        elevation[0, 0] = NAN
        given = dict(zip(INPUTS, (xy, xyz, confidence, time, elevation), strict=True))
        said = session.run(None, {name: given[name].numpy() for name in inputs})
        with torch.inference_mode():
            refined = network(xy, xyz, confidence, time, elevation)
        expected = (refined.xyz, refined.sigma, refined.camera_relative)
        for ours, theirs in zip(said, expected, strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_a_refiner_will_do(make_network, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    network = make_network()
    paths = [
        export_onnx(one, tmp_path / f"{number}.onnx")
        for number, one in enumerate((network, DepthRefiner(network, mirrored=True)))
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_without_the_package_or_the_folder(make_network, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"):
        export_onnx(make_network(), tmp_path / "file" / "r.onnx")
    monkeypatch.setattr("mocap.depth.onnx.find_spec", lambda _: None)
    with pytest.raises(CheckpointError, match=r"r\.onnx: ONNX needs the onnx package"):
        export_onnx(make_network(), tmp_path / "r.onnx")

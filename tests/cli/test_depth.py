"""The refiner's place in `extract`, `fit` and `info`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mocap import Take
from mocap.depth import DepthNetwork, NetworkConfig, write_checkpoint

from .conftest import Ended

Run = Callable[..., Ended]
REFINED = ["detection", "camera", "depth", "fitting"]
PLAIN = ["detection", "camera", "fitting"]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A refiner as if it came with the program; it has learned nothing."""
    torch.manual_seed(0)
    path = write_checkpoint(
        DepthNetwork(NetworkConfig(elevation=True)), tmp_path / "refiner.safetensors"
    )
    monkeypatch.setattr("mocap.depth.stage._SHIPPED", path.parent)
    return path


def stages(folder: Path) -> list[str]:
    return [stage.name for stage in Take.load(folder / "take.h5").provenance]


def test_extracting_refines_once_and_takes_it_back_when_told(
    extracted: Path, clip: Path, shipped: Path, mocap: Run
) -> None:
    extract = ("extract", clip, "--out", extracted, "--no-overlay")
    first = mocap(*extract)
    assert first.code == 0
    assert "detection skipped" in first.err
    assert "putting depth right" in first.err
    assert "fitting bodies" in first.err
    assert stages(extracted) == REFINED
    refined = Take.load(extracted / "take.h5").people["person-1"].refined3d
    assert refined is not None
    assert np.isfinite(refined.xyz).all()

    again = mocap(*extract)
    assert "depth skipped" in again.err
    assert "fit skipped" in again.err
    assert mocap(*extract, "--height", 1.9).code == 0
    assert stages(extracted) == REFINED

    without = mocap(*extract, "--no-refine-depth")
    assert without.code == 0
    assert "detection skipped" in without.err
    assert stages(extracted) == PLAIN
    assert Take.load(extracted / "take.h5").people["person-1"].refined3d is None


def test_fitting_refines_what_was_not(extracted: Path, shipped: Path, mocap: Run) -> None:
    path = extracted / "take.h5"
    assert mocap("fit", path, "--no-refine-depth").code == 0
    assert stages(extracted) == PLAIN
    assert "depth   as detected" in mocap("info", path).out
    assert mocap("fit", path).code == 0
    assert stages(extracted) == REFINED
    told = mocap("info", path).out
    assert f"depth   refined by {Take.load(path).provenance[2].inputs['refiner'][:12]}" in told
    assert "depth skipped" in mocap("fit", path).err
    # Through another lens, what is level is elsewhere.
    assert "putting depth right" in mocap("fit", path, "--fov", 35).err
    assert "depth skipped" in mocap("fit", path, "--height", 1.8).err


def test_a_damaged_refiner_is_told(extracted: Path, shipped: Path, mocap: Run) -> None:
    shipped.write_bytes(shipped.read_bytes()[:1000])
    ended = mocap("fit", extracted / "take.h5")
    assert ended.code == 1
    assert ended.err.count("error: ") == 1
    assert "refiner.safetensors: is damaged" in ended.err
    assert mocap("fit", extracted / "take.h5", "--no-refine-depth").code == 0

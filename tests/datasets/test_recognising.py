"""Files in the wrong hands: what they are is told, and what takes them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

import made_results
from made_results import known_motion
from retarget.made_up import written as robot_file
from takes import make_take

from mocap.body import Body
from mocap.datasets.motions import motion_sources
from mocap.datasets.recognising import kind_of
from mocap.datasets.results import SYSTEMS, read_result
from mocap.datasets.robots import FORMATS
from mocap.errors import MocapError
from mocap.exporters import write_bvh
from mocap.retarget import read_robot

from .robots.made_up import swinging


def result_of(system: str, folder: Path) -> Path:
    """A system's file of a known motion, or a BVH, under a name that tells nothing."""
    path = folder / "unknown"
    known = known_motion()
    if system == "bvh":
        write_bvh(make_take(people=1, frames=12), "person-1", folder / "a.bvh")
        (folder / "a.bvh").replace(path)
    elif system == "romp":
        rows = {"smpl_thetas": np.zeros((1, 72)), "cam": np.zeros((1, 3))}
        with path.open("wb") as file:
            np.savez(file, results=np.array(rows, dtype=object))
    elif system == "sam3dbody":
        with path.open("wb") as file:
            np.savez(file, pred_keypoints_3d=np.zeros((70, 3)), pred_cam_t=np.zeros(3))
    elif system == "amass":
        made_results.write_amass(known, folder / "a.npz", is_smplx=True).replace(path)
    else:
        getattr(made_results, f"write_{system}")(known, path)
    return path


@pytest.mark.parametrize("system", SYSTEMS)
def test_results_of_every_system_are_known_by_what_is_in_them(
    system: str, tmp_path: Path, body: Body
) -> None:
    path = result_of(system, tmp_path)
    kind = kind_of(path)
    assert kind is not None
    assert kind.system == system
    # Given as another system's, the right one is named.
    other = "aistpp" if system != "aistpp" else "glamr"
    with pytest.raises(MocapError, match=f"give --from {system}$"):
        read_result(path, other, body)


def test_what_is_no_motion_file_is_sent_where_it_belongs(tmp_path: Path, body: Body) -> None:
    glamr = result_of("glamr", tmp_path).rename(tmp_path / "running.pkl")
    with pytest.raises(
        MocapError, match=r"running\.pkl: is a result of GLAMR; `mocap import --from"
    ):
        motion_sources(glamr, body)
    bvh = result_of("bvh", tmp_path).rename(tmp_path / "dance.npz")
    with pytest.raises(MocapError, match=r"dance\.npz: is a BVH file"):
        motion_sources(bvh, body)
    amass = result_of("amass", tmp_path).rename(tmp_path / "walk.npz")
    [source] = motion_sources(amass, body)
    assert source.path == amass


@pytest.mark.parametrize("form", FORMATS)
def test_motion_of_robots_is_told_from_that_of_people(
    form: str, tmp_path: Path, body: Body
) -> None:
    robot = read_robot(robot_file(tmp_path))
    path = tmp_path / f"walk{FORMATS[form].suffix}"
    path.write_bytes(FORMATS[form].write(swinging(robot), robot))
    with pytest.raises(MocapError, match=r"walk\.\w+: is a robot's .*`mocap robot convert`"):
        motion_sources(path, body)
    if form == "mocap":
        with pytest.raises(MocapError, match="is a robot's trajectory"):
            read_result(path, "amass", body)


@pytest.mark.parametrize("content", [b"", b"not it", bytes(2000), b"\x80\x04K\x01.", b"PK\x03\x04"])
def test_what_tells_nothing_is_nothing(content: bytes, tmp_path: Path) -> None:
    for name in ("f.pkl", "f.npz", "f.npy", "f.bvh", "f.csv"):
        (tmp_path / name).write_bytes(content)
        assert kind_of(tmp_path / name) is None
    assert kind_of(tmp_path / "nowhere.npz") is None
    assert kind_of(tmp_path) is None

"""Files that are hostile, damaged, or something else: one line each, and nothing is run."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from made_results import known_motion, write_gvhmr, write_wham

from mocap.body import Body
from mocap.datasets.results import SYSTEMS, read_result
from mocap.datasets.results.models import is_licensed
from mocap.errors import MocapError


class _Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("system", [name for name in SYSTEMS if name != "bvh"])
@pytest.mark.parametrize("kind", ["pickle", "joblib", "npz", "torch"])
def test_nothing_in_a_file_is_run(system: str, kind: str, tmp_path: Path, body: Body) -> None:
    mark = tmp_path / "was-run"
    content = {"smpl_poses": np.zeros((3, 72)), "results": _Touches(mark)}
    path = tmp_path / {"npz": "f.npz", "torch": "f.pt"}.get(kind, "f.pkl")
    if kind == "pickle":
        path.write_bytes(pickle.dumps(content))
    elif kind == "joblib":
        joblib.dump(content, path)
    elif kind == "npz":
        np.savez(path, **{key: np.array(value, dtype=object) for key, value in content.items()})
    else:
        torch.save(content, path)
    with pytest.raises(MocapError, match=r"f\.(pkl|npz|pt)") as refused:
        read_result(path, system, body)
    assert "\n" not in str(refused.value)
    assert not mark.exists()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("content", [b"", b"not it", bytes(2000), b"\x80\x04K\x01."])
def test_something_else_is_one_line(
    system: str, content: bytes, tmp_path: Path, body: Body
) -> None:
    for name in ("f.pkl", "f.npz", "f.npy", "f.bvh"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(MocapError, match=name) as refused:
            read_result(path, system, body)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_missing_file_is_named(system: str, tmp_path: Path, body: Body) -> None:
    with pytest.raises(MocapError, match="gone: no such file"):
        read_result(tmp_path / "gone", system, body)
    with pytest.raises(MocapError, match="is a folder; give the file in it"):
        read_result(tmp_path, system, body)


def test_what_is_lacking_is_named(tmp_path: Path, body: Body) -> None:
    path = tmp_path / "r.pt"
    torch.save({"smpl_params_global": {"global_orient": torch.zeros(3, 3)}}, path)
    with pytest.raises(MocapError, match=r"no result of gvhmr: it lacks .*/body_pose"):
        read_result(path, "gvhmr", body)
    joblib.dump({0: {"pose": np.zeros((3, 72))}}, path)
    with pytest.raises(MocapError, match="no result of wham: it lacks 0/frame_ids"):
        read_result(path, "wham", body)


def test_what_is_no_number_is_told(tmp_path: Path, body: Body) -> None:
    path = write_gvhmr(known_motion(), tmp_path / "r.pt")
    content = torch.load(path, weights_only=True)
    content["smpl_params_global"]["transl"][3, 0] = float("nan")
    torch.save(content, path)
    with pytest.raises(MocapError, match=r"r\.pt: person-1: some of its hips are not numbers"):
        read_result(path, "gvhmr", body)
    content["smpl_params_global"]["transl"][3, 0] = 1e30
    torch.save(content, path)
    with pytest.raises(MocapError, match="some of its hips are beyond anybody's"):
        read_result(path, "gvhmr", body)
    content = joblib.load(write_wham(known_motion(), tmp_path / "w.pkl"))
    content[0]["frame_ids"] = content[0]["frame_ids"][::-1]
    joblib.dump(content, tmp_path / "w.pkl")
    with pytest.raises(MocapError, match=r"person-0: its frames are not numbered upwards"):
        read_result(tmp_path / "w.pkl", "wham", body)
    content[0]["frame_ids"] = np.arange(40)
    content[0]["pose"] = content[0]["pose"][:7]
    joblib.dump(content, tmp_path / "w.pkl")
    with pytest.raises(MocapError, match=r"w\.pkl"):
        read_result(tmp_path / "w.pkl", "wham", body)


def test_a_cut_file_is_one_line(tmp_path: Path, body: Body) -> None:
    whole = write_wham(known_motion(), tmp_path / "w.pkl").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "cut.pkl").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(MocapError, match=r"cut\.pkl"):
            read_result(tmp_path / "cut.pkl", "wham", body)


def _with(content: dict[Any, Any], path: Path) -> Path:
    joblib.dump(content, path)
    return path


def test_names_and_numbers_that_cannot_be(tmp_path: Path, body: Body) -> None:
    whole = joblib.load(write_wham(known_motion(), tmp_path / "w.pkl"))
    path = tmp_path / "f.pkl"
    for name in ("a/b", "a\nb", "x" * 300):
        with pytest.raises(MocapError, match="cannot be a file's name"):
            read_result(_with({name: whole[0]}, path), "wham", body)
    with pytest.raises(MocapError, match="several alike"):
        read_result(_with({1: whole[0], "1": whole[0]}, path), "wham", body)
    for frames in (np.full(40, np.nan), np.arange(40) + 0.5, np.arange(40) * 10**9):
        damaged = {0: {**whole[0], "frame_ids": frames}}
        with pytest.raises(MocapError, match=r"f\.pkl"):
            read_result(_with(damaged, path), "wham", body)
    for rate in (0.0, -5.0, np.nan, np.inf):
        file = tmp_path / "a.npz"
        np.savez(file, poses=np.zeros((4, 165)), trans=np.zeros((4, 3)), mocap_frame_rate=rate)
        with pytest.raises(MocapError, match="frames a second are not possible"):
            read_result(file, "amass", body)
    np.savez(file, poses=np.zeros(()), trans=np.zeros((4, 3)), mocap_frame_rate=30.0)
    with pytest.raises(MocapError, match=r"a\.npz"):
        read_result(file, "amass", body)


def test_betas_are_only_those_of_the_same_model(body: Body) -> None:
    for name, gender in (
        ("SMPLX_NEUTRAL", "neutral"),
        ("smplx_female", "female"),
        ("my", "neutral"),
    ):
        named = replace(body, name=name)
        told = [one for one in ("neutral", "male", "female") if is_licensed(named, one)]
        assert told == [gender]
    assert not is_licensed(body, "neutral")

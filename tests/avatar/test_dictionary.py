"""Dictionaries of arrays, as Habitat-GS and ExAvatar have people: weights kept, damage refused."""

import pickle
import re
import struct
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.people import bent, painted, painted_avatar
from mocap.avatar import Avatar, load_avatar
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.skeletons import SMPLX_55

#: SMPL's joints; the last are hands, which SMPL-X has not.
SMPL = 24


def apart(radians: float) -> BodyPose:
    """Legs so far out to both sides."""
    turns = torch.zeros(21, 3)
    turns[SMPLX_55.index("left_hip") - 1, 2] = radians
    turns[SMPLX_55.index("right_hip") - 1, 2] = -radians
    return BodyPose(body_pose=turns.reshape(1, 63))


@pytest.fixture(scope="module")
def avatar(body: Body) -> Avatar:
    """Somebody each of whose Gaussians goes with one joint alone, as no skin has it."""
    soft = painted_avatar(body, 5000)
    alone = torch.nn.functional.one_hot(soft.binding.weights.argmax(1), 55).to(soft.betas)
    return replace(soft, binding=replace(soft.binding, weights=alone))


def to_rest(avatar: Avatar, pose: BodyPose) -> Tensor:
    """What brings each joint from a pose to the T-pose, (55, 4, 4)."""
    with torch.no_grad():
        posed = avatar.body.forward(replace(pose, betas=avatar.betas[None]))
        rest = avatar.body.rest_joints(avatar.betas[None])[0]
    back = posed.rotations[0].mT
    matrices = torch.eye(4).repeat(55, 1, 1)
    matrices[:, :3, :3] = back
    matrices[:, :3, 3] = rest - (back @ posed.joints[0][..., None])[..., 0]
    return matrices


def exavatar(avatar: Avatar) -> dict[str, Tensor]:
    """As ExAvatar has somebody, legs apart by a radian to each side."""
    pose = apart(1.0)
    with torch.no_grad():
        canonical = avatar.posed(pose)
    return {
        "mean_3d": canonical.means,
        "opacity": canonical.opacities[:, None],
        "scale": canonical.scales.mean(1, keepdim=True).repeat(1, 3),
        "rotation": torch.tensor([1.0, 0, 0, 0]).repeat(len(avatar), 1),
        "rgb": painted(avatar.gaussians.means),
        "skinning_weight": avatar.binding.weights,
        "transform_mat_neutral_pose": to_rest(avatar, pose),
    }


def habitat(avatar: Avatar) -> dict[str, np.ndarray]:
    """As Habitat-GS has somebody from Animatable Gaussians, legs apart by 25 degrees."""
    pose = apart(np.deg2rad(25))
    with torch.no_grad():
        canonical = avatar.posed(pose)
    arrays = {
        "means": canonical.means,
        "colors": painted(avatar.gaussians.means),
        "shs": canonical.harmonics[:, 0],
        "scales": canonical.scales,
        "quats": canonical.rotations,
        "opacities": canonical.opacities[:, None],
        "lbs_weights": avatar.binding.weights,
        "joints_inv_bind_matrix": to_rest(avatar, pose),
    }
    return {name: array.numpy() for name, array in arrays.items()}


def saved(arrays: dict, path: Path) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        torch.save(arrays, path)
    return path


def expect_same(found: Avatar, avatar: Avatar, near: float = 0.01) -> None:
    """The same person at rest and in a dance, who moves as they did."""
    off = (found.gaussians.means - avatar.gaussians.means).norm(dim=1)
    assert off.median() < near
    assert off.quantile(0.95) < 0.035
    dance = bent(avatar.body, 1, 0.2)
    moved = (found.posed(dance).means - avatar.posed(dance).means).norm(dim=1)
    assert moved.median() < 0.02


def test_people_of_exavatar_keep_their_weights(avatar, tmp_path):
    said: list[str] = []
    path = saved(exavatar(avatar), tmp_path / "anna.pt")
    found = load_avatar(path, avatar.body, said.append)
    assert found.name == "anna"
    torch.testing.assert_close(found.binding.weights, avatar.binding.weights)
    expect_same(found, avatar)
    shown = 0.5 + 0.28209479177387814 * found.gaussians.harmonics[:, 0]
    torch.testing.assert_close(shown, painted(avatar.gaussians.means), rtol=0, atol=1e-5)
    assert said[0] == "ExAvatar's, with its own skin weights"
    # Brought to rest by their own matrices: the body is laid into a T-pose.
    found = re.fullmatch(r"arms (-?\d+) degrees .* (-?\d+) between the legs", said[1])
    assert found is not None
    assert abs(int(found[1])) < 4
    assert abs(int(found[2])) < 8


def test_without_matrices_the_pose_is_found(avatar, tmp_path):
    arrays = exavatar(avatar)
    del arrays["transform_mat_neutral_pose"]
    found = load_avatar(saved(arrays, tmp_path / "anna.pth"), avatar.body)
    torch.testing.assert_close(found.binding.weights, avatar.binding.weights)
    expect_same(found, avatar, 0.015)


def test_without_weights_they_are_the_bodys_own(avatar, tmp_path):
    arrays = exavatar(avatar)
    del arrays["transform_mat_neutral_pose"], arrays["skinning_weight"]
    said: list[str] = []
    found = load_avatar(saved(arrays, tmp_path / "anna.pt"), avatar.body, said.append)
    assert said[0] == "ExAvatar's, without skin weights: they are the body's own"
    assert (found.binding.weights.amax(1) < 0.99).any()


def test_people_of_habitat_keep_weights_and_turns(avatar, tmp_path):
    found = load_avatar(saved(habitat(avatar), tmp_path / "anna.npz"), avatar.body)
    torch.testing.assert_close(found.binding.weights, avatar.binding.weights)
    expect_same(found, avatar)
    # Flat Gaussians lie on the skin as they did.
    own, turned = avatar.gaussians.rotations, found.gaussians.rotations
    alike = torch.nn.functional.cosine_similarity(own, turned).abs()
    assert alike.quantile(0.1) > 0.995
    torch.testing.assert_close(found.gaussians.scales, avatar.gaussians.scales)


def test_colours_are_known_from_harmonics(avatar, tmp_path):
    arrays = habitat(avatar)
    plain = load_avatar(saved(arrays, tmp_path / "one.npz"), avatar.body)
    arrays["shs"] = arrays.pop("colors")[:, None]
    coloured = load_avatar(saved(arrays, tmp_path / "two.npz"), avatar.body)
    torch.testing.assert_close(
        coloured.gaussians.harmonics, plain.gaussians.harmonics, rtol=0, atol=1e-4
    )


def test_hands_of_smpl_go_with_the_wrists(avatar, tmp_path):
    arrays = habitat(avatar)
    weights = np.zeros((len(avatar), SMPL), np.float32)
    weights[:, :22] = arrays["lbs_weights"][:, :22]
    head = SMPLX_55.index("head")
    weights[:, head] += arrays["lbs_weights"][:, 22:25].sum(1)
    weights[:, 22] = arrays["lbs_weights"][:, 25:40].sum(1)
    weights[:, 23] = arrays["lbs_weights"][:, 40:].sum(1)
    arrays["lbs_weights"] = weights
    arrays["joints_inv_bind_matrix"] = arrays["joints_inv_bind_matrix"][None, :SMPL]
    found = load_avatar(saved(arrays, tmp_path / "anna.npz"), avatar.body).binding.weights
    fingers = torch.from_numpy(weights[:, 22]) == 1
    assert fingers.sum() > 100
    assert (found[fingers, SMPLX_55.index("left_wrist")] == 1).all()
    assert not found[:, 22:].any()


def changed(arrays: dict, **parts: object) -> dict:
    """Other arrays; those that are None are left out."""
    return {k: v for k, v in {**arrays, **parts}.items() if v is not None}


def test_arrays_that_do_not_go_together_are_refused_in_words(avatar, tmp_path):
    whole = {name: array.numpy() for name, array in exavatar(avatar[:300]).items()}
    unknown = whole["mean_3d"].copy()
    unknown[7] = np.nan
    mirrored = whole["transform_mat_neutral_pose"].copy()
    mirrored[:, 0, 0] *= -1
    refused = {
        "no Gaussians by names that are known": {"mean_3d": None},
        "but no opacity and no rgb": {"opacity": None, "rgb": None},
        r"mean_3d is \(300, 2\), not \(N, 3\)": {"mean_3d": unknown[:, :2]},
        r"scale is \(200, 3\), not \(300, 3\) or": {"scale": whole["scale"][:200]},
        "mean_3d has numbers that are not finite": {"mean_3d": unknown},
        "mean_3d is empty: nobody is in it": {k: v[:0] for k, v in whole.items()},
        "rgb holds no numbers": {"rgb": np.full((300, 3), "red")},
        "scale are not all above zero: they are metres": {"scale": np.log(whole["scale"])},
        "rotation are zero": {"rotation": np.zeros((300, 4))},
        "opacity are outside 0 to 1": {"opacity": np.full(300, 4.0)},
        "rgb is outside 0 to 1": {"rgb": np.full((300, 3), 255.0)},
        "skinning_weight are no shares": {"skinning_weight": np.ones((300, 55))},
        r"skinning_weight is \(300, 30\)": {"skinning_weight": np.ones((300, 30)) / 30},
        "and no skinning_weight, which say": {"skinning_weight": None},
        "are no rigid motions": {"transform_mat_neutral_pose": mirrored},
        r"neutral_pose is \(54, 4, 4\)": {"transform_mat_neutral_pose": mirrored[1:]},
    }
    for words, parts in refused.items():
        path = saved(changed(whole, **parts), tmp_path / "bad.npz")
        with pytest.raises(AvatarError, match=words) as caught:
            load_avatar(path, avatar.body)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


class Trap:
    """Something that runs when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def pickled(thing: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(thing))


@pytest.mark.parametrize("suffix", [".npz", ".pt", ".pth"])
@pytest.mark.parametrize("save", [torch.save, pickled])
def test_pickles_are_not_run(body, tmp_path, suffix, save):
    path, trace = tmp_path / f"trap{suffix}", tmp_path / "sprung"
    save({"mean_3d": Trap(trace)}, path)
    # PyTorch's own are archives, in which numpy finds no array.
    words = r"trap\..*(holds objects|no Gaussians by names)"
    with pytest.raises(AvatarError, match=words) as caught:
        load_avatar(path, body)
    assert "\n" not in str(caught.value)
    assert not trace.exists()
    np.savez(tmp_path / "trap.npz", means=np.array([Trap(trace)], object))
    trace.unlink(missing_ok=True)
    with pytest.raises(AvatarError, match="holds objects"):
        load_avatar(tmp_path / "trap.npz", body)
    assert not trace.exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_files_that_are_cut_short_are_damaged(avatar, tmp_path, share, suffix):
    path = saved(exavatar(avatar[:300]), tmp_path / f"anna{suffix}")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(AvatarError, match="damaged") as caught:
        load_avatar(path, avatar.body)
    assert "\n" not in str(caught.value)


def test_headers_that_make_no_sense_are_damage(body, tmp_path):
    path = tmp_path / "anna.npz"
    with zipfile.ZipFile(path, "w") as archive:
        # Numpy reads it as Python, and there are more brackets than are closed.
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (((3,), }".ljust(117) + b"\n"
        archive.writestr("means.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header)
    with pytest.raises(AvatarError, match="or damaged"):
        load_avatar(path, body)


def test_networks_are_no_people(body, tmp_path):
    network = {
        "scene_gaussian.point_num": torch.tensor([3]),
        "human_gaussian.triplane": torch.zeros(3, 32, 8, 8),
        "human_gaussian.skinning_weight": torch.zeros(9, 55),
    }
    path = saved({"epoch": 4, "network": network, "optimizer": {}}, tmp_path / "snapshot_4.pth")
    with pytest.raises(AvatarError, match=r"snapshot of ExAvatar's networks.*human_asset"):
        load_avatar(path, body)
    with pytest.raises(AvatarError, match="holds no dictionary of tensors"):
        load_avatar(saved([torch.zeros(3)], tmp_path / "list.pt"), body)


def test_objects_of_lhm_are_sent_back_for_a_splat(body, tmp_path, monkeypatch):
    module = ModuleType("LHM.outputs.output")
    kind = type("GaussianAppOutput", (), {"__module__": module.__name__})
    module.GaussianAppOutput = kind
    for name in ("LHM", "LHM.outputs", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    path = saved(kind(), tmp_path / "human3r_gs.pt")
    monkeypatch.undo()
    with pytest.raises(AvatarError, match=r"LHM's own; write a splat instead.*inference_mesh\.sh"):
        load_avatar(path, body)


def test_tensors_that_are_not_plain_are_refused(body, tmp_path):
    path = saved({"mean_3d": torch.eye(3).to_sparse()}, tmp_path / "sparse.pt")
    with pytest.raises(AvatarError, match="its tensors are not plain ones"):
        load_avatar(path, body)
